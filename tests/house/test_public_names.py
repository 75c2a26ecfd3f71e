"""The names that users write, and what it costs to import them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import aio_token

if TYPE_CHECKING:
    from types import ModuleType

ROOT = str(Path(aio_token.__file__).parents[1])
PACKAGES = [
    "aio_token",
    *(f"aio_token.{name}" for name in ("grants", "oauth", "observe", "resources", "stores", "testing")),
]
NAMES = [(package, name) for package in PACKAGES for name in sorted(import_module(package).__all__)]
HEAVY = ("aiohttp", "authlib", "joserfc", "cryptography", "aiofiles", "filelock", "yarl")


def declared(package: ModuleType) -> dict[str, str]:
    """Return what type checkers see: each name under TYPE_CHECKING, and the module that it comes from."""
    (block,) = (node for node in _parsed(package).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {name.asname or "": node.module or "" for node in imports for name in node.names if name.name == name.asname}


def listed(package: ModuleType) -> dict[str, str]:
    """Return what is loaded: each name that the package lists, and the module that it comes from."""
    call = next(node for node in ast.walk(_parsed(package)) if isinstance(node, ast.Dict))
    homes: dict[str, tuple[str, ...]] = ast.literal_eval(call)
    full = {home: home if home.startswith("aio_token.") else f"{package.__name__}.{home}" for home in homes}
    return {name: full[home] for home, names in homes.items() for name in names}


def _parsed(package: ModuleType) -> ast.Module:
    return ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))


def loaded_after(statement: str) -> set[str]:
    """Return the heavy libraries that a new process has imported after the statement."""
    report = f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    source = f"import json, sys; sys.path.insert(0, {ROOT!r})\n{statement}\n{report}"
    run = subprocess.run([sys.executable, "-I", "-c", source], check=True, capture_output=True, text=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize("name", PACKAGES)
def test_type_checkers_see_the_names_that_there_are(name: str) -> None:
    """`__all__` and the imports under TYPE_CHECKING are one list, in one order, and lead to the same modules."""
    package = import_module(name)
    assert list(declared(package).items()) == list(listed(package).items())
    assert package.__all__ == tuple(name for name in listed(package) if name != "__version__")


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_every_name_leads_to_its_thing(package: str, name: str) -> None:
    """It is its module's own object, and it is found there from then on."""
    module = import_module(package)
    thing = module.__getattr__(name)
    assert vars(module)[name] is thing is getattr(module, name)
    assert thing is getattr(import_module(listed(module)[name]), name)


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_every_class_says_the_path_that_users_write(package: str, name: str) -> None:
    """The module of a public class is a package that it can be imported from, so that tracebacks read well."""
    thing = getattr(import_module(package), name)
    if isinstance(thing, type):
        assert thing.__module__ in PACKAGES
        assert getattr(import_module(thing.__module__), name) is thing


@pytest.mark.parametrize("name", PACKAGES)
def test_dir_lists_the_names_before_they_are_used(name: str) -> None:
    """Completion in a shell shows everything."""
    package = import_module(name)
    assert set(package.__all__) <= set(dir(package))
    assert dir(package) == sorted(set(dir(package)))


def test_another_name_is_an_ordinary_attribute_error() -> None:
    """`hasattr` and tools that probe a module work as with any other."""
    assert not hasattr(aio_token, "nothing")
    with pytest.raises(AttributeError, match="module 'aio_token' has no attribute 'nothing'"):
        aio_token.__getattr__("nothing")


@pytest.mark.parametrize(
    "statement",
    [
        "import aio_token",
        "from aio_token import TokenRepository, Token, StaticToken, MemoryTokenStore, Windows",
        "from aio_token import SignInRequired, StoreError, Limits, Credential, TokenSource, Grant",
    ],
)
def test_what_needs_no_library_imports_none(statement: str) -> None:
    """Importing the package, its values, its seams and its repository costs no third-party import."""
    assert loaded_after(statement) == set()


def test_reading_a_stored_token_imports_neither_aiohttp_nor_authlib() -> None:
    """The file store brings the library for files when one is read, and nothing of the network."""
    assert loaded_after("from aio_token import FileTokenStore") == set()
    reading = "import asyncio; from aio_token import FileTokenStore; asyncio.run(FileTokenStore('none').load())"
    assert loaded_after(reading) == {"aiofiles"}


def test_the_version_is_the_project_s() -> None:
    """It is written in two places that agree, and `from aio_token import *` leaves a program's own alone."""
    project = tomllib.loads((Path(ROOT) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert aio_token.__version__ == project["version"]
    assert "__version__" in dir(aio_token)
    assert "__version__" not in aio_token.__all__
