"""Which work waits for which: so that a circle is an error instead of a silence, and no one queues behind itself."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Leg:
    """One piece of work in the air, and those that it waits for.

    `is_awaited` tells that other work has waited for it: it must not queue behind that. `hurry` is called then.
    `is_to_land` tells that its very end is waited for, as at the end of a program; `land_soon` is called then.
    """

    __slots__ = ("_awaits", "hurry", "is_awaited", "is_to_land", "land_soon")

    def __init__(self) -> None:
        self._awaits: list[Leg] = []
        self.hurry: Callable[[], None] | None = None
        self.land_soon: Callable[[], None] | None = None
        self.is_awaited = self.is_to_land = False

    def leads_to(self, other: Leg) -> bool:
        """Whether this work cannot end before the other does. No circle is ever closed, so this ends too."""
        return self is other or any(leg.leads_to(other) for leg in list(self._awaits))

    @contextmanager
    def awaiting(self, other: Leg) -> Iterator[None]:
        """Note a wait for as long as it lasts."""
        other.is_awaited = True
        if other.hurry is not None:
            other.hurry()
        self._awaits.append(other)
        try:
            yield
        finally:
            self._awaits.remove(other)

    def land(self) -> None:
        """Tell the work that its end is waited for."""
        self.is_to_land = True
        if self.land_soon is not None:
            self.land_soon()


_within: ContextVar[Leg] = ContextVar("aio_token: the renewal that this code is part of")


def leg_here() -> Leg | None:
    """Return the work that the running code is part of."""
    return _within.get(None)


def context_of(leg: Leg | None) -> Context:
    """Return a context that is empty but for the work that its code is part of."""
    context = Context()
    if leg is not None:
        context.run(_within.set, leg)
    return context
