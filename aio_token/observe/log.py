"""Events as records of the standard library's logging, under the name `aio_token`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aio_token.events import Event

_logger = logging.getLogger("aio_token")


def log_event(event: Event) -> None:
    """Log an event at its severity; its class's name and its members are in the record's `token_event`."""
    if _logger.isEnabledFor(event.severity):
        kind, members = type(event).__name__, event.members()
        text = " ".join(f"{name}={value!r}" for name, value in members.items() if name != "at")
        _logger.log(event.severity, "%s %s", kind, text, extra={"token_event": {"event": kind, **members}})
