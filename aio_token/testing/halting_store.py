"""A store that stops or fails at a step that a test names."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, get_args

from aio_token._arguments import demand_one_of
from aio_token._errors import StoreError
from aio_token._ground.public import public
from aio_token._lens.store import Lens, SlotLens
from aio_token.stores.memory import MemoryTokenStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aio_token._credential import Credential
    from aio_token._interfaces import Slot, TokenStore

StoreStep = Literal["peek", "exclusive", "load", "save", "saved", "delete", "release"]
"""`peek` is the load without the lock, `load` the one under it; `saved` comes when a save is done."""


def _demand_step(step: StoreStep) -> None:
    """Refuse a step that never comes: the test would wait for it."""
    demand_one_of(step, get_args(StoreStep), "step")


@public
class HaltingStore(Lens):
    """Halts or fails at named steps, and otherwise does what the store behind it does: by default, one in memory.

    `steps` lists the steps as they began, `saved` every credential that was kept.
    """

    def __init__(self, store: TokenStore | None = None) -> None:
        super().__init__(store or MemoryTokenStore())
        self._gates: dict[StoreStep, tuple[asyncio.Event, asyncio.Event]] = {}
        self._errors: dict[StoreStep, BaseException] = {}
        self.steps: list[StoreStep] = []
        self.saved: list[Credential] = []

    def __repr__(self) -> str:
        return f"<HaltingStore steps={self.steps}>"

    def halt(self, step: StoreStep) -> asyncio.Event:
        """Stop what comes to the step until `release(step)`; the event that is returned is set when something has."""
        _demand_step(step)
        arrived, _ = self._gates[step] = (asyncio.Event(), asyncio.Event())
        return arrived

    def release(self, step: StoreStep) -> None:
        """Let go what stands at the step, and stop nothing there any more."""
        self._gates.pop(step)[1].set()

    def fail(self, step: StoreStep, error: BaseException | None = None) -> None:
        """Raise at the step from now on: `error`, or a `StoreError`. The step is not carried out."""
        _demand_step(step)
        self._errors[step] = error or StoreError(f"the store was told to fail at {step!r}")

    def repair(self) -> None:
        """Fail no more."""
        self._errors.clear()

    async def load(self) -> Credential | None:
        """Return what is kept."""
        await self._begin("peek")
        return await self._store.load()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Slot]:
        """Exclude every other holder, as the store behind does."""
        await self._begin("exclusive")
        async with self._store.exclusive() as slot:
            try:
                yield _Slot(slot, self._begin, self.saved)
            finally:
                await self._begin("release")

    async def _begin(self, step: StoreStep) -> None:
        await asyncio.sleep(0)  # as a store that really reads and writes, it gives way at each step
        self.steps.append(step)
        if gate := self._gates.get(step):
            arrived, go = gate
            arrived.set()
            await go.wait()
        if error := self._errors.get(step):
            raise error


class _Slot(SlotLens):
    def __init__(self, slot: Slot, begin: Callable[[StoreStep], Awaitable[None]], saved: list[Credential]) -> None:
        super().__init__(slot)
        self._begin = begin
        self._saved = saved

    async def load(self) -> Credential | None:
        await self._begin("load")
        return await super().load()

    async def save(self, credential: Credential) -> None:
        await self._begin("save")
        await super().save(credential)
        self._saved.append(credential)
        await self._begin("saved")

    async def delete(self) -> None:
        await self._begin("delete")
        await super().delete()
