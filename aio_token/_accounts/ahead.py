"""Renewal ahead of requests: tokens of accounts in use before they end, and refresh tokens of all before theirs.

Theory of operation. What uses an account takes its token from memory and tells no one. So where accounts are kept
fresh, the way through memory is left once in a while, as it is for a save that is due: that is how a use is noticed.
The accounts in use are held and looked at every few seconds; a token in its advisory window is renewed as it would be
behind a request, in the turn that `Pace` gives it. The accounts at rest are found by their store.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aio_token._accounts.each import each_of
from aio_token._errors import TokenError
from aio_token._ground.backoff import chance
from aio_token.stores.many.record import is_due, is_there

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token._accounts.account import Account, Estate
    from aio_token.stores.many.interface import TokenStores

_logger = logging.getLogger("aio_token")

LOOK = 5.0
"""Seconds from one look at the accounts in use to the next, or less by chance."""

_NOTICED = 8
"""How often a use is noticed while an account counts as active."""

_AT_A_TIME = 100
"""Accounts that are looked at before others have their turn on the event loop."""

_AT_ONCE = 4
"""Sweeps renew so many at a time: no one waits for them."""


class Ahead:
    """Looks after accounts for as long as it runs; times in seconds."""

    def __init__(
        self,
        estate: Estate,
        stores: TokenStores,
        account_of: Callable[[str], Account],
        *,
        active: float,
        sweep: float,
        clock: Callable[[], float],
    ) -> None:
        self._estate = estate
        self._stores = stores
        self._account_of = account_of
        self._active = active
        self._sweep = sweep
        self._wall = clock

    async def run(self) -> None:
        """Look and sweep until cancelled."""
        self._estate.notice(self._active / _NOTICED)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_again_and_again(self.look, LOOK))
                group.create_task(_again_and_again(self.sweep, self._sweep))
        finally:
            self._estate.notice(None)

    async def look(self) -> None:
        """Have what is about to end renewed for the accounts in use, and let go of those that are not."""
        for number, (account, idle) in enumerate(self._estate.idle()):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            if idle > self._active or account.needs_a_person:
                self._estate.let_go(account)
            else:
                account.look_after()

    async def sweep(self) -> None:
        """Renew those at rest whose refresh token ends before the sweep after the next one."""
        try:
            await each_of(self._stores.due(self._until()), self._renew, at_once=_AT_ONCE)
        except Exception as error:  # noqa: BLE001  whatever a stranger's store raises: it is looked at again
            told = error if isinstance(error, TokenError) else type(error).__name__
            _logger.warning("the accounts in %r were not looked at for refresh tokens that end: %s", self._stores, told)

    async def _renew(self, name: str) -> None:
        credential = await self._stores.of(name).load()
        if is_there(credential) and is_due(credential, self._until()):  # no other process was first
            await self._account_of(name).renew_ahead()

    def _until(self) -> float:
        return self._wall() + 2 * self._sweep


async def _again_and_again(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Do the work, the first time after a part of the time that chance decides: a fleet does not work all at once."""
    while True:
        await asyncio.sleep(seconds * (1 + chance()) / 2)
        await work()
