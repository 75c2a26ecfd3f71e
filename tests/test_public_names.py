"""The names that users write, and what it costs to import them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import aio_token

ROOT = str(Path(aio_token.__file__).parents[1])
SOURCE = ast.parse(Path(aio_token.__file__).read_text(encoding="utf-8"))
HEAVY = ("aiohttp", "authlib", "joserfc", "cryptography", "aiofiles", "filelock", "yarl")


def declared() -> dict[str, str]:
    """Return what type checkers see: each name under TYPE_CHECKING, and the module that it comes from."""
    (block,) = (node for node in SOURCE.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {name.asname or "": node.module or "" for node in imports for name in node.names if name.name == name.asname}


def loaded_after(statement: str) -> set[str]:
    """Return the heavy libraries that a new process has imported after the statement."""
    report = f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    source = f"import json, sys; sys.path.insert(0, {ROOT!r})\n{statement}\n{report}"
    run = subprocess.run([sys.executable, "-I", "-c", source], check=True, capture_output=True, text=True)
    return set(json.loads(run.stdout))


def test_type_checkers_see_the_names_that_there_are() -> None:
    """`__all__` and the imports under TYPE_CHECKING are one list, and lead to the same modules."""
    lazy = {name: f"aio_token.{home}" for home, names in aio_token._HOMES.items() for name in names}
    assert declared() == lazy
    assert set(aio_token.__all__) == set(lazy)
    assert len(aio_token.__all__) == len(set(aio_token.__all__))


@pytest.mark.parametrize("name", sorted(aio_token.__all__))
def test_every_name_leads_to_its_thing(name: str) -> None:
    """It is the module's own object, and it is found there from then on."""
    thing = aio_token.__getattr__(name)
    assert vars(aio_token)[name] is thing is getattr(aio_token, name)
    assert thing is getattr(import_module(f"aio_token.{aio_token._HOME_OF[name]}"), name)


def test_dir_lists_the_names_before_they_are_used() -> None:
    """Completion in a shell shows everything."""
    assert set(aio_token.__all__) <= set(dir(aio_token))
    assert dir(aio_token) == sorted(set(dir(aio_token)))


def test_another_name_is_an_ordinary_attribute_error() -> None:
    """`hasattr` and tools that probe a module work as with any other."""
    assert not hasattr(aio_token, "nothing")
    with pytest.raises(AttributeError, match="module 'aio_token' has no attribute 'nothing'"):
        aio_token.__getattr__("nothing")


@pytest.mark.parametrize(
    "statement",
    [
        "import aio_token",
        "from aio_token import TokenRepository, Token, StaticToken, MemoryTokenStore, Windows, log_event",
        "from aio_token import LoginRequired, StoreError, Limits, Credential, TokenSource, Grant",
    ],
)
def test_what_needs_no_library_imports_none(statement: str) -> None:
    """Importing the package, its values, its seams and its repository costs no third-party import."""
    assert loaded_after(statement) == set()


def test_reading_a_stored_token_imports_neither_aiohttp_nor_authlib() -> None:
    """The file store brings the libraries for files and locks, and nothing of the network."""
    loaded = loaded_after("from aio_token import FileTokenStore")
    assert loaded <= {"aiofiles", "filelock"}
    assert "aiofiles" in loaded
