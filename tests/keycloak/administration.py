"""What Keycloak itself has seen, asked of its administration interface with a token that aio_token keeps."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession

from aio_token import BearerMiddleware, PasswordGrant, PublicClient, TokenEndpoint, TokenRepository
from tests.keycloak import realm
from tests.keycloak.server import ADMIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self

    from tests.keycloak.server import Keycloak


class Administration:
    """The realm as its administrator sees it."""

    def __init__(self, keycloak: Keycloak) -> None:
        client = PublicClient("admin-cli")
        endpoint = TokenEndpoint(f"{keycloak.url}/realms/master/protocol/openid-connect/token", client)
        self._tokens = TokenRepository(PasswordGrant(endpoint, *ADMIN))
        self._realm = f"{keycloak.url}/admin/realms/{realm.NAME}"
        self._session: ClientSession
        self._bearer = BearerMiddleware(self._tokens, keycloak.url)

    async def __aenter__(self) -> Self:
        self._session = ClientSession(middlewares=(self._bearer,), raise_for_status=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._tokens.aclose()

    async def create(self, kind: str, **members: Any) -> None:
        """Create a client, a user or another thing of the realm."""
        await self._session.post(f"{self._realm}/{kind}", json=members)

    async def forget_events(self) -> None:
        """Empty the record of what happened."""
        await self._session.delete(f"{self._realm}/events")

    async def token_requests(self) -> Counter[str]:
        """Count the token requests since then, by Keycloak's name for their outcome."""
        async with self._session.get(f"{self._realm}/events", params={"max": "10000"}) as response:
            return Counter(event["type"] for event in await response.json())

    @asynccontextmanager
    async def tokens_live(self, seconds: int) -> AsyncIterator[None]:
        """Let access tokens live for so long while the block lasts."""
        async with self._session.get(self._realm) as response:
            before = await response.json()
        # All of it: what is left out of a realm may be reset, such as the interval of the device grant.
        await self._session.put(self._realm, json={**before, "accessTokenLifespan": seconds})
        try:
            yield
        finally:
            await self._session.put(self._realm, json=before)

    async def sessions_of(self, username: str) -> list[dict[str, Any]]:
        """Return the user's sessions."""
        async with self._session.get(f"{await self._user(username)}/sessions") as response:
            sessions: list[dict[str, Any]] = await response.json()
            return sessions

    async def end_sessions_of(self, username: str) -> None:
        """Log the user out everywhere."""
        await self._session.post(f"{await self._user(username)}/logout")

    async def _user(self, username: str) -> str:
        async with self._session.get(
            f"{self._realm}/users", params={"username": username, "exact": "true"}
        ) as response:
            (user,) = await response.json()
            return f"{self._realm}/users/{user['id']}"
