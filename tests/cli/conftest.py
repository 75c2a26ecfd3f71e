"""Fixtures of the command line's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aio_token.stores.keys import new_key
from tests.cli.command_line import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SILENT = (
    "AIO_TOKEN_PROFILE",
    "AIO_TOKEN_CLIENT_SECRET",
    "BROWSER",
    "CI",
    "DISPLAY",
    "KUBERNETES_EXEC_INFO",
    "NO_COLOR",
    "SSH_CONNECTION",
    "SSH_TTY",
    "WAYLAND_DISPLAY",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the process a user of its own, who keeps a key in the environment."""
    for variable in _SILENT:
        monkeypatch.delenv(variable, raising=False)
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
