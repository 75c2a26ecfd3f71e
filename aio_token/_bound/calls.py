"""A call that another party's code makes with a token: its proofs carry the nonces that servers want (RFC 9449).

The code sets the headers that the token gives it, and shows no more of an answer than its result or its error does. So
the token itself remembers for whom the last proof was, and what is learnt of the answer stands in the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aio_token._bound.nonces import Nonces

_NONCE, _CHALLENGE = "dpop-nonce", "www-authenticate"
_WANTS_A_NONCE = "use_dpop_nonce"
_OF_THE_PROOF = (_WANTS_A_NONCE, "invalid_dpop_proof")  # the token may be as good as ever
_LONGEST = 32_768  # characters of a header that are read (law H1)


class Proofs:
    """The proofs of one call, of which one more is made at most for the nonce that it lacked."""

    __slots__ = ("_has_repeated", "_nonces", "_now", "_origin", "_used")

    def __init__(self, nonces: Nonces, now: Callable[[], float]) -> None:
        self._nonces = nonces
        self._now = now
        self._origin: str | None = None
        self._used: str | None = None
        self._has_repeated = False

    def begin(self, origin: str, nonce: str | None, at: float | None) -> tuple[str | None, float]:
        """Note that a proof for this origin is made; return its nonce and its time, as far as they are not given."""
        self._origin = origin
        self._used = self._nonces.of(origin) if nonce is None else nonce
        return self._used, self._now() + self._nonces.ahead(origin) if at is None else at

    def are_wanted_again(self, outcome: object) -> bool:
        """Learn from a result or an error, and tell whether it lacks a nonce alone, which has come with it."""
        origin, self._origin = self._origin, None
        if origin is None:
            return False
        said = next(_lines(outcome, _NONCE), None)
        has_nonce = self._nonces.learn(origin, said, used=self._used)
        if self._has_repeated or not (has_nonce and _says(outcome, _WANTS_A_NONCE)):
            return False
        self._has_repeated = True
        return True


def blames_the_proof(outcome: object) -> bool:
    """Whether a result or an error says that a proof is not taken, which another token would not help against."""
    return _says(outcome, *_OF_THE_PROOF)


def _says(outcome: object, *errors: str) -> bool:
    return any(error in line[:_LONGEST] for line in _lines(outcome, _CHALLENGE) for error in errors)


def _lines(outcome: object, name: str) -> Iterator[str]:
    """Find the lines of a header in what a library gives: in its own headers, or in those of its `response`."""
    for each in (outcome, getattr(outcome, "response", None)):
        headers = getattr(each, "headers", None)
        for key, value in headers.items() if isinstance(headers, Mapping) else ():
            if isinstance(key, str) and key.lower() == name and isinstance(value, str):
                yield value
