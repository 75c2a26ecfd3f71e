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
