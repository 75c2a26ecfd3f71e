"""Headers of a request that hold a secret."""

from __future__ import annotations


class Headers(dict[str, str]):
    """Headers that hold a token; their repr names them, and shows none."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Headers {' '.join(self)}>"

    __str__ = __repr__
