"""Fixtures of the command line's tests."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from aio_token.stores.keys import new_key
from tests.cli.command_line import Browser, CommandLine
from tests.support.postgres_fixture import postgres as postgres  # noqa: PLC0414  this room's

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the process a user of its own, who keeps a key in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("AIO_TOKEN_KEY", new_key())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path


@pytest.fixture
def aio_token(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    """Run command lines; law G1: no secret is told to people or written where others may read it."""
    line = CommandLine(home, monkeypatch, capsys)
    yield line
    assert line.secrets_in_view() == []


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Give the machine a desktop with a browser."""
    browser = Browser()
    monkeypatch.setattr(webbrowser, "open", browser.open)
    monkeypatch.setenv("DISPLAY", ":0")
    return browser


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """Take the keyring away."""
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)
