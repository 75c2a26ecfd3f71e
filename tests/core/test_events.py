"""Events, and who is told of them."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING

import pytest

from aio_token.events import Adopted, Loaded, Renewed, Saved, Unsaved, fan_out, notify

if TYPE_CHECKING:
    from aio_token.events import Event


def test_an_observer_is_told_at_once() -> None:
    """The call has happened when `notify` returns."""
    told: list[Event] = []
    event = Saved(at=1.0)
    notify(told.append, event)
    assert told == [event]


def test_nobody_needs_to_observe() -> None:
    """None is an observer too."""
    notify(None, Saved(at=1.0))


def test_several_observers_are_told_whatever_one_of_them_does() -> None:
    """`fan_out` is one observer made of many, and the failure of one keeps nothing from the next."""
    first: list[Event] = []
    second: list[Event] = []

    def broken(event: Event) -> None:
        raise KeyError(event.at)

    fan_out(first.append, broken, second.append)(Saved(at=1.0))
    assert first == second == [Saved(at=1.0)]


def test_an_observer_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """What it raises is logged with its traceback, and the caller goes on."""

    def broken(event: Event) -> None:
        raise KeyError(event.at)

    notify(broken, Unsaved(at=1.0, message="the disk is full"))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("aio_token", logging.ERROR)
    assert record.getMessage() == "an observer failed on Unsaved"
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


def test_an_observer_may_end_the_process() -> None:
    """What is no error, such as SystemExit, passes."""

    def ends(event: Event) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        notify(ends, Saved(at=1.0))


def test_an_event_is_a_value() -> None:
    """Equal members make equal events, and nothing can be set."""
    event = Unsaved(at=1.0, message="the disk is full")
    assert event == Unsaved(at=1.0, message="the disk is full")
    with pytest.raises(FrozenInstanceError):
        event.at = 2.0  # type: ignore[misc]


def test_events_are_values() -> None:
    """They compare and hash by kind and content, and show themselves without what is long."""
    event = Renewed(at=1.0, reason="absent", duration=0.5, waits=(0.25,), fingerprint="01234567", expires_at=None)
    assert event == replace(event)
    assert hash(event) == hash(replace(event))
    assert event != replace(event, at=2.0)
    assert Loaded(at=1.0, fingerprint=None, expires_at=None) != Adopted(at=1.0, fingerprint=None, expires_at=None)
    assert event != "Renewed"
    assert repr(event) == "Renewed(at=1.0, reason='absent', duration=0.5, fingerprint='01234567', expires_at=None)"
