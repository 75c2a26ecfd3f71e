"""The contrast: the token middleware that most people write, a lock and a double check. NOT a part of aio_token.

It is a good one of its kind. It renews before the end, one client at a time, checks again once it has the lock, keeps a
rotated refresh token, and answers a 401 by comparing the token that was sent with the current one. What is wrong with
it cannot be seen in a test of one request:

- The renewal runs inside the client that came first. Is that client cancelled (a timeout, a user who hangs up) after
  the server rotated the refresh token, then the new one is lost, the next client presents the spent one, and a server
  that detects reuse ends the session: every user has to sign in again.
- While one client renews, all wait; then they wake one after another. If the renewal fails, each of them tries again.
- aiohttp calls middlewares again on every redirect: this one sends the token to wherever a redirect leads.
- Two processes that share the refresh token end the session as well, and a restart starts from the spent one.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiohttp import ClientSession

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

MARGIN = 0.2  # seconds before its end from which a token counts as expired


class LockAndDoubleCheck:
    """Sends a bearer token with every request, and renews it in time.

    With a refresh token it renews by that one, else by client credentials for `scope`.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | None = None,
        refresh_token: str | None = None,
        scope: str | None = None,
    ) -> None:
        self.token_url = token_url
        self.scope = scope
        self.client = {"client_id": client_id} | ({"client_secret": client_secret} if client_secret else {})
        self.refresh_token = refresh_token
        self.access_token = ""
        self.expires_at = 0.0
        self.lock = asyncio.Lock()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request with a token that is still good, and once more with a new one if it is rejected."""
        if self.expired():
            async with self.lock:
                if self.expired():  # the double check: another may have renewed while we waited
                    await self.renew()
        sent = self.access_token
        request.headers["Authorization"] = f"Bearer {sent}"
        response = await handler(request)
        if response.status != 401:  # noqa: PLR2004  Unauthorized
            return response
        response.release()
        async with self.lock:
            if self.access_token == sent:
                await self.renew()
        request.headers["Authorization"] = f"Bearer {self.access_token}"
        return await handler(request)

    def expired(self) -> bool:
        """Whether a new token is due."""
        return time.time() >= self.expires_at - MARGIN

    async def renew(self) -> None:
        """Ask the server for a new token."""
        form = {"grant_type": "client_credentials"}
        if self.scope:
            form["scope"] = self.scope
        if self.refresh_token:
            form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        async with ClientSession() as session, session.post(self.token_url, data=form | self.client) as response:
            response.raise_for_status()
            answer = await response.json()
        self.access_token = answer["access_token"]
        self.refresh_token = answer.get("refresh_token", self.refresh_token)
        self.expires_at = time.time() + float(answer["expires_in"])
