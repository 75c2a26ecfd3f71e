"""A disk whose every step a test may stop, fail or outlive."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from aio_token._credential import Credential
from aio_token._disk.worker import Worker
from aio_token._token import Token
from aio_token.stores.file import FileTokenStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._disk.threads import Strand
    from aio_token._interfaces import TokenStore
    from aio_token.stores import Codec

_P = ParamSpec("_P")
_T = TypeVar("_T")

OLD = Credential(refresh_token="old")
NEW = Credential(token=Token(access_token="new" * 1_000), refresh_token="new")


async def cycle(store: TokenStore) -> None:
    """Do with a store that holds OLD what a renewal does."""
    async with store.exclusive() as slot:
        await slot.load()
        await slot.save(NEW)


def unmeasured() -> dict[str, str]:
    """Return an environment in which processes that fork or are killed measure no coverage: their data is broken."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


class Disk:
    """What file stores are made on: `disk.store(path)`.

    `steps` lists what was done, by name. `before` is called before each step, in its thread, with its number (from 1)
    and name; what it raises, the step raises.
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.before: Callable[[int, str], None] = _pass

    def store(
        self, path: str | os.PathLike[str], *, codec: Codec | None = None, kind: type[FileTokenStore] = FileTokenStore
    ) -> FileTokenStore:
        """Make a store whose every step is seen."""
        store = kind(path, codec=codec)
        store._worker = self.worker
        return store

    def worker(self, strand: Strand | None = None) -> Worker:
        """Make the worker of one operation."""
        return _Stepping(self, strand)

    def step(self, call: Callable[[], _T]) -> _T:
        """Make one step."""
        name = _name(call)
        self.steps.append(name)
        number = len(self.steps)
        self.before(number, name)
        return call()


class Halt:
    """A hook that stops at the step of one name until it is let go."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._go = threading.Event()
        self.reached = threading.Event()

    def __call__(self, number: int, name: str) -> None:
        """Take part in a step."""
        if name == self._name:
            self.reached.set()
            self._go.wait(30)

    def release(self) -> None:
        """Let the step go on."""
        self._go.set()


class FailAt:
    """A hook that raises at the steps of one name or number."""

    def __init__(self, step: int | str, error: OSError) -> None:
        self._step = step
        self._error = error

    def __call__(self, number: int, name: str) -> None:
        """Take part in a step."""
        if self._step in (number, name):
            raise self._error


class _Stepping(Worker):
    def __init__(self, disk: Disk, strand: Strand | None) -> None:
        super().__init__(strand)
        self._disk = disk

    def step(self, call: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return super().step(self._disk.step, partial(call, *args, **kwargs))


def _name(call: Any) -> str:
    while isinstance(call, partial):
        call = call.func
    return str(getattr(call, "__name__", type(call).__name__))


def _pass(number: int, name: str) -> None:
    """Let the step be."""
