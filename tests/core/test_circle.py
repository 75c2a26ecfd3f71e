"""Renewals that wait for themselves, over one repository or several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from aio_token import ConfigurationError, Credential, Token, TokenRepository
from aio_token._clock import SYSTEM_CLOCK
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token import Wish

    Ask = Callable[[], Awaitable[object]]


class Asking:
    """A grant that asks for other tokens before it gives its own."""

    issued_by = None

    def __init__(self) -> None:
        self.first: Ask | None = None

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Ask, then answer."""
        del credential, wish
        if self.first is not None:
            await self.first()
        return Credential(token=Token(access_token="made-from-the-other"))


def chain(length: int) -> tuple[list[Asking], list[TokenRepository]]:
    """Return that many repositories, each of which needs the next one's token."""
    grants = [Asking() for _ in range(length)]
    tokens = [TokenRepository(grant, observer=None) for grant in grants]
    for grant, after in zip(grants, tokens[1:], strict=False):
        grant.first = after.token
    return grants, tokens


@pytest.mark.parametrize("length", [1, 2, 3, 5])
async def test_a_renewal_that_needs_itself_is_told_at_once(length: int) -> None:
    """Law C11: over any number of repositories; nothing waits until a limit."""
    grants, tokens = chain(length)
    grants[-1].first = tokens[0].token
    async with asyncio.timeout(30):
        with pytest.raises(ConfigurationError, match="the renewal waits for itself"):
            await tokens[0].token()


async def test_a_renewal_that_needs_another_one_is_fine() -> None:
    """Law C11: a chain is no circle, and neither are two that end in the same repository."""
    grants, tokens = chain(4)

    async def both() -> None:
        await asyncio.gather(tokens[2].token(), tokens[3].token())

    grants[1].first = both
    token = await tokens[0].token()
    assert token.access_token == "made-from-the-other"


async def test_a_task_that_a_renewal_has_left_behind_is_no_part_of_it() -> None:
    """Law C11: a connection pool's keeper, say, was started in a renewal that has ended long since."""
    grant, go = Asking(), asyncio.Event()
    tokens = TokenRepository(grant, observer=None)
    left: list[asyncio.Task[Token]] = []

    async def later() -> Token:
        await go.wait()
        current = await tokens.token()
        return await tokens.token(rejected=current)

    async def leave() -> None:
        grant.first = None
        left.append(asyncio.create_task(later()))

    grant.first = leave
    await tokens.token()
    go.set()
    assert (await left[0]).access_token == "made-from-the-other"


async def test_a_circle_does_not_hold_up_who_is_outside() -> None:
    """Law C11: callers from elsewhere are told the same, and the next renewal works."""
    (grant,), (tokens,) = chain(1)
    grant.first = tokens.token
    outcomes = await asyncio.gather(*(tokens.token() for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConfigurationError] * 3
    grant.first = None
    assert (await tokens.renew()).access_token == "made-from-the-other"


async def test_with_a_token_that_is_still_good_there_is_no_circle() -> None:
    """Law C11: who renews behind the requests may use the token that is being renewed."""
    grant = RotatingGrant(SYSTEM_CLOCK)
    tokens = TokenRepository(grant, observer=None)
    first = await tokens.token()
    used: list[Token] = []

    class Using(RotatingGrant):
        async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
            used.append(await tokens.token())
            return await super().obtain(credential, wish)

    other = TokenRepository(Using(SYSTEM_CLOCK), observer=None)
    await other.token()
    assert used == [first]
