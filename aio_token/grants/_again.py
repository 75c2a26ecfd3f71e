"""Asks a server once more that a gateway has just answered for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token._credential import Credential
    from aio_token.oauth.answer import Answer


async def asked_again_over_a_blip(ask: Callable[[], Awaitable[Answer]], credential: Credential | None) -> Answer:
    """Return the answer; a first 502, 503 or 504 is asked about once more, at once (law D7).

    Only for a grant that spends nothing. A server that has failed before is left to its pauses (law D8).
    """
    answer = await ask()
    is_first = credential is None or not credential.failures
    return await ask() if is_first and answer.is_of_a_gateway else answer
