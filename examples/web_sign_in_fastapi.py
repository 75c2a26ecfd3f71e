"""The same on FastAPI: uvicorn examples.web_sign_in_fastapi:app.

ORIGIN is where browsers find it, by default http://127.0.0.1:8000.
"""

import html
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from aiohttp import ClientSession, TCPConnector
from fastapi import Cookie, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

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

ORIGIN = os.environ.get("ORIGIN", "http://127.0.0.1:8000")
SECURE = ORIGIN.startswith("https:")
TO_SIGN_IN = '<p><a href="/sign-in">Sign in</a>'
TO_SIGN_OUT = '<form method="post" action="/sign-out"><button>Sign out</button></form>'


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the handlers share, and close it when the application stops."""
    os.environ.setdefault("COOKIE_KEY", new_key())  # several processes need the same one
    state = app.state
    async with servers() as here, TCPConnector() as state.connections:
        endpoint = TokenEndpoint(
            here.token_url,
            ClientSecretBasic(here.client_id, here.client_secret),
            authorization_url=here.authorization_url,
        )
        codec = Encrypted(EnvironmentKey("COOKIE_KEY"))
        state.sign_in = WebSignIn(endpoint, f"{ORIGIN}/callback", scope="read", codec=codec)
        state.api_url = here.api_url
        async with Accounts(lambda _name: RefreshTokenGrant(endpoint)) as state.accounts:
            yield


app = FastAPI(lifespan=lifespan)


def page(text: str, to_go_on: str = TO_SIGN_IN, status: int = 200) -> HTMLResponse:
    """Make a page of a text, and what the visitor may do next."""
    return HTMLResponse(f"<!DOCTYPE html><p>{html.escape(text)}{to_go_on}", status_code=status)


@app.exception_handler(TokenError)
async def sentence(request: Request, error: TokenError) -> HTMLResponse:  # noqa: ARG001  FastAPI's
    """Say what went wrong: the text of an error holds no secret, but it may hold the server's words."""
    return page(str(error), status=403)


@app.get("/sign-in")
async def begin(request: Request, visitor: Annotated[str | None, Cookie()] = None) -> RedirectResponse:
    """Send the browser to sign in, and let it keep what only this browser may end.

    The session that it has is ended first: no one will know its name any more.
    """
    if visitor:
        await request.app.state.accounts[visitor].sign_out()
    begun = await request.app.state.sign_in.begin()
    response = RedirectResponse(begun.address, 302)
    response.set_cookie("sign-in", begun.state, max_age=600, path="/callback", httponly=True, secure=SECURE)
    response.delete_cookie("visitor")
    return response


@app.get("/callback")
async def finish(request: Request, begun: Annotated[str | None, Cookie(alias="sign-in")] = None) -> RedirectResponse:
    """Take the browser back; it gets a new name, which no one can have known before (session fixation)."""
    state, visitor = request.app.state, secrets.token_urlsafe()
    grant = await state.sign_in.finish(request.url.query, begun)
    await state.accounts[visitor].sign_in(grant)
    response = RedirectResponse("/", 303)
    response.set_cookie("visitor", visitor, httponly=True, secure=SECURE)
    response.delete_cookie("sign-in", path="/callback")
    return response


@app.get("/")
async def home(request: Request, visitor: Annotated[str | None, Cookie()] = None) -> HTMLResponse:
    """Show what the API says to this visitor."""
    if not visitor:
        return page("Nobody is signed in")
    state = request.app.state
    bearer = BearerMiddleware(state.accounts[visitor], state.api_url)
    session = ClientSession(state.api_url, middlewares=(bearer,), connector=state.connections, connector_owner=False)
    async with session as api, api.get("/me") as response:
        return page(f"The API answers {response.status}: {await response.text()}", TO_SIGN_OUT)


@app.post("/sign-out")
async def sign_out(request: Request, visitor: Annotated[str | None, Cookie()] = None) -> HTMLResponse:
    """End the session here, and at the server if the endpoint knows where to say so."""
    if visitor:
        await request.app.state.accounts[visitor].sign_out()
    response = page("Signed out")
    response.delete_cookie("visitor")
    return response
