"""What public signatures name is public: a grant, a store or a codec can be written with public names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.imports import sources
from tests.support.signatures import Package

ROOT = Path(__file__).parents[2]
PLACES = (
    "aio_token",
    *(f"aio_token.{name}" for name in ("events", "grants", "oauth", "observe", "resources", "stores", "testing")),
)
HOUSE = Package(sources(ROOT, "aio_token"))
OFFERED = HOUSE.offered(*PLACES)


@pytest.mark.parametrize("place", OFFERED, ids=OFFERED.get)
def test_a_signature_speaks_of_public_types_alone(place: tuple[str, str]) -> None:
    """Arguments, results, attributes and members of a public name are importable from a public package."""
    used = list(HOUSE.speaks_of(place))
    assert {f"{where}: {'.'.join(used)}" for where, used in used if used not in OFFERED} == set()


MADE_UP = {
    "aio_token": """
__getattr__, __dir__, __all__ = lazily(__name__, {"_a": ("Shown", "make", "Alias", "VALUE", "Heir", "Of")})
""",
    "aio_token._a": """
from elsewhere import Foreign
from typing import TypeVar, Literal
if TYPE_CHECKING:
    from aio_token._b import Hidden as H
class Shown:
    member: SHOWN
    _private: H
    def __init__(self, one: INIT, *more: int) -> None:
        self.kept: ATTRIBUTE = one
        self._kept: H = one
    @property
    def what(self) -> PROPERTY: ...
    async def do(self, *, other: METHOD = None) -> "Literal['H'] | STRING": ...
    def _inner(self, one: H) -> H: ...
async def make(one: FUNCTION, **more: Foreign) -> Shown: ...
Alias = dict[str, ALIAS]
VALUE: CONSTANT = 1
T = TypeVar("T", bound=BOUND)
class _Base:
    def inherited(self) -> BASE: ...
class Heir(_Base): ...
class Of(_Base[int]):
    def of(self, one: T) -> T: ...
""",
    "aio_token._b": "class Hidden: ...",
}
SPOTS = ("SHOWN", "INIT", "ATTRIBUTE", "PROPERTY", "METHOD", "STRING", "FUNCTION", "ALIAS", "CONSTANT", "BOUND", "BASE")


@pytest.mark.parametrize("spot", SPOTS)
def test_a_private_type_is_noticed_wherever_it_stands(spot: str) -> None:
    """A private type in any place of a signature is found, and in none of the others."""
    made_up = MADE_UP["aio_token._a"]
    for name in SPOTS:
        made_up = made_up.replace(f" {name}", f" {'H' if name == spot else 'Shown'}").replace(
            f"={name})", f"={'H' if name == spot else 'Shown'})"
        )
    house = Package({**MADE_UP, "aio_token._a": made_up})
    offered = house.offered("aio_token")
    hidden = {used for place in offered for _, used in house.speaks_of(place) if used not in offered}
    assert hidden == {("aio_token._b", "Hidden")}
