"""Where the examples run: the servers that the environment names, or servers of their own on loopback.

TOKEN_URL and API_URL name servers; then CLIENT_ID, CLIENT_SECRET and REFRESH_TOKEN say who asks, and REFRESH_TOKENS
(ada=... grace=...) for several users. TOKEN_FILE is where the token is kept, since each refresh gives a new one, and
AUTHORIZATION_URL is where people are sent to sign in.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aio_token import testing  # loads its servers when they are used

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token.testing import AuthorizationServer, ProtectedAPI

USERS = ("ada", "grace", "hedy")


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What an example has to know."""

    token_url: str
    authorization_url: str
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    refresh_tokens: dict[str, str] = field(repr=False)
    token_file: Path

    @property
    def environment(self) -> dict[str, str]:
        """The same for a program that is started from here."""
        return {
            "TOKEN_URL": self.token_url,
            "AUTHORIZATION_URL": self.authorization_url,
            "API_URL": self.api_url,
            "CLIENT_ID": self.client_id,
            "CLIENT_SECRET": self.client_secret,
            "REFRESH_TOKEN": self.refresh_token,
            "TOKEN_FILE": str(self.token_file),
            "REFRESH_TOKENS": " ".join(f"{user}={token}" for user, token in self.refresh_tokens.items()),
        }


@asynccontextmanager
async def servers(*, lifetime: float = 60.0) -> AsyncIterator[Servers]:
    """Return where to go; servers of one's own give tokens that live `lifetime` seconds, and stop with the block."""
    if "TOKEN_URL" in os.environ:
        yield of_environment()
    else:
        with TemporaryDirectory() as folder:
            async with testing.AuthorizationServer(lifetime=lifetime) as server, testing.ProtectedAPI(server) as api:
                yield embedded(server, api, Path(folder, "token.json"))


def of_environment() -> Servers:
    """Return the servers that the environment names."""
    return Servers(
        token_url=os.environ["TOKEN_URL"],
        authorization_url=os.environ.get("AUTHORIZATION_URL", ""),
        api_url=os.environ["API_URL"],
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        refresh_token=os.environ.get("REFRESH_TOKEN", ""),
        refresh_tokens=dict(pair.split("=", 1) for pair in os.environ.get("REFRESH_TOKENS", "").split()),
        token_file=Path(os.environ.get("TOKEN_FILE", "token.json")),
    )


def embedded(server: AuthorizationServer, api: ProtectedAPI, token_file: Path) -> Servers:
    """Return servers that run already, with users who have signed in."""
    return Servers(
        token_url=server.token_url,
        authorization_url=server.authorization_url,
        api_url=api.url,
        client_id=server.client.client_id,
        client_secret=server.client.secret or "",
        refresh_token=server.sign_in(),
        refresh_tokens={user: server.sign_in(user=user) for user in USERS},
        token_file=token_file,
    )
