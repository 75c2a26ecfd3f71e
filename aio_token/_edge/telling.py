"""Tells a middleware's observer what happened, when, and to whose token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token.events import notify

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._clock import Clock
    from aio_token.events import Event, Observer


def telling(observer: Observer | None, clock: Clock, name: str | None) -> Callable[..., None]:
    """Return a function that tells an event of this kind with these members."""

    def tell(kind: type[Event], **members: Any) -> None:  # noqa: ANN401  each event has its own
        notify(observer, kind(at=clock.time(), name=name, **members))

    return tell
