"""Many accounts by name: each a repository of its own, made when it is asked for, and let go when no one has it.

Theory of operation. What is kept of an account that is not in use is its record in the store, and nothing else: a
hundred thousand repositories would be walked by every full collection of garbage. So repositories are held weakly, at
most one for each name, since two would not know of each other's renewals. What may not go with a repository is the
`Estate`'s: a credential that could not be saved yet, and what is known to be spent.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from weakref import WeakValueDictionary

from aio_token._accounts.account import Account, Estate
from aio_token._accounts.ahead import Ahead
from aio_token._accounts.each import each_of
from aio_token._accounts.looking import look_at
from aio_token._accounts.strangers import Strangers, StrangersStore, begins_with_a_sign_in
from aio_token._arguments import demand, demand_kind, demand_one_of, demand_seconds
from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError, StoreError
from aio_token._freshness import Windows
from aio_token._ground.closing import Closing
from aio_token._ground.public import public
from aio_token._limits import Limits, waiting_for_the_lock
from aio_token._lineage import refuse_another_client
from aio_token._pacing.pace import Pace
from aio_token._single_flight import finish
from aio_token._token import Unpicklable
from aio_token.observe.log import log_event
from aio_token.stores.encrypted import reencrypt
from aio_token.stores.many.memory import MemoryTokenStores
from aio_token.stores.many.names import checked_name
from aio_token.stores.many.record import is_there

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_token._clock import Clock
    from aio_token._errors import TokenError
    from aio_token._interfaces import Grant, TokenStore
    from aio_token._repository import TokenRepository
    from aio_token._status import Status
    from aio_token.events import Observer
    from aio_token.stores import TokenStores

_AT_ONCE = 32
"""Accounts that are signed out, written anew or closed at a time."""

_ADAPTIVE = Windows()
_LIMITS = Limits()


@public
class Accounts(Closing, Unpicklable):
    """Repositories by name: `accounts["alice"]` is hers, the same one for as long as anything holds it.

    `grant` is a plain function that returns the grant for a name, such as `lambda name: RefreshTokenGrant(endpoint)`.
    `stores` keeps the credentials, by default in memory; `DirectoryTokenStores(path)` keeps them in files. A name is
    any text of 1 to 256 characters without control characters. The other options are those of every repository; `pace`
    is by default one for these accounts alone. Raises `ConfigurationError` for arguments of other kinds.

    An account that no one has signed in to raises `UnknownAccount` when its token is asked for, and so does one that
    was signed out meanwhile, in this process or in another one. Asking for it leaves nothing behind.
    """

    def __init__(
        self,
        grant: Callable[[str], Grant],
        stores: TokenStores | None = None,
        *,
        windows: Windows = _ADAPTIVE,
        limits: Limits = _LIMITS,
        pace: Pace | None = None,
        unwritable: Literal["refuse", "serve"] = "refuse",
        observer: Observer | None = log_event,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if iscoroutinefunction(grant) or not callable(grant):
            message = "Accounts takes a plain function of a name that returns a grant; what has to wait belongs there"
            raise ConfigurationError(message)
        if stores is not None:
            demand(stores, "of", "the stores of Accounts are such as DirectoryTokenStores(path)")
        demand_kind(windows, Windows, "windows takes a Windows(...)")
        demand_kind(limits, Limits, "limits takes a Limits(...)")
        demand_kind(pace, (Pace, type(None)), "pace takes a Pace(...)")
        demand_one_of(unwritable, ("refuse", "serve"), "unwritable")
        self._grant = grant
        self._stores: TokenStores = MemoryTokenStores() if stores is None else stores
        self._limits = limits
        self._clock = clock
        self._options: dict[str, Any] = {
            "windows": windows,
            "limits": limits,
            "pace": Pace() if pace is None else pace,
            "unwritable": unwritable,
            "observer": observer,
            "clock": clock,
        }
        self._estate = Estate(clock.monotonic)
        self._strangers = Strangers(clock.monotonic)
        self._in_use: WeakValueDictionary[str, Account] = WeakValueDictionary()
        self._lock = threading.RLock()  # a grant may need the token of another account

    def __repr__(self) -> str:
        return f"<Accounts in {self._stores!r}>"

    def __getitem__(self, name: str) -> TokenRepository:
        """Return an account's repository; does no I/O. Raises `ConfigurationError` for what is no name."""
        return self._account(name)

    def __iter__(self) -> NoReturn:
        """Refuse, for `in` as well: only the store knows the names, and it has to be asked."""
        message = "the names of accounts are read from their store: async for name in accounts.names()"
        raise TypeError(message)

    def names(self) -> AsyncIterator[str]:
        """Return the names of the accounts that something is kept of, in any order. Raises `StoreError`."""
        return self._stores.names()

    async def status(self, name: str) -> Status:
        """Return one account's status, from memory or from its store; no server is asked."""
        account = self._in_use.get(name)
        if account is not None and account.status.state != "unknown":
            return account.status
        return await look_at(
            self._stores.of(name),
            self._grant_of(name).issued_by,
            name=name,
            limits=self._limits,
            windows=self._options["windows"],
            clock=self._clock,
        )

    async def statuses(self) -> AsyncIterator[Status]:
        """Return the status of each account, from memory or from its store; no server is asked. Raises `StoreError`.

        A store that cannot be read is that account's trouble.
        """
        async for name in self.names():
            yield await self.status(name)

    async def sign_out_all(self) -> dict[str, TokenError]:
        """Sign every account out, as `TokenRepository.sign_out` does; return those that are still there, and why."""
        return await each_of(self.names(), lambda name: self[name].sign_out(), at_once=_AT_ONCE)

    async def reencrypt(self) -> dict[str, TokenError]:
        """Write each record once more, which encrypts it with the first key of the ring; return what failed, by name.

        Raises `StoreError`.
        """
        return await each_of(self.names(), self._reencrypt, at_once=_AT_ONCE)

    async def import_from(self, name: str, store: TokenStore) -> bool:
        """Move what a store of its own holds, such as a single file, under a name; tell whether it held anything.

        It can be repeated. Stop the programs that use that store first: they do not look here. Raises `StoreError`,
        also if another credential has the name, and `ConfigurationError` if it is one of another endpoint or client.
        """
        demand(store, "exclusive", "import_from() takes a store, such as FileTokenStore(path)")
        return await finish(self._import(name, store), grace=self._limits.shutdown)

    @asynccontextmanager
    async def keep_fresh(self, *, active: float = 3_600.0, sweep: float = 900.0) -> AsyncIterator[None]:
        """Renew ahead of requests while the block lasts, in turn with what requests renew; observers are told.

        Access tokens are renewed of the accounts that were used within `active` seconds: no request of theirs waits.
        Every `sweep` seconds, or less by chance, refresh tokens of all accounts are renewed that would end before the
        sweep after the next one; that reads every record of a directory. Only one such block is of use. Raises
        `ConfigurationError` for what is no number of seconds.
        """
        demand_seconds(active, "active")
        demand_seconds(sweep, "sweep")
        ahead = Ahead(self._estate, self._stores, self._account, active=active, sweep=sweep, clock=self._clock.time)
        running = asyncio.create_task(ahead.run(), name="aio_token: keeping accounts fresh")
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait((running,))

    async def aclose(self) -> None:
        """Wait for renewals under way and save what is unsaved. The accounts can be used again afterwards."""
        busy = {account for account in self._in_use.values() if account.is_flying} | self._estate.unsaved
        for account in busy:
            await account.aclose()

    def _account(self, name: str) -> Account:
        account = self._in_use.get(name)
        if account is None:
            with self._lock:
                account = self._in_use.get(name) or self._made(name)
        return account

    def _made(self, name: str) -> Account:
        grant = self._grant_of(name)
        store = self._stores.of(name)
        if begins_with_a_sign_in(grant):
            store = StrangersStore(store, name, self._strangers)
        account = self._in_use[name] = Account(grant, store, self._estate, name, **self._options)
        return account

    def _grant_of(self, name: str) -> Grant:
        grant = self._grant(checked_name(name))
        demand(grant, "obtain", "the function given to Accounts returns a grant, such as RefreshTokenGrant(endpoint)")
        return grant

    async def _reencrypt(self, name: str) -> None:
        store = self._stores.of(name)
        async with waiting_for_the_lock(store, self._limits):
            await reencrypt(store)

    async def _import(self, name: str, store: TokenStore) -> bool:
        home = self._stores.of(name)
        async with AsyncExitStack() as stack:
            async with waiting_for_the_lock(store, self._limits):
                source = await stack.enter_async_context(store.exclusive())
            async with waiting_for_the_lock(home, self._limits):
                slot = await stack.enter_async_context(home.exclusive())
            credential = await source.load()
            if not is_there(credential):
                return False
            refuse_another_client(self._grant_of(name).issued_by, credential.issued_by)
            kept = await slot.load()
            if is_there(kept) and kept != credential:
                message = f"another credential is kept as {name!r} already; sign that one out, or choose another name"
                raise StoreError(message)
            await slot.save(credential)
            await source.delete()
        self._strangers.discard(name)
        account = self._in_use.get(name)
        if account is not None:
            await account.catch_up()
        return True
