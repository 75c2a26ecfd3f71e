"""A web application on aiohttp whose visitors sign in; what it fetches for one carries the token of that visitor.

python -m examples.web_sign_in [PORT]
"""

from __future__ import annotations

import html
import os
import secrets
import sys
from typing import TYPE_CHECKING

from aiohttp import ClientSession, TCPConnector, web

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
from aio_token.stores import EnvironmentKey, new_key
from examples.servers import servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp.typedefs import Handler

VISITOR, BEGUN = "visitor", "sign-in"  # cookies: who this is, and the sign-in that this browser has begun
TO_SIGN_IN = '<p><a href="/sign-in">Sign in</a>'
TO_SIGN_OUT = '<form method="post" action="/sign-out"><button>Sign out</button></form>'

ACCOUNTS = web.AppKey("ACCOUNTS", Accounts)
SIGN_IN = web.AppKey("SIGN_IN", WebSignIn)
API_OF: web.AppKey[Callable[[str], ClientSession]] = web.AppKey("API_OF")
ORIGIN = web.AppKey("ORIGIN", str)


async def shared(app: web.Application) -> AsyncIterator[None]:
    """Open what the handlers share, and close it when the application stops."""
    os.environ.setdefault("COOKIE_KEY", new_key())  # several processes need the same one
    async with servers() as here, TCPConnector() as connections:
        endpoint = TokenEndpoint(
            here.token_url,
            ClientSecretBasic(here.client_id, here.client_secret),
            authorization_url=here.authorization_url,
        )
        codec = Encrypted(EnvironmentKey("COOKIE_KEY"))
        app[SIGN_IN] = WebSignIn(endpoint, f"{app[ORIGIN]}/callback", scope="read", codec=codec)
        async with Accounts(lambda _name: RefreshTokenGrant(endpoint)) as app[ACCOUNTS]:

            def api_of(visitor: str) -> ClientSession:
                bearer = BearerMiddleware(app[ACCOUNTS][visitor], here.api_url)
                return ClientSession(here.api_url, middlewares=(bearer,), connector=connections, connector_owner=False)

            app[API_OF] = api_of
            yield


def page(text: str, to_go_on: str = TO_SIGN_IN, status: int = 200) -> web.Response:
    """Make a page of a text, and what the visitor may do next."""
    content = f"<!DOCTYPE html><p>{html.escape(text)}{to_go_on}"
    return web.Response(text=content, content_type="text/html", status=status)


@web.middleware
async def sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say what went wrong: the text of an error holds no secret, but it may hold the server's words."""
    try:
        return await handler(request)
    except TokenError as error:
        return page(str(error), status=403)


async def begin(request: web.Request) -> web.Response:
    """Send the browser to sign in, and let it keep what only this browser may end.

    The session that it has is ended first: no one will know its name any more.
    """
    if visitor := request.cookies.get(VISITOR):
        await request.app[ACCOUNTS][visitor].sign_out()
    begun = await request.app[SIGN_IN].begin()
    response = web.Response(status=302, headers={"Location": begun.address})
    secure = request.app[ORIGIN].startswith("https:")
    response.set_cookie(BEGUN, begun.state, max_age=600, path="/callback", httponly=True, secure=secure, samesite="Lax")
    response.del_cookie(VISITOR)
    return response


async def finish(request: web.Request) -> web.Response:
    """Take the browser back; it gets a new name, which no one can have known before (session fixation)."""
    app, visitor = request.app, secrets.token_urlsafe()
    grant = await app[SIGN_IN].finish(request.query_string, request.cookies.get(BEGUN))
    await app[ACCOUNTS][visitor].sign_in(grant)
    response = web.Response(status=303, headers={"Location": "/"})
    secure = app[ORIGIN].startswith("https:")
    response.set_cookie(VISITOR, visitor, httponly=True, secure=secure, samesite="Lax")
    response.del_cookie(BEGUN, path="/callback")
    return response


async def home(request: web.Request) -> web.Response:
    """Show what the API says to this visitor."""
    visitor = request.cookies.get(VISITOR)
    if not visitor:
        return page("Nobody is signed in")
    async with request.app[API_OF](visitor) as api, api.get("/me") as response:
        return page(f"The API answers {response.status}: {await response.text()}", TO_SIGN_OUT)


async def sign_out(request: web.Request) -> web.Response:
    """End the session here, and at the server if the endpoint knows where to say so."""
    if visitor := request.cookies.get(VISITOR):
        await request.app[ACCOUNTS][visitor].sign_out()
    response = page("Signed out")
    response.del_cookie(VISITOR)
    return response


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
