"""What a bound token costs a request: a step of the middleware over a stub, beside a bare signature by the same key.

`python -m benchmarks.dpop` prints microseconds, medians of interleaved rounds; nothing is written.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession
from joserfc import jwt
from joserfc.jwk import ECKey

from aio_token import BearerMiddleware, ClientCredentialsGrant, ClientSecretBasic, TokenEndpoint, TokenRepository
from aio_token.oauth import DPoP, DPoPToken
from aio_token.testing import AuthorizationServer, ProtectedAPI

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

ROUNDS, CALLS = 25, 400
CLAIMS = 250  # bytes that are signed, as many as a proof has


async def measure() -> dict[str, float]:
    """Return the microseconds of each."""
    async with AuthorizationServer(dpop=True) as server, ProtectedAPI(server) as api:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        plain, bound = (
            TokenRepository(ClientCredentialsGrant(TokenEndpoint(server.token_url, client, dpop=dpop)))
            for dpop in (None, DPoP())
        )
        steps = {
            "a step with a bearer token": await _step(plain, api.url),
            "a step with a bound token": await _step(bound, api.url),
        }
        token = await bound.token()
        assert isinstance(token, DPoPToken)
        sign, encode = _bare(token)
        steps |= {"a bare signature (ES256)": sign, "a whole JWT by joserfc": encode}
        taken: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(ROUNDS):
            for name, step in steps.items():
                taken[name].append(await _microseconds(step))
    return {name: median(values) for name, values in taken.items()}


async def _step(tokens: TokenRepository, url: str) -> Callable[[], Awaitable[object]]:
    """Return one call of the middleware, with a request that was made by aiohttp and a handler that has its answer."""
    caught: list[tuple[ClientRequest, ClientResponse]] = []

    async def catch(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        response = await handler(request)
        caught.append((request, response))
        return response

    bearer = BearerMiddleware(tokens, url)
    async with ClientSession(middlewares=(bearer, catch)) as session, session.get(url) as response:
        assert response.status == 200
    (request, answer), *_ = caught

    async def handler(request: ClientRequest) -> ClientResponse:  # noqa: ARG001
        return answer

    return lambda: bearer(request, handler)


def _bare(token: DPoPToken) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]]:
    key, text = ECKey.import_key(token.key.jwk()), b"x" * CLAIMS
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    token.key.proof("GET", "https://api.example/", at=0.0)  # it imports what it needs the first time
    sign = token.key._sign  # noqa: SLF001  what is measured
    assert sign is not None

    async def signature() -> bytes:
        return sign(text)

    async def whole() -> str:
        return jwt.encode(head, {"htm": "GET", "htu": "https://api.example/", "iat": 0, "jti": "x" * 22}, key)

    return signature, whole


async def _microseconds(step: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        await step()
    return (time.perf_counter_ns() - began) / CALLS / 1_000


if __name__ == "__main__":
    for line, us in asyncio.run(measure()).items():
        print(f"{line:30} {us:8.2f} us")
