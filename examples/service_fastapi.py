"""A web service on FastAPI that calls a protected API: uvicorn examples.service_fastapi:app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from aiohttp import ClientSession
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from examples.servers import servers


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the handlers share, and close it when the service stops: a renewal under way is waited for."""
    async with servers() as here:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), FileTokenStore(here.token_file))
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(here.api_url, middlewares=(bearer,)) as app.state.api:
            yield


app = FastAPI(lifespan=lifespan)


def shared_session(request: Request) -> ClientSession:
    """Return the session that the service opened."""
    session: ClientSession = request.app.state.api
    return session


@app.exception_handler(TokenError)
async def no_token(request: Request, error: TokenError) -> JSONResponse:  # noqa: ARG001  FastAPI's
    """Say what to do when there is no token; the error's text holds no secret."""
    return JSONResponse({"problem": str(error)}, status_code=503)


@app.get("/items/{number}")
async def item(number: int, api: Annotated[ClientSession, Depends(shared_session)]) -> Any:  # noqa: ANN401  JSON
    """Answer with what the API says."""
    async with api.get(f"/items/{number}", raise_for_status=True) as response:
        return await response.json()
