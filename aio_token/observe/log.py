"""Events as records of the standard library's logging, under the name `aio_token`."""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import TYPE_CHECKING

from aio_token.events import RenewalFailed, RenewalPaused, Renewed, ReplayImpossible, Unsaved

if TYPE_CHECKING:
    from aio_token.events import Event

_logger = logging.getLogger("aio_token")
_WARNINGS = (RenewalFailed, RenewalPaused, ReplayImpossible, Unsaved)


def log_event(event: Event) -> None:
    """Log an event: trouble as a warning, the rest at debug level; its members are in the record's `token_event`."""
    level = logging.WARNING if isinstance(event, _WARNINGS) else logging.DEBUG
    if _logger.isEnabledFor(level):
        name = type(event).__name__
        members = {
            field.name: getattr(event, field.name) for field in fields(event) if field.repr and field.name != "at"
        }
        if isinstance(event, Renewed | RenewalFailed):
            members["waiters"] = event.waiters
        text = " ".join(f"{key}={value!r}" for key, value in members.items())
        _logger.log(level, "%s %s", name, text, extra={"token_event": {"name": name, "at": event.at, **members}})
