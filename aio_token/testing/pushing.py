"""Authorization requests that are pushed to an authorization server before a browser comes (RFC 9126)."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.testing.rules import Rules

_URN = "urn:ietf:params:oauth:request_uri:"


class Pushed:
    """The requests that wait for their browser, each for one; known by their digests, as in a server's database."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._waiting: dict[bytes, tuple[float, Mapping[str, str]]] = {}

    def keep(self, asked: Mapping[str, str]) -> str:
        """Keep a request, and return what stands for it."""
        name = f"{_URN}kit-{secrets.token_urlsafe(24)}"
        ends_at = self._rules.clock.monotonic() + self._rules.pushed_lifetime
        self._waiting[_digest(name)] = ends_at, asked
        return name

    def spend(self, name: str, client_id: str) -> Mapping[str, str] | None:
        """Return a request for the client that pushed it, in time, once; None for any other."""
        ends_at, asked = self._waiting.pop(_digest(name), (0.0, {}))
        in_time = self._rules.clock.monotonic() < ends_at
        return asked if in_time and asked["client_id"] == client_id else None


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
