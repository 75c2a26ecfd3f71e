"""What the stores have in common as objects."""

from __future__ import annotations

from typing import NoReturn

from aio_token._token import Unpicklable


class Shared(Unpicklable):
    """One object however it is copied, since two would not know of each other's holders; it is not pickled."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        message = f"a {type(self).__name__} is not pickled; make one where it is used, with the same arguments"
        raise TypeError(message)


class OwnSlot(Shared):
    """A store that is its own slot, loses nothing that it was given, and is held for as long as its holder wants."""

    __slots__ = ()

    @property
    def may_lose(self) -> bool:
        """No: what is saved is there until it is removed, or until the process ends if it is kept in memory."""
        return False

    @property
    def lasts(self) -> float | None:
        """None: a hold lasts for as long as it is held."""
        return None
