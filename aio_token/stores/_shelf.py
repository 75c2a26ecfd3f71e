"""What a shared store asks of its server: a place for one record, where each step is atomic by itself."""

from __future__ import annotations

from typing import Protocol

from aio_token._ground.value import Value


class Kept(Value):
    """What stood in the place at the moment of a step.

    `version` is another one after each write, also where a server comes back with older data; "" where nothing was ever
    written. `now` is the server's clock, in POSIX seconds. `taken_over` says that the lease before ours was not given
    back: its holder was killed, is stopped, or is cut off.
    """

    record: bytes | None
    version: str
    now: float
    taken_over: bool = False


class Shelf(Protocol):
    """The place of one record. Every method may raise whatever the server's client raises."""

    async def acquire(self, owner: str, seconds: float) -> Kept | None:
        """Take the lease if it is free, has lapsed or is this owner's; None if it is another's."""
        ...

    async def extend(self, owner: str, seconds: float) -> bool:
        """Have the lease last for so long from now; tell whether it is still this owner's."""
        ...

    async def release(self, owner: str) -> None:
        """Give the lease back, if it is this owner's."""
        ...

    async def read(self) -> Kept:
        """Return what is kept."""
        ...

    async def write(self, record: bytes | None, version: str, over: str) -> bool:
        """Keep the record, None for nothing, as a new version; tell whether that happened.

        It does not if there is another version than the one it is to go `over`. A place that is gone is made anew.
        """
        ...

    async def set_aside(self, version: str, over: str) -> None:
        """Move a damaged record to where an administrator finds it, and keep nothing, as `write` does."""
        ...

    async def complaint(self) -> str | None:
        """Tell what keeps the server from keeping a record for good, None if nothing does."""
        ...
