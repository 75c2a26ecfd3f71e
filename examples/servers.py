"""Where the examples run: the servers that the environment names, or servers of their own on loopback.

TOKEN_URL and API_URL name servers; then CLIENT_ID, CLIENT_SECRET and REFRESH_TOKEN say who asks, and REFRESH_TOKENS
(ada=... grace=...) for several users. TOKEN_FILE is where the token is kept, since each refresh gives a new one, and
AUTHORIZATION_URL is where people are sent to sign in. APIS (profile=... mail=... files=...) are those of one session.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aio_token import testing  # loads its servers when they are used

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aio_token.testing import AuthorizationServer, ProtectedAPI

USERS = ("ada", "grace", "hedy")
APIS = ("profile", "mail", "files")


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What an example has to know."""

    token_url: str
    authorization_url: str
    api_url: str
    apis: Mapping[str, str]
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
            "REFRESH_TOKENS": _joined(self.refresh_tokens),
            "APIS": _joined(self.apis),
        }


@asynccontextmanager
async def servers(*, lifetime: float = 60.0) -> AsyncIterator[Servers]:
    """Return where to go; servers of one's own give tokens that live `lifetime` seconds, and stop with the block."""
    if "TOKEN_URL" in os.environ:
        yield of_environment()
    else:
        with TemporaryDirectory() as folder:
            async with testing.AuthorizationServer(lifetime=lifetime) as server, AsyncExitStack() as stack:
                api, *others = [await stack.enter_async_context(testing.ProtectedAPI(server)) for _ in ("", *APIS)]
                yield embedded(server, api, Path(folder, "token.json"), dict(zip(APIS, others, strict=True)))


def of_environment() -> Servers:
    """Return the servers that the environment names; end the program if it does not say enough."""
    if missing := [name for name in ("TOKEN_URL", "API_URL", "CLIENT_ID", "CLIENT_SECRET") if name not in os.environ]:
        sys.exit(f"set {' and '.join(missing)} as well; without TOKEN_URL most examples bring servers of their own")
    return Servers(
        token_url=os.environ["TOKEN_URL"],
        authorization_url=os.environ.get("AUTHORIZATION_URL", ""),
        api_url=os.environ["API_URL"],
        apis=_pairs("APIS"),
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        refresh_token=os.environ.get("REFRESH_TOKEN", ""),
        refresh_tokens=_pairs("REFRESH_TOKENS"),
        token_file=Path(os.environ.get("TOKEN_FILE", "token.json")),
    )


def embedded(
    server: AuthorizationServer, api: ProtectedAPI, token_file: Path, apis: Mapping[str, ProtectedAPI] | None = None
) -> Servers:
    """Return servers that run already, with users who have signed in."""
    return Servers(
        token_url=server.token_url,
        authorization_url=server.authorization_url,
        api_url=api.url,
        apis={name: one.url for name, one in (apis or {}).items()},
        client_id=server.client.client_id,
        client_secret=server.client.secret or "",
        refresh_token=server.sign_in(),
        refresh_tokens={user: server.sign_in(user=user) for user in USERS},
        token_file=token_file,
    )


def _joined(pairs: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in pairs.items())


def _pairs(variable: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in os.environ.get(variable, "").split())
