"""An API that knows nothing about tokens but what Keycloak's introspection endpoint (RFC 7662) says."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from tests.keycloak.realm import API_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from tests.keycloak.server import Keycloak

_REMEMBERED = 0.25  # seconds for which a verdict is good: an API under load does not ask about every request


class IntrospectingAPI:
    """Answers 200 to a token that Keycloak calls active, 401 to any other, and counts both.

    `/me` says whose token it is. `served` holds whose each accepted request was, and what its token is good for;
    `connections` whose requests came over each connection, by its port.
    """

    def __init__(self, keycloak: Keycloak) -> None:
        self._introspection = f"{keycloak.issuer}/protocol/openid-connect/token/introspect"
        self._verdicts: dict[str, tuple[float, asyncio.Future[Mapping[str, Any]]]] = {}
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._server = TestServer(application)
        self._session: ClientSession
        self.accepted = 0
        self.refused = 0
        self.served: list[tuple[str, frozenset[str]]] = []
        self.connections: defaultdict[int, set[str]] = defaultdict(set)

    @property
    def url(self) -> str:
        """Where the API is."""
        return str(self._server.make_url("/"))

    @property
    def tokens_seen(self) -> int:
        """How many different tokens were presented."""
        return len(self._verdicts)

    async def __aenter__(self) -> Self:
        self._session = ClientSession(connector=TCPConnector(limit=4))
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._server.close()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        verdict = await self._verdict_on(token) if scheme == "Bearer" else {}
        if verdict.get("active"):
            self.accepted += 1
            user = str(verdict.get("username"))
            if request.transport is not None:
                self.connections[request.transport.get_extra_info("peername")[1]].add(user)
            self.served.append((user, frozenset(str(verdict.get("scope")).split())))
            return web.Response(text=user if request.path == "/me" else "welcome")
        self.refused += 1
        return web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})

    async def _verdict_on(self, token: str) -> Mapping[str, Any]:
        asked_at, verdict = self._verdicts.get(token, (0.0, None))
        if verdict is None or time.monotonic() - asked_at > _REMEMBERED:
            verdict = asyncio.ensure_future(self._ask(token))
            self._verdicts[token] = (time.monotonic(), verdict)
        return await asyncio.shield(verdict)

    async def _ask(self, token: str) -> Mapping[str, Any]:
        form = {"client_id": "api", "client_secret": API_SECRET, "token": token}
        async with self._session.post(self._introspection, data=form) as response:
            answer: Mapping[str, Any] = await response.json()
            return answer
