"""A successor that the store does not take: the hold is kept while that is tried again, and no caller waits for it.

Who holds the store next finds the refresh token before it, marked as being spent, and presents that: on a strict server
it ends the session. Where holds are leases the others wait for a while (law J3); where a hold ends with its process
they take one that was given back for proof that its holder is dead. So it is not given back while this process lives
and has what they need, for as long as the others would wait for a lease that has lapsed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from aio_token._errors import TokenError
from aio_token._ground.backoff import pause
from aio_token._ground.leg import leg_here
from aio_token._ground.value import replace

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from aio_token._credential import Credential
    from aio_token._interfaces import Slot
    from aio_token._limits import Limits
    from aio_token._pacing.pace import Turn
    from aio_token._single_flight import SingleFlight

T = TypeVar("T")


class Keeping(Protocol):
    """Has what the store may lack."""

    @property
    def at_stake(self) -> Credential | None:
        """What the store has to take before others may hold it."""
        ...

    async def keep(self, slot: Slot, credential: Credential, limits: Limits) -> None:
        """Try to save it; raises nothing."""
        ...


async def until_kept(
    obtaining: Coroutine[Any, Any, T], keeper: Keeping, slot: Slot, flight: SingleFlight[T], turn: Turn, limits: Limits
) -> T:
    """Obtain; where the store did not take what came, serve those who wait for the flight, and try again and again."""
    began, outcome = asyncio.get_running_loop().time(), await _outcome(obtaining)
    if keeper.at_stake is not None:
        flight.serve(outcome)
        turn.leave()  # others may renew meanwhile (law C12)
        await _keep(keeper, slot, limits, until=began + limits.obtain + limits.save)
    if isinstance(outcome, TokenError):
        raise outcome
    return outcome


async def _outcome(obtaining: Coroutine[Any, Any, T]) -> T | TokenError:
    try:
        return await obtaining
    except TokenError as error:
        return error


async def _keep(keeper: Keeping, slot: Slot, limits: Limits, *, until: float) -> None:
    """Try until then, each time for as long as is left: a disk that is slow would never end within the first limit.

    At the program's end there is as much time as for any renewal.
    """
    loop, leg, deadline, failures = asyncio.get_running_loop(), leg_here(), asyncio.timeout_at(until), 0
    assert leg is not None  # noqa: S101  a renewal is the work of a flight

    def land_soon() -> None:
        deadline.reschedule(min(until, loop.time() + limits.shutdown))

    with suppress(TimeoutError):
        async with deadline:
            leg.land_soon = land_soon
            if leg.is_to_land:
                land_soon()
            while (credential := keeper.at_stake) is not None:
                failures += 1
                await asyncio.sleep(pause(failures) / 2)
                await keeper.keep(slot, credential, replace(limits, save=max(until - loop.time(), 0.0)))
