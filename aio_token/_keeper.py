"""The owner of one credential: whatever changes it is in this module.

Theory of operation. A refresh token that is used twice ends the whole session on many servers, and a new one that is
lost is lost for good. Four rules keep both from happening, each in one place:

1. Whoever changes anything holds the locks: ours for this event loop, then the store's for every other thread, process
   and host. Then the store is read again, since its holder before us may have renewed: `held`.
2. Only what another process wrote is adopted, and never what this process knows to be spent: `_learn`, which asks
   `_lineage.py`. After a failed save the store still holds the credential before ours; who adopts that presents a spent
   refresh token.
3. Persist, then publish: `replace`. A token that is in use before its refresh token is on disk costs the session when
   the process is killed between the two. A store that fails keeps no caller waiting: the token that was paid for is
   served, marked unsaved, and saved at the next chance, before others may hold the store: `_pacing/at_stake.py`.
4. From the request to the save nothing cancels: `renew` finishes what it began. The server has rotated by then.

Several event loops may share a keeper: each brings a lock of its own, and between them stands the store's.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._credential import Rescued
from aio_token._errors import GrantRefused, ServerUnavailable, Superseded, TokenError
from aio_token._freshness import ANY, Answer, CachedToken
from aio_token._ground.backoff import LOOKS_APART, chance, pause
from aio_token._hold import holding, may_lose_writes
from aio_token._interfaces import Spending
from aio_token._limits import failure_of, read, remove, save, waiting_for_the_lock
from aio_token._lineage import Lineage, asked, belongs, named, put_back, served, succeeding
from aio_token._pacing.asking import ACCOUNTS, Asking
from aio_token._pacing.at_stake import until_kept
from aio_token._pacing.pace import NO_TURN, PACE, outages_of, turns_of
from aio_token._single_flight import finish
from aio_token._trouble import OthersSpend, Patience, explained, settled, spending
from aio_token.events import Adopted, Loaded, Renewed, Saved, Unsaved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._freshness import Question, Windows
    from aio_token._interfaces import Grant, Slot, TokenStore
    from aio_token._limits import Limits
    from aio_token._pacing.pace import Pace, Turn
    from aio_token._single_flight import SingleFlight
    from aio_token._token import Token


class Keeper:
    """Keeps a credential in memory and in its store, and renews it; `cached` is what the hot path serves."""

    __slots__ = (
        "_failed_saves",
        "_grant",
        "_limits",
        "_lineage",
        "_pace",
        "_serves_unsaved",
        "_store",
        "_tell",
        "_windows",
        "account",
        "cached",
        "clock",
        "credential",
    )

    def __init__(
        self,
        grant: Grant,
        store: TokenStore,
        windows: Windows,
        limits: Limits,
        clock: Clock,
        tell: Callable[..., None],
        *,
        pace: Pace = PACE,
        serves_unsaved: bool = False,
    ) -> None:
        """Begin with nothing known; `serves_unsaved` renews even where the store cannot keep what comes."""
        self._grant, self._store, self._windows = grant, store, windows
        self._limits, self.clock, self._tell, self._pace = limits, clock, tell, pace
        self._lineage, self._failed_saves, self._serves_unsaved = Lineage(), 0, serves_unsaved
        self.account = next(ACCOUNTS)  # as which it meets an outage (law D8)
        self.credential: Credential | None = None
        self.cached: CachedToken | None = None

    @property
    def known(self) -> bool:
        """Whether the store was ever read."""
        return self._lineage.known

    @property
    def _asking(self) -> Asking:
        return Asking(self._grant, self._limits, self.clock, outages_of(self._pace), account=self.account)

    @property
    def unsaved(self) -> bool:
        """Whether the newest credential is in memory only."""
        return self.credential != self._lineage.stored

    @property
    def at_stake(self) -> Credential | None:
        """What ends the session if the store is given to others without it (law J4)."""
        return self.credential if self._lineage.may_cost(self.credential) else None

    @property
    def is_ours(self) -> bool:
        """Whether the credential may be shown to, and written for, the grant's endpoint and client (law E4)."""
        return belongs(self.credential, self._grant.issued_by)

    @asynccontextmanager
    async def held(self, lock: asyncio.Lock, turn: Turn = NO_TURN) -> AsyncIterator[Slot]:
        """Rule 1: hold the locks, knowing what the store holds. Raises `LockTimeout` after `limits.lock` seconds."""
        async with AsyncExitStack() as stack:
            async with turn.lends_patience():
                await stack.enter_async_context(lock)
                async with waiting_for_the_lock(self._store, self._limits, already=turn.waited):
                    slot = await stack.enter_async_context(self._store.exclusive())
            self._learn(await read(slot, self._store, self._limits))
            yield slot

    async def look(self, *, adopts: bool = False) -> bool:
        """Read the store without its lock (law F5); learn at first, or as `adopts` says; tell if nothing is new."""
        found = await read(self._store, self._store, self._limits)
        if adopts or not self.known:
            self._learn(found)
        return found == self._lineage.stored

    async def catch_up(self, lock: asyncio.Lock) -> bool:
        """Adopt what another process wrote, taking the locks only if there is something new; tell whether there was."""
        if await self.look():
            return False
        async with self.held(lock):
            return True

    def _learn(self, found: Credential | None) -> bool:
        """Rule 2: take over what the store holds if it replaces what we hold; tell whether it does."""
        lineage, ours, may_lose = self._lineage, self.credential, may_lose_writes(self._store)
        adopted, first = lineage.adopts(found, ours, may_lose=may_lose), not lineage.known
        if adopted:
            lineage = lineage.succeeded(ours, found)
        self._lineage = lineage.found(found, lost=not adopted and lineage.has_lost(found, ours))
        if not adopted:
            return False
        self.credential = found
        self._publish()
        if not first or (found is not None and not found.is_tombstone):
            self._tell(Loaded if first else Adopted, **named(found))
        return True

    async def replace(self, slot: Slot, credential: Credential, *, renewal_took: float | None = None) -> None:
        """Rule 3: persist, then publish the token; `renewal_took` (seconds) where it was obtained just now."""
        before, self._lineage = self.credential, self._lineage.succeeded(self.credential, credential)
        self.credential = succeeding(credential, before, now=self.clock.time())
        await self.keep(slot, self.credential)
        self._publish(renewal_took)

    async def discard(self, slot: Slot) -> None:
        """Keep nothing but a tombstone: here at once, in the store as soon as it can. Raises `StoreError`."""
        ours, self.cached = self.credential, None
        self.credential = None if ours is None else ours.tombstone(self.clock.time(), may_lose=True)
        self.credential = await remove(ours, slot, self._store, self._limits, self.clock.time())
        self._lineage = Lineage(known=True, stored=self.credential, spent=self._lineage.spent)

    async def save_what_is_unsaved(self, lock: asyncio.Lock) -> None:
        """Use the last chance before the repository is closed; a failure is told and raises nothing."""
        try:
            if self.unsaved:
                async with self.held(lock) as slot:
                    await self._save_if_unsaved(slot)
        except Exception as error:  # noqa: BLE001  closing does not fail because of a store
            self._tell(Unsaved, message=str(failure_of(self._store, error)))

    async def _save_if_unsaved(self, slot: Slot, question: Question = ANY) -> bool:
        """Write what the store does not have; tell whether it had lost that, and has it again."""
        if self.credential is None or not self.unsaved:
            return False
        if was_lost := self._lineage.lost:
            ended = (ANY if question.insists else question).answer(self.cached) is Answer.NONE
            self.credential = put_back(self.credential, ended=ended, now=self.clock.time())
        await self.keep(slot, self.credential)
        return was_lost and not self.unsaved

    async def keep(self, slot: Slot, credential: Credential, limits: Limits | None = None) -> None:
        """Write the credential; a failure is told and remembered, and raises nothing (law C4)."""
        self._lineage = self._lineage.trying(credential)
        failure = await save(self._write(slot, credential), self._store, limits or self._limits)
        if failure is not None:
            self._tell(Unsaved, message=str(failure))
        elif self._failed_saves:
            self._tell(Saved)
        self._failed_saves = 0 if failure is None else self._failed_saves + 1
        self._schedule_the_next_save()

    async def _write(self, slot: Slot, credential: Credential) -> None:
        try:
            await slot.save(credential)
        except Superseded:
            if self._learn(await slot.load()):
                return
            await slot.save(credential)  # what is there is older than ours, and known now
        self._lineage = self._lineage.saved(credential)

    def _publish(self, renewal_took: float | None = None) -> None:
        """Serve the credential's token from now on. One that is served already keeps its deadlines (law D4)."""
        credential, token = self.credential, served(self.credential, self._grant.issued_by)
        if credential is None or token is None:
            self.cached = None
        elif renewal_took is not None or self.cached is None or self.cached.token != token:
            windows, jitter = self._windows, chance()
            self.cached = CachedToken.of(credential, windows, self.clock, renewal_took=renewal_took, jitter=jitter)
        self._schedule_the_next_save()

    def _schedule_the_next_save(self) -> None:
        """Have the hot path left once in a while for as long as something is unsaved: requests are the timer."""
        if self.cached is not None:
            self.cached.look_again_in(pause(self._failed_saves) if self.unsaved else math.inf)

    async def renew(self, question: Question, flight: SingleFlight[Token]) -> Token:
        """Rule 4: return a token that answers, the store's if another process put it there. Raises `TokenError`."""
        patience = Patience(self.clock, self._limits)
        while True:
            try:
                return await turns_of(self._pace).through(lambda turn: self._renew(question, flight, turn, patience))
            except OthersSpend as hold:
                await asyncio.sleep(min(hold.seconds, LOOKS_APART))

    async def _renew(self, question: Question, flight: SingleFlight[Token], turn: Turn, patience: Patience) -> Token:
        if not self.known:
            await self.look()
            if (token := question.fresh(self.cached)) is not None:
                return token
        async with self.held(flight.lock, turn) as slot:
            is_back = await self._save_if_unsaved(slot, question)
            if (token := question.fresh(self.cached)) is not None:
                return token
            if is_back and not question.insists and question.answer(self.cached) is not Answer.NONE:
                raise OthersSpend(LOOKS_APART)  # its holder's hold was lost as well, and its save may be on its way
            work = until_kept(self._obtain(slot, question, flight, patience), self, slot, flight, turn, self._limits)
            return await finish(work, grace=self._limits.shutdown)

    async def _obtain(self, slot: Slot, question: Question, flight: SingleFlight[Token], patience: Patience) -> Token:
        has_spare, now = question.answer(self.cached) >= Answer.SPARE, self.clock.time()
        since = settled(self.credential, self._grant, slot, patience, now=now, has_spare=has_spare)
        if self.is_ours and not question.insists:
            await self._asking.leave_in_peace(self.credential)
        reason, began = question.reason(self.cached), self.clock.monotonic()
        await self._write_before_spending(slot)
        try:
            with holding(slot):
                credential = await self._ask(slot, question)
        except TokenError as error:
            raise explained(await self._remember(slot, error), since) from error.__cause__
        took = self.clock.monotonic() - began
        await self.replace(slot, self._asking.succeeded(credential, self.credential), renewal_took=took)
        if (token := credential.token) is None:
            message = "the grant returned a credential without a token"
            raise ServerUnavailable(message)
        about = {"waits": flight.waits, "server": asked(self._grant), **named(credential)}
        self._tell(Renewed, reason=reason, duration=took, **about)
        return token

    async def _write_before_spending(self, slot: Slot) -> None:
        """Show that the store can keep the successor, by the very way that will keep it (law F8)."""
        if not isinstance(self._grant, Spending) or not self._grant.spends(self.credential):
            return
        credential = spending(self.credential, self._grant, self.clock.time())
        self._lineage = self._lineage.trying(credential)  # one that was given up may land late, and is no other's
        failure = await save(slot.save(credential), self._store, self._limits)
        if failure is None:
            self._lineage, self.credential = self._lineage.saved(credential), credential
            return
        if isinstance(failure, Superseded) and self._learn(await read(slot, self._store, self._limits)):
            raise OthersSpend(0.0)
        if not self._serves_unsaved:
            raise failure
        self._tell(Unsaved, message=str(failure))

    async def _ask(self, slot: Slot, question: Question) -> Credential:
        try:
            return await self._asking.obtain(self.credential, question.wish)
        except TokenError as error:
            # A program that does not keep the lock may have renewed or signed in meanwhile (law E1).
            refused = isinstance(error.error if isinstance(error, Rescued) else error, GrantRefused)
            if not refused or not self._learn(await read(slot, self._store, self._limits)):
                raise
        return await self._asking.obtain(self.credential, question.wish)

    async def _remember(self, slot: Slot, error: TokenError) -> TokenError:
        """Keep what a failure left behind, a rescued refresh token first (law D2); return the error to raise."""
        credential, error = await self._asking.failed(self.credential, error, is_ours=self.is_ours)
        if credential is not None and credential is not self.credential:
            await self.replace(slot, credential)
        return error
