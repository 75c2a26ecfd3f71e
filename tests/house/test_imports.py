"""Who imports whom in what surrounds the package: tests, benchmarks and examples."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.imports import graph, imported, sources

ROOT = Path(__file__).parents[2]
MODULES = sources(ROOT, "benchmarks", "examples", "tests")


def circle(modules: dict[str, str]) -> list[str]:
    """Return modules that import each other in a circle, if there are any."""
    try:
        TopologicalSorter(graph(modules)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def is_test(module: str) -> bool:
    """Whether pytest collects from the module, or loads it by itself."""
    return module.startswith("tests.") and module.rpartition(".")[2].startswith(("test_", "conftest"))


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports for the type checker, and those within functions, count as well."""
    assert circle(MODULES) == []


def test_no_test_is_imported() -> None:
    """What tests share is in `tests/support/` or a module of the room, so that a test can be moved or removed alone."""
    found = {name: [one for one in imported(text) if one in MODULES and is_test(one)] for name, text in MODULES.items()}
    assert {name: tests for name, tests in found.items() if tests} == {}


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ({"a": "from b import c", "b": "import a"}, {"a", "b"}),
        ({"p": "", "p.a": "if TYPE_CHECKING:\n    from p import b", "p.b": "def f():\n    import p.a"}, {"p.a", "p.b"}),
        ({"p": "from p import a", "p.a": "import asyncio, p.b", "p.b": ""}, set()),
    ],
    ids=["plainly", "in a function, for types", "straight down"],
)
def test_a_circle_is_noticed(modules: dict[str, str], found: set[str]) -> None:
    """The check can fail."""
    assert set(circle(modules)) == found
