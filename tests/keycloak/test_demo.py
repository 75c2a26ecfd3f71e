"""The demo runs on Keycloak too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.demo.__main__ import run
from examples.demo.arguments import read
from examples.demo.display import PlainDisplay
from tests.keycloak.realm import BOT_SECRET, PASSWORD

if TYPE_CHECKING:
    from tests.keycloak.server import Keycloak

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1_800)]  # seconds, the first download included


async def test_the_demo_fails_nothing_on_keycloak(
    keycloak: Keycloak, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Forty clients crawl the user-info endpoint over several renewals, one of them is cancelled, and nothing fails."""
    monkeypatch.setenv("PASSWORD", PASSWORD)
    monkeypatch.setenv("CLIENT_SECRET", BOT_SECRET)
    arguments = ["--issuer", keycloak.issuer, "--client-id", "bot", "--username", "alice", "--clients", "40"]
    assert await run(read(arguments), PlainDisplay()) == 0, capsys.readouterr().out
