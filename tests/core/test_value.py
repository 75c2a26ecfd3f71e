"""Values behave as frozen dataclasses with slots do, for those who make, compare, copy, show and look into them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import sys
from dataclasses import FrozenInstanceError, asdict, dataclass, fields, replace
from typing import Any, ClassVar

import pytest

from aio_token._ground import value
from aio_token._ground.value import Value, field


class Point(Value, kw_only=False):
    """Has a member of each kind."""

    dimensions: ClassVar[int] = 2

    x: int
    y: int = 0
    name: str = field(default="point", kw_only=True, hash=False)
    secret: str | None = field(default=None, kw_only=True, repr=False)
    notes: list[str] = field(default_factory=list, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        """Refuse what is too far."""
        if self.x > 99:
            message = "too far"
            raise ValueError(message)

    @property
    def double(self) -> int:
        """Twice as far."""
        return self.x * self.dimensions


class Spot(Point):
    """Has a member more."""

    colour: str = "red"


@dataclass(frozen=True, slots=True)
class Model:
    """What `Point` is modelled on."""

    x: int
    y: int = 0
    name: str = dataclasses.field(default="point", kw_only=True, hash=False)
    secret: str | None = dataclasses.field(default=None, kw_only=True, repr=False)
    notes: list[str] = dataclasses.field(default_factory=list, kw_only=True, hash=False)


def test_members_are_given_by_place_or_by_name() -> None:
    """As a class says, and with its defaults; a list is each value's own."""
    assert (Point(1, 2).x, Point(1, 2).y, Point(1).y, Point(y=2, x=1).double) == (1, 2, 0, 2)
    assert (Point(1, name="a").name, Point(1).name, Spot(1, colour="blue").colour) == ("a", "point", "blue")
    one, other = Point(1), Point(1)
    one.notes.append("a")
    assert other.notes == []


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        ((), {}, "Point needs x"),
        ((1, 2, 3), {}, "Point takes x, y by place, once"),
        ((1,), {"x": 1}, "Point takes x, y by place, once"),
        ((1,), {"z": 1}, "Point has no z"),
    ],
)
def test_what_a_class_does_not_take_is_refused(given: tuple[Any, ...], named: dict[str, Any], message: str) -> None:
    """The message names members and shows no value."""
    with pytest.raises(TypeError) as refusal:
        Point(*given, **named)
    assert str(refusal.value) == message
    with pytest.raises(TypeError, match="Wholly takes nothing by place"):
        type("Wholly", (Value,), {})(1)


def test_its_class_judges_it() -> None:
    """When it is made, and when it is made of another one."""
    with pytest.raises(ValueError, match="too far"):
        Point(100)
    with pytest.raises(ValueError, match="too far"):
        replace(Point(1), x=100)


def test_it_cannot_be_changed() -> None:
    """No member, and no other name."""
    point: Any = Point(1)
    with pytest.raises(FrozenInstanceError, match=r"Point\.x cannot be changed"):
        point.x = 2
    with pytest.raises(FrozenInstanceError, match=r"Point\.x cannot be changed"):
        del point.x
    with pytest.raises(FrozenInstanceError, match=r"Point\.z cannot be changed"):
        point.z = 2
    assert not hasattr(point, "__dict__")


def test_it_takes_no_more_memory_than_a_dataclass_with_slots() -> None:
    """A value is its slots."""
    assert sys.getsizeof(Point(1)) == sys.getsizeof(Model(1))


def test_it_compares_and_hashes_as_a_dataclass() -> None:
    """All members are compared; those that cannot be hashed are left out of the hash; classes differ."""
    assert Point(1) == Point(1) != Point(1, secret="a")
    assert Point(1) != Spot(1)
    assert (Point(1) == 1) is False
    assert hash(Point(1)) == hash(Point(1, name="b", notes=["c"])) != hash(Point(1, secret="a"))
    assert {Point(1), Point(1)} == {Point(1)}


def test_it_shows_no_secret() -> None:
    """Law G1: a member that is not shown is in no repr, and not among the members."""
    assert repr(Point(1, secret="hunter2")) == repr(Model(1, secret="hunter2")).replace("Model", "Point")
    assert "secret" not in Point(1, secret="hunter2").members()
    assert Spot(1).members() == {"x": 1, "y": 0, "name": "point", "notes": [], "colour": "red"}


def test_it_is_copied_and_pickled() -> None:
    """As what it is."""
    spot = Spot(1, secret="a", notes=["b"], colour="blue")
    for copied in (copy.copy(spot), copy.deepcopy(spot), pickle.loads(pickle.dumps(spot))):  # noqa: S301  its own
        assert copied == spot
    assert copy.deepcopy(spot).notes is not spot.notes


def test_the_functions_for_dataclasses_take_it() -> None:
    """`replace`, also that of the module copy, `asdict` and `fields`; and `match` takes it apart."""
    spot = Spot(1, secret="a")
    assert replace(spot, x=2) == value.replace(spot, x=2) == spot.__replace__(x=2) == Spot(2, secret="a")
    assert asdict(spot) == {"x": 1, "y": 0, "name": "point", "secret": "a", "notes": [], "colour": "red"}
    assert [each.name for each in fields(Point)] == [each.name for each in fields(Model)]
    assert [each.name for each in fields(Spot)] == [*(each.name for each in fields(Model)), "colour"]
    match Point(3, 4):
        case Point(x, y):
            assert (x, y) == (3, 4)


def test_its_constructor_can_be_looked_up() -> None:
    """`help` and editors show it as a dataclass's."""
    here, there = (inspect.signature(cls).parameters for cls in (Point, Model))
    assert [(each.name, each.kind) for each in here.values()] == [(each.name, each.kind) for each in there.values()]
    assert (here["x"].default, here["y"].default, here["x"].annotation) == (inspect.Parameter.empty, 0, "int")
    assert here["notes"].default == []


def test_members_are_described_in_its_own_words() -> None:
    """A field of dataclasses would pass for a default."""
    with pytest.raises(TypeError, match=r"Odd\.x is described by dataclasses"):

        class Odd(Value):
            x: list[int] = dataclasses.field(default_factory=list)
