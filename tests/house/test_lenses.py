"""What stands before a store says all that the store says: no word is lost on the way."""

from __future__ import annotations

import inspect
import pkgutil
import re
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any, Protocol

import pytest

import aio_token
from aio_token import Credential, Limits, MemoryTokenStore, _interfaces, stores
from aio_token._accounts.strangers import Strangers
from aio_token._interfaces import Slot
from aio_token.resources._registration import Registration
from tests.support.doubles import PlainStore

SAVED = Credential(refresh_token="refresh-2")
REGISTRATION = Registration(issuer="https://id.example", client_id="c", redirect_uri="http://127.0.0.1:1/c")
GIVEN = {  # what the constructors of the classes that are found take beside a store, by its type
    "Limits": Limits(),
    "Registration": REGISTRATION,
    "Strangers": Strangers(lambda: 0.0),
    "str": "name",
}


def classes() -> set[type]:
    """Return every class of the package."""
    names = [found.name for found in pkgutil.walk_packages(aio_token.__path__, "aio_token.")]
    modules = [import_module(name) for name in names if not name.endswith(".__main__")]
    return {one for module in modules for one in vars(module).values() if inspect.isclass(one)}


def stands_before_a_store(one: type) -> bool:
    """Whether it is a store that is made of another one."""
    if not hasattr(one, "exclusive") or inspect.isabstract(one) or getattr(one, "_is_protocol", False):
        return False
    taken = inspect.signature(one).parameters.values()
    return any(re.search(r"\bTokenStore\b", str(parameter.annotation)) for parameter in taken)


def words(protocol: type) -> set[str]:
    """Return what a protocol asks for."""
    return {name for name in vars(protocol) if not name.startswith("_")}


def are_said(protocol: type) -> bool:
    """Whether there is a public store that says all that the protocol asks for."""
    kinds = (getattr(stores, name) for name in stores.__all__)
    return any(all(hasattr(kind, word) for word in words(protocol)) for kind in kinds if hasattr(kind, "exclusive"))


PROTOCOLS = [one for one in vars(_interfaces).values() if Protocol in getattr(one, "__bases__", ())]
OF_A_SLOT = words(Slot)
OF_A_STORE = set().union(*(words(one) for one in PROTOCOLS if one is not Slot and are_said(one)))
WORK = {"exclusive", "load", "save", "delete"}  # which each of them does in its own way
LENSES = sorted(filter(stands_before_a_store, classes()), key=lambda one: one.__name__)


class Telling(MemoryTokenStore):
    """A store that says every word, and another thing than one that does not say it."""

    def __init__(self, credential: Credential | None) -> None:
        super().__init__(credential)
        self.told: list[str] = []

    @property
    def may_lose(self) -> bool:
        """Yes."""
        self.told.append("may_lose")
        return True

    @property
    def lasts(self) -> float | None:
        """A while."""
        self.told.append("lasts")
        return 7.0

    async def probe(self) -> None:
        """Note that."""
        self.told.append("probe")


def before(kind: type, store: Any) -> Any:
    """Return what stands before the store."""
    taken = {
        name: str(one.annotation).removesuffix(" | None") for name, one in inspect.signature(kind).parameters.items()
    }
    return kind(**{name: store if what == "TokenStore" else GIVEN[what] for name, what in taken.items()})


async def said(thing: Any, word: str) -> Any:
    """Return what is answered to a word."""
    answer = getattr(thing, word)
    return await answer() if callable(answer) else answer


def test_those_that_stand_before_a_store_are_found() -> None:
    """Among them those that are known; and so are the words, each of which the store of these tests says itself."""
    assert {"Forgiving", "HaltingStore", "NarrowStore", "RegisteredStore", "StoreBeside", "StrangersStore"} <= {
        kind.__name__ for kind in LENSES
    }
    assert {"may_lose", "probe"} <= OF_A_STORE
    assert "lasts" in OF_A_SLOT
    assert vars(Telling).keys() >= (OF_A_STORE | OF_A_SLOT) - WORK


@pytest.mark.parametrize("kept", [None, Credential(refresh_token="refresh-1")], ids=["empty", "kept"])
@pytest.mark.parametrize("kind", LENSES)
async def test_each_word_is_passed_on(kind: type, kept: Credential | None) -> None:
    """Laws F7, F9, J2: what the store behind says is said, and so is what its slot says, once something is written."""
    store = Telling(kept)
    async with AsyncExitStack() as stack:
        lens = before(kind, store)
        for word in OF_A_STORE - WORK:
            assert (await said(lens, word), store.told) == (await said(Telling(kept), word), [word])
            store.told.clear()
        slot = await stack.enter_async_context(lens.exclusive())
        await slot.load()
        await slot.save(SAVED)
        for word in OF_A_SLOT - WORK:
            store.told.clear()
            assert (await said(slot, word), store.told) == (await said(Telling(kept), word), [word])


@pytest.mark.parametrize("kind", LENSES)
async def test_words_that_the_store_does_not_know_are_left_out(kind: type) -> None:
    """Laws F9, J2: it loses nothing, its hold lasts for as long as it is held, and there is nothing to try out."""
    lens = before(kind, PlainStore())
    assert (lens.may_lose, await lens.probe()) == (False, None)
    async with lens.exclusive() as slot:
        await slot.save(SAVED)
        assert slot.lasts is None
