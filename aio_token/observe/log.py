"""Events as records of the standard library's logging, under the name `aio_token`: a sentence, then its figures."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aio_token.events import (
    Adopted,
    Loaded,
    Rejected,
    RenewalFailed,
    RenewalPaused,
    Renewed,
    Replaced,
    ReplayImpossible,
    Saved,
    ScopeMissing,
    SignedIn,
    SignedOut,
    TokensEndEachOther,
    Unsaved,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_token.events import Event

_logger = logging.getLogger("aio_token")

_SENTENCES: dict[type[Event], str] = {
    Loaded: "the store was read",
    Adopted: "another process has renewed or signed in",
    Renewed: "the token was renewed",
    RenewalFailed: "{message}",
    Unsaved: "{message}",
    Saved: "what could not be stored before is stored now",
    ScopeMissing: "the server grants less than was asked for: {missing} is missing",
    TokensEndEachOther: (
        "the server seems to end one access token of this session when it gives another; they are renewed a second "
        "apart at least: ask for one token that serves all, or sign in for each"
    ),
    SignedIn: "signed in",
    SignedOut: "signed out",
    Replaced: "a sign-in took the place of a live session",
    Rejected: "{origin} rejected the token",
    ReplayImpossible: "a rejected {method} to {origin} was not sent again: its body can be sent only once",
    RenewalPaused: "{origin} rejected a renewed token too; for a while its 401s cause no renewal",
}


def log_event(event: Event) -> None:
    """Log an event at its severity; its class's name and its members are in the record's `token_event`."""
    if _logger.isEnabledFor(event.severity):
        members = {"event": type(event).__name__, **event.members()}
        _logger.log(event.severity, "%s", _line(event), extra={"token_event": members})


def _line(event: Event) -> str:
    """Return a sentence with the repository's name before it and rounded figures behind it, on one line (law D6)."""
    whose = f"{event.name}: " if event.name is not None else ""
    figures = "; ".join(_figures(event))
    line = f"{whose}{_sentence(event)}" + (f" ({figures})" if figures else "")
    return line if line.isprintable() else repr(line)


def _sentence(event: Event) -> str:
    members = event.members()
    sentence = _SENTENCES.get(type(event), type(event).__name__).format_map(members)
    told = members.get("revoked", True)
    return sentence if told else f"{sentence}, which the server was not told: {members['message']}"


def _figures(event: Event) -> Iterator[str]:
    """Return what can be counted of an event, rounded as a person reads it."""
    if isinstance(event, Renewed | RenewalFailed):
        yield f"{event.reason}, {event.duration:.2f} s, {event.waiters:,} waited"
    match event:
        case RenewalFailed(retry_at=float(moment)) if moment > event.at:
            yield f"asked again in {moment - event.at:.0f} s"
        case Renewed() | Loaded() | Adopted() | SignedIn() | Rejected() if event.fingerprint is not None:
            yield f"token {event.fingerprint}{_left(event)}"
        case Loaded():
            yield "no token"
        case RenewalPaused():
            yield f"{event.seconds:.0f} s"


def _left(event: Event) -> str:
    end: float | None = getattr(event, "expires_at", None)
    return f", good for {end - event.at:,.0f} s" if end is not None else ""
