"""Between a refused request and its repetition: the response is taken in, the request made ready (laws B4, B5, B8)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp.hdrs import EXPECT, SET_COOKIE

from aio_token._edge.bodies import ready_to_send
from aio_token._edge.refused import read_if_small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import ClientRequest, ClientResponse


async def taken_in(request: ClientRequest, response: ClientResponse, *, replayable: bool) -> bool:
    """Take in what is left of the response, if it can be replaced; tell whether it was read whole."""
    whole = replayable and await read_if_small(response)
    # The session does not see a response that is swallowed; one that it sees sets its cookies twice, which is once.
    request.session.cookie_jar.update_cookies_from_headers(response.headers.getall(SET_COOKIE, ()), response.url)
    return whole


async def made_ready(request: ClientRequest, response: ClientResponse, *, whole: bool) -> None:
    """Let go of the response, and make the request as it was before it was sent."""
    if not whole:
        response.close()  # before the next one is asked for: the connector may have one connection only
    await request.close()  # the writer of the rejected request lets go of the body
    if request.body:
        await ready_to_send(request.body)
    if EXPECT in request.headers:
        request.update_expect_continue()  # the server said 401 instead of 100: this time it may say 100


@contextmanager
def closed_on_error(response: ClientResponse) -> Iterator[None]:
    """Close the response if an error leaves the block: the caller does not get it."""
    try:
        yield
    except BaseException:
        response.close()
        raise
