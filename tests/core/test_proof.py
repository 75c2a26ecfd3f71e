"""Whether a client proves itself with the same as before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from aio_token._clock import SYSTEM_CLOCK
from aio_token._pacing.proof import digest, proof_of
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Presenting(RotatingGrant):
    """A grant that tells what it presents by a function."""

    def __init__(self, present: Callable[[], Awaitable[str]]) -> None:
        super().__init__(SYSTEM_CLOCK)
        self._present = present

    async def fingerprint(self, salt: bytes) -> str:
        """Return the digest."""
        return digest(salt, await self._present())


def presenting(text: str) -> Presenting:
    """Return a grant that presents the text."""

    async def present() -> str:
        return text

    return Presenting(present)


async def test_the_same_is_recognized_under_its_salt() -> None:
    """Law D8: and what is another one is not."""
    proof = await proof_of(presenting("a"), seconds=1)
    assert await proof_of(presenting("a"), seconds=1, like=proof) == proof
    others = [await proof_of(presenting(str(number)), seconds=1, like=proof) for number in range(20)]
    assert others.count(proof) <= 2  # one in 65,536 looks alike
    assert await proof_of(presenting("a"), seconds=1) != proof


async def test_a_grant_that_tells_nothing_is_known_by_its_issuer() -> None:
    """A grant of another author need not tell."""
    proof = await proof_of(RotatingGrant(SYSTEM_CLOCK), seconds=1)
    assert await proof_of(RotatingGrant(SYSTEM_CLOCK), seconds=1, like=proof) == proof


async def hangs() -> str:
    """Wait for a vault that does not answer."""
    await asyncio.Event().wait()
    return ""


async def fails() -> str:
    """Have a bug."""
    raise KeyError


@pytest.mark.parametrize("present", [hangs, fails])
async def test_what_cannot_be_read_hides_no_other_failure(present: Callable[[], Awaitable[str]]) -> None:
    """Law D8: it differs from what can be read, and hangs no one."""
    unreadable, readable = Presenting(present), presenting("a")
    proof = await proof_of(readable, seconds=1)
    assert await proof_of(unreadable, seconds=0.01, like=proof) != proof
    proof = await proof_of(unreadable, seconds=0.01)
    assert await proof_of(unreadable, seconds=0.01, like=proof) == proof


@pytest.mark.parametrize("stored", ["", "x", "zz:1234", "00:"])
async def test_whatever_is_stored_is_compared(stored: str) -> None:
    """Law F3: a proof that is none is another one."""
    assert await proof_of(presenting("a"), seconds=1, like=stored) != stored
