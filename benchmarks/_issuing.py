"""What the benchmarks' server issues: access tokens that live as long as it is told, refresh tokens that work once."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

STATIC = "a-token-that-never-ends"
CONTENT = b'{"answer": "' + b"x" * 200 + b'"}'
STEADY = "steady-"  # refresh tokens of this beginning are never rotated: for clients that keep the one they have


@dataclass(slots=True)
class Settings:
    """How the server behaves, in seconds and characters."""

    lifetime: float = 3600.0
    latency: float = 0.0  # of the token endpoint
    api_latency: float = 0.0
    token_size: int = 40
    kill_old: bool = False  # a new access token ends the client's one before
    down: bool = False  # the token endpoint answers 503
    longer: dict[str, float] = field(default_factory=dict)
    """By client: how much longer than it really lives a token is said to live.

    For a library whose margin before the end is a constant that is longer than these tokens live: what it believes to
    be `margin` before the end then is the end that all others see."""


@dataclass(slots=True)
class Issuer:
    """Issues tokens and counts who asked."""

    settings: Settings
    reused: int = 0
    posts: Counter[str] = field(default_factory=Counter)  # by client
    issued: Counter[str] = field(default_factory=Counter)
    _serial: int = 0
    _ends: dict[bytes, float] = field(default_factory=dict)  # of each access token
    _last: dict[str, bytes] = field(default_factory=dict)  # access token by client
    _families: dict[str, str] = field(default_factory=dict)  # refresh token -> the client's session; the good ones
    _spent: set[str] = field(default_factory=set)

    def reset(self) -> None:
        """Count anew."""
        self.reused = 0
        self.posts.clear()
        self.issued.clear()

    def revoke(self) -> None:
        """End every access token now."""
        self._ends.clear()

    def accepts(self, access_token: bytes) -> bool:
        """Whether the access token is good."""
        end = self._ends.get(access_token)
        return access_token == STATIC.encode() or (end is not None and time.monotonic() < end)

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Answer a token request."""
        client = form.get("client_id", "")
        self.posts[client] += 1
        if self.settings.down:
            return 503, {"error": "temporarily_unavailable"}
        if form.get("grant_type") == "refresh_token":
            return self._refresh(client, form.get("refresh_token", ""))
        return self._issue(client)

    def _refresh(self, client: str, presented: str) -> tuple[int, dict[str, object]]:
        if presented.startswith(STEADY):
            return self._issue(client)
        if presented in self._spent or (presented not in self._families and not presented.startswith("first-")):
            if presented in self._spent:
                self.reused += 1
                self._ends.pop(self._last.pop(client, b""), None)
            self._families = {token: owner for token, owner in self._families.items() if owner != client}
            return 400, {"error": "invalid_grant"}
        self._families.pop(presented, None)
        self._spent.add(presented)
        status, answer = self._issue(client)
        new = f"next-{self._serial}"
        self._families[new] = client
        return status, answer | {"refresh_token": new}

    def _issue(self, client: str) -> tuple[int, dict[str, object]]:
        self._serial += 1
        self.issued[client] += 1
        text = f"{client}-{self._serial}-".ljust(self.settings.token_size, "x")
        if self.settings.kill_old and client in self._last:
            self._ends.pop(self._last[client], None)
        self._last[client] = text.encode()
        self._ends[text.encode()] = time.monotonic() + self.settings.lifetime
        told = self.settings.lifetime + self.settings.longer.get(client, 0.0)
        return 200, {"access_token": text, "token_type": "Bearer", "expires_in": int(told)}
