"""The nonces that servers want to see in a proof (RFC 9449 sections 8 and 9), and their clocks, by origin."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import MutableMapping

MOST = 100
"""Origins of which something is remembered; the one that was learnt of longest ago is forgotten first."""

_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,1024}")  # RFC 9449 section 8.1; the bound is ours (law H1)


class Nonce:
    """What one origin has said last."""

    __slots__ = ("ahead", "before", "value")

    def __init__(self) -> None:
        self.value: str | None = None
        self.before: str | None = None
        self.ahead: float = 0.0


class Nonces:
    """What origins have said, at most a hundred of them."""

    __slots__ = ("__weakref__", "_by_origin", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_origin: dict[str, Nonce] = {}

    def of(self, origin: str) -> str | None:
        """Return the nonce that the origin wants, None for none."""
        known = self._by_origin.get(origin)
        return None if known is None else known.value

    def ahead(self, origin: str) -> float:
        """Return by how many seconds the origin's clock is ahead."""
        known = self._by_origin.get(origin)
        return 0.0 if known is None else known.ahead

    def learn(self, origin: str, said: str | None, *, used: str | None) -> bool:
        """Take a nonce from an answer to a request that carried `used`; tell whether another one is to be used now.

        Answers overtake each other: one to a request with an older nonce brings back none that has been replaced. What
        cannot be a nonce is passed over.
        """
        known = self._by_origin.get(origin)
        current = None if known is None else known.value
        if said is not None and said != current and _NONCE.fullmatch(said):
            known = self._known(origin)
            if used == current or said != known.before:
                known.before, known.value = current, said
        return known is not None and known.value != used

    def learn_clock(self, origin: str, ahead: float) -> None:
        """Note by how many seconds the origin's clock is ahead."""
        self._known(origin).ahead = ahead

    def _known(self, origin: str) -> Nonce:
        with self._lock:  # event loops of several threads may share a source
            known = self._by_origin.pop(origin, None) or Nonce()
            self._by_origin[origin] = known
            if len(self._by_origin) > MOST:
                del self._by_origin[next(iter(self._by_origin))]
        return known


_shared: MutableMapping[object, Nonces] = WeakKeyDictionary()


def nonces_of(source: object) -> Nonces:
    """Return the nonces that all who use this source share, and those who use other tokens of its session."""
    try:
        return _shared.setdefault(getattr(source, "_of_the_session", source), Nonces())
    except TypeError:  # a stranger's source that is compared by value, or has no room for a weak reference
        return Nonces()
