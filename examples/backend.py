"""A backend of a browser application: visitors sign in on the web, and three APIs answer for each, with its own token.

python -m examples.backend [PORT]
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientSession, TCPConnector, web

from aio_token import (
    Accounts,
    BearerMiddleware,
    ClientSecretBasic,
    Encrypted,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenError,
)
from aio_token.grants import WebSignIn
from aio_token.stores import DirectoryTokenStores, EnvironmentKey, new_key
from examples.servers import servers
from examples.web_sign_in import (
    ACCOUNTS,
    ORIGIN,
    SIGN_IN,
    TO_SIGN_OUT,
    VISITOR,
    begin,
    finish,
    page,
    sentences,
    sign_out,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

APIS: web.AppKey[Mapping[str, str]] = web.AppKey("APIS")
SESSION_OF: web.AppKey[Callable[[str], ClientSession]] = web.AppKey("SESSION_OF")


async def shared(app: web.Application) -> AsyncIterator[None]:
    """Open what the handlers share; when the application is told to end, renewals under way are waited for."""
    os.environ.setdefault("COOKIE_KEY", new_key())  # several processes need the same one
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(servers())
        endpoint = TokenEndpoint(
            here.token_url,
            ClientSecretBasic(here.client_id, here.client_secret),
            authorization_url=here.authorization_url,
        )
        codec = Encrypted(EnvironmentKey("COOKIE_KEY"))
        app[SIGN_IN] = WebSignIn(endpoint, f"{app[ORIGIN]}/callback", scope="profile mail files", codec=codec)
        stores = DirectoryTokenStores(here.token_file.with_name("accounts"))
        accounts = app[ACCOUNTS] = Accounts(lambda _visitor: RefreshTokenGrant(endpoint), stores)
        await stack.enter_async_context(accounts)
        await stack.enter_async_context(accounts.keep_fresh())
        connections = await stack.enter_async_context(TCPConnector())
        apis = app[APIS] = here.apis

        def session_of(visitor: str) -> ClientSession:
            """Make a session of one visitor: each API gets a token that is of no use at the other two."""
            account = accounts[visitor]
            bearers = (
                BearerMiddleware(account.narrowed(scope="profile"), apis["profile"]),
                BearerMiddleware(account.narrowed(scope="mail"), apis["mail"]),
                BearerMiddleware(account.narrowed(scope="files", resource=apis["files"]), apis["files"]),
            )
            return ClientSession(middlewares=bearers, connector=connections, connector_owner=False)

        app[SESSION_OF] = session_of
        yield


async def home(request: web.Request) -> web.Response:
    """Show what the APIs say to this visitor; one that is away does not take the others with it."""
    visitor = request.cookies.get(VISITOR)
    if not visitor:
        return page("No one is signed in")
    async with request.app[SESSION_OF](visitor) as session:

        async def said(name: str, address: str) -> str:
            try:
                async with session.get(f"{address}/{name}") as response:
                    return f"{name}: {response.status}"
            except TokenError as error:  # what the server refuses for one scope it may give for another
                return f"{name}: {error}"
            except (ClientError, TimeoutError):
                return f"{name}: no answer"

        answers = await asyncio.gather(*(said(name, address) for name, address in request.app[APIS].items()))
    return page(", ".join(answers), TO_SIGN_OUT)


def application(origin: str) -> web.Application:
    """Make the application, which browsers find at this origin."""
    app = web.Application(middlewares=[sentences])
    app[ORIGIN] = origin
    app.cleanup_ctx.append(shared)
    app.router.add_get("/", home)
    app.router.add_get("/sign-in", begin)
    app.router.add_get("/callback", finish)
    app.router.add_post("/sign-out", sign_out)
    return app


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    web.run_app(application(f"http://127.0.0.1:{port}"), host="127.0.0.1", port=port)
