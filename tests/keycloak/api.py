"""An API that knows nothing about tokens but what Keycloak's introspection endpoint (RFC 7662) says."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from tests.keycloak.realm import API_SECRET

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from tests.keycloak.server import Keycloak

_REMEMBERED = 0.25  # seconds for which a verdict is good: an API under load does not ask about every request


class IntrospectingAPI:
    """Answers 200 to a token that Keycloak calls active, 401 to any other, and counts both."""

    def __init__(self, keycloak: Keycloak) -> None:
        self._introspection = f"{keycloak.issuer}/protocol/openid-connect/token/introspect"
        self._verdicts: dict[str, tuple[float, asyncio.Future[bool]]] = {}
        application = web.Application()
        application.router.add_get("/", self._answer)
        self._server = TestServer(application)
        self._session: ClientSession
        self.accepted = 0
        self.refused = 0

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
        if scheme == "Bearer" and await self._is_active(token):
            self.accepted += 1
            return web.Response(text="welcome")
        self.refused += 1
        return web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})

    async def _is_active(self, token: str) -> bool:
        asked_at, verdict = self._verdicts.get(token, (0.0, None))
        if verdict is None or time.monotonic() - asked_at > _REMEMBERED:
            verdict = asyncio.ensure_future(self._ask(token))
            self._verdicts[token] = (time.monotonic(), verdict)
        return await asyncio.shield(verdict)

    async def _ask(self, token: str) -> bool:
        form = {"client_id": "api", "client_secret": API_SECRET, "token": token}
        async with self._session.post(self._introspection, data=form) as response:
            answer = await response.json()
            return bool(answer["active"])
