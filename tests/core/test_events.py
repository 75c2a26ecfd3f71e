"""Events, and the observers that are told of them."""

from __future__ import annotations

import logging
import pickle
from copy import copy, deepcopy
from typing import TYPE_CHECKING

import pytest

from aio_token.events import Adopted, Loaded, Renewed, Saved, Unsaved, fan_out, notify

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.events import Event


def test_an_observer_is_told_at_once() -> None:
    """The call has happened when `notify` returns."""
    told: list[Event] = []
    event = Saved(at=1.0)
    notify(told.append, event)
    assert told == [event]


def test_there_may_be_no_observer() -> None:
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


def test_an_observer_that_raises_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
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


def renewed(**more: object) -> Renewed:
    """Return an event."""
    members = {"at": 1.0, "reason": "absent", "duration": 0.5, "waits": (0.25,), "fingerprint": "01234567"}
    return Renewed(**(members | {"expires_at": None} | more))  # type: ignore[arg-type]


def test_events_are_values() -> None:
    """They compare and hash by kind and content, and show themselves without what is long."""
    assert renewed() == renewed()
    assert hash(renewed()) == hash(renewed())
    assert renewed() != renewed(at=2.0)
    assert Loaded(at=1.0, fingerprint=None, expires_at=None) != Adopted(at=1.0, fingerprint=None, expires_at=None)
    assert renewed() != "Renewed"
    assert repr(renewed(name="a")) == (
        "Renewed(at=1.0, name='a', reason='absent', duration=0.5, fingerprint='01234567', expires_at=None, waiters=1)"
    )


def test_an_event_says_whose_token_it_is() -> None:
    """A repository's name, if it has one; where it has none, nothing is shown."""
    assert Saved(at=1.0, name="billing").members() == {"at": 1.0, "name": "billing"}
    assert Saved(at=1.0).name is None
    assert Saved(at=1.0).members() == {"at": 1.0}


def test_an_event_cannot_be_changed() -> None:
    """Observers share it."""
    event = Unsaved(at=1.0, message="the disk is full")
    with pytest.raises(AttributeError, match=r"Unsaved\.at cannot be changed"):
        event.at = 2.0  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"Unsaved\.message cannot be changed"):
        del event.message
    assert event == Unsaved(at=1.0, message="the disk is full")


def test_an_event_has_all_its_members_and_no_others() -> None:
    """A member that is missing or misspelt is told by its name."""
    with pytest.raises(TypeError, match="Unsaved needs at, message"):
        Unsaved()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Saved has no massage"):
        Saved(at=1.0, massage="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Saved(1.0)  # type: ignore[call-arg]


@pytest.mark.parametrize("again", [copy, deepcopy, lambda event: pickle.loads(pickle.dumps(event))])  # noqa: S301
def test_events_travel(again: Callable[[Event], Event]) -> None:
    """They can be copied, and sent to another process."""
    assert again(renewed()) == renewed()
    assert type(again(renewed())) is Renewed


def test_an_event_says_how_much_it_matters() -> None:
    """Severity belongs to the class, and is no member of the value."""
    assert (Unsaved.severity, Saved.severity) == (logging.WARNING, logging.DEBUG)
    assert "severity" not in Unsaved(at=1.0, message="").members()
