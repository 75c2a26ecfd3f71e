"""Events as log records."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from aio_token import events
from aio_token.events import (
    Adopted,
    Event,
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
from aio_token.observe import log_event

EVENTS: list[Event] = [
    Loaded(at=1.0, fingerprint="ba7816bf", expires_at=None),
    Adopted(at=1.0, fingerprint="ba7816bf", expires_at=61.0),
    Renewed(at=1.0, reason="expired", waits=(0.1, 0.1, 0.2), duration=0.25, fingerprint="ba7816bf", expires_at=61.0),
    RenewalFailed(
        at=1.0, reason="rejected", waits=(0.1, 0.1, 0.2), duration=0.5, remedy="wait", message="try later", retry_at=2.0
    ),
    Unsaved(at=1.0, message="the disk is full"),
    Saved(at=1.0),
    ScopeMissing(at=1.0, missing="write", granted="read"),
    TokensEndEachOther(at=1.0),
    SignedIn(at=1.0, fingerprint="ba7816bf", expires_at=61.0),
    Replaced(at=1.0, revoked=True, message=None),
    SignedOut(at=1.0, revoked=False, message="the server is down"),
    Rejected(at=1.0, origin="https://api.example", fingerprint="ba7816bf"),
    ReplayImpossible(at=1.0, origin="https://api.example", method="POST"),
    RenewalPaused(at=1.0, origin="https://api.example", seconds=4.0),
]
TROUBLE = {"RenewalFailed", "Unsaved", "ReplayImpossible", "RenewalPaused", "ScopeMissing", "TokensEndEachOther"}


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    """Have every level logged."""
    caplog.set_level(logging.DEBUG, "aio_token")


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_trouble_is_a_warning_and_the_rest_is_for_debugging(event: Event, caplog: pytest.LogCaptureFixture) -> None:
    """A program that sets up no logging sees trouble on stderr, and nothing of a good day."""
    log_event(event)
    (record,) = caplog.records
    assert record.name == "aio_token"
    assert record.levelno == (logging.WARNING if type(event).__name__ in TROUBLE else logging.DEBUG)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_record_carries_the_events_members(event: Event, caplog: pytest.LogCaptureFixture) -> None:
    """`token_event` holds name, moment and members as plain JSON types, for structured logs."""
    log_event(event)
    told: dict[str, Any] = vars(caplog.records[0])["token_event"]
    assert told == {"event": type(event).__name__, **event.members()}
    assert json.loads(json.dumps(told)) == told


class Foreign(Event):
    """An event of a release to come, or of a program's own."""


KINDS = {type(event): event for event in EVENTS}
LINES = {
    KINDS[Loaded]: "the store was read (token ba7816bf)",
    Loaded(at=1.0, fingerprint=None, expires_at=None): "the store was read (no token)",
    KINDS[Adopted]: "another process has renewed or signed in (token ba7816bf, good for 60 s)",
    KINDS[Renewed]: "the token was renewed (expired, 0.25 s, 3 waited; token ba7816bf, good for 60 s)",
    KINDS[RenewalFailed]: "try later (rejected, 0.50 s, 3 waited; asked again in 1 s)",
    KINDS[Unsaved]: "the disk is full",
    KINDS[Saved]: "what could not be stored before is stored now",
    KINDS[ScopeMissing]: "the server grants less than was asked for: write is missing",
    KINDS[TokensEndEachOther]: (
        "the server seems to end one access token of this session when it gives another; they are renewed a second "
        "apart at least: ask for one token that serves all, or sign in for each"
    ),
    KINDS[SignedIn]: "signed in (token ba7816bf, good for 60 s)",
    KINDS[Replaced]: "a sign-in took the place of a live session",
    Replaced(at=1.0, revoked=False, message="the server is down"): (
        "a sign-in took the place of a live session, which the server was not told: the server is down"
    ),
    KINDS[SignedOut]: "signed out, which the server was not told: the server is down",
    SignedOut(at=1.0, revoked=True, message=None): "signed out",
    KINDS[Rejected]: "https://api.example rejected the token (token ba7816bf)",
    KINDS[ReplayImpossible]: (
        "a rejected POST to https://api.example was not sent again: its body can be sent only once"
    ),
    KINDS[
        RenewalPaused
    ]: "https://api.example rejected a renewed token too; for a while its 401s cause no renewal (4 s)",
    Foreign(at=1.0): "Foreign",
}


@pytest.mark.parametrize(("event", "line"), LINES.items(), ids=lambda one: type(one).__name__)
def test_a_record_is_a_sentence_with_its_figures(event: Event, line: str, caplog: pytest.LogCaptureFixture) -> None:
    """What happened stands first, as a person says it; figures are rounded, and the moment is the record's own."""
    log_event(event)
    assert caplog.records[0].getMessage() == line


def test_every_event_has_its_sentence() -> None:
    """A new event is not told by its name alone."""
    assert {type(event) for event in LINES} - {Foreign} == set(KINDS)


def test_a_record_says_whose_token_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """A repository's name stands before the sentence, and in the members; without one there is nothing to read."""
    log_event(SignedIn(at=1.0, name="billing", fingerprint=None, expires_at=None))
    log_event(Unsaved(at=1.0, message="the disk is full"))
    assert [record.getMessage() for record in caplog.records] == ["billing: signed in", "the disk is full"]
    assert [vars(record)["token_event"].get("name") for record in caplog.records] == ["billing", None]


def test_a_message_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """Law D6: a line break in a text is written as an escape."""
    log_event(Unsaved(at=1.0, message="one\nWARNING aio_token all is well"))
    assert "\n" not in caplog.records[0].getMessage()


def test_every_event_is_logged_here() -> None:
    """The events above are all that there are."""
    kinds = [kind for name, kind in vars(events).items() if isinstance(kind, type) and not name.startswith("_")]
    assert {type(event) for event in EVENTS} == {kind for kind in kinds if issubclass(kind, Event)} - {Event}


def test_what_is_not_read_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    """Below the logger's level no record is made."""
    caplog.set_level(logging.WARNING, "aio_token")
    log_event(Saved(at=1.0))
    assert caplog.records == []
