"""A store for the end of a session: held where that can be, and else left behind with what it keeps (law E3)."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from aio_token._errors import ConfigurationError, LockTimeout, StoreError
from aio_token._limits import failure_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from aio_token._credential import Credential
    from aio_token._interfaces import Slot, TokenStore
    from aio_token._keeper import Keeper


@asynccontextmanager
async def reached(keeper: Keeper, store: TokenStore, lock: asyncio.Lock) -> AsyncIterator[Slot]:
    """Hold the locks; where the store has none to give, as on a disk that became read-only, this loop's alone.

    What is known, or can be read, can be revoked then, and the wish is kept in memory until the store takes it. Raises
    `LockTimeout` while another process has the lock, `StoreError` where there is nothing to end, and
    `ConfigurationError` for what is to be set right first.
    """
    async with AsyncExitStack() as stack:
        try:
            slot = await stack.enter_async_context(keeper.held(lock))
        except (LockTimeout, ConfigurationError):
            raise
        except Exception as error:  # noqa: BLE001  it is another party's
            failure = failure_of(store, error)
        else:
            yield slot
            return
        await stack.enter_async_context(lock)
        with suppress(Exception):  # a store that cannot be read either has nothing newer to say
            await keeper.look(adopts=True)  # another process may have renewed while the store could be held
        if keeper.credential is None:
            raise failure
        yield _Unheld(failure)


class _Unheld:
    """A slot of a store that cannot be held: all that is asked of it fails as holding it did."""

    lasts: float | None = None

    def __init__(self, failure: StoreError) -> None:
        self._failure = failure

    async def load(self) -> NoReturn:
        raise self._failure.again()

    async def save(self, _credential: Credential) -> NoReturn:
        raise self._failure.again()

    async def delete(self) -> NoReturn:
        raise self._failure.again()
