"""What every store is as an object: one for all who have a copy of it, and one for all threads and event loops."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from aio_token._errors import ConfigurationError
from aio_token.stores import (
    Encrypted,
    EnvironmentKey,
    FileTokenStore,
    KeyFile,
    KeyringTokenStore,
    MemoryTokenStore,
    Passphrase,
)
from aio_token.testing import HaltingStore
from tests.support.disk import NEW, OLD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aio_token import TokenStore

LOOPS, SECTIONS = 8, 25
STORES = {
    "memory": lambda folder: MemoryTokenStore(OLD),
    "file": lambda folder: FileTokenStore(folder / "token.json"),
    "keyring": lambda folder: KeyringTokenStore("aio_token", "tests", lock=folder / "lock"),
}

each_store = pytest.mark.parametrize("make", STORES.values(), ids=STORES)


@each_store
def test_a_copy_is_the_store_itself(make: Callable[[Path], TokenStore], tmp_path: Path) -> None:
    """Law C10: two objects would not know of each other's holders, so a copied configuration has the same store."""
    store = make(tmp_path)
    assert copy.copy(store) is copy.deepcopy({"store": store})["store"] is store


@each_store
def test_a_store_is_not_pickled(make: Callable[[Path], TokenStore], tmp_path: Path) -> None:
    """Law C10: the refusal says what to do instead."""
    with pytest.raises(TypeError, match=r"Store is not pickled; make one where it is used, with the same arguments"):
        pickle.dumps(make(tmp_path))


@pytest.mark.parametrize("make", [*STORES.values(), lambda folder: HaltingStore()], ids=[*STORES, "halting"])
async def test_what_is_saved_is_not_lost_and_a_hold_lasts(make: Callable[[Path], TokenStore], tmp_path: Path) -> None:
    """Laws F9, J2: none of these stores loses a write by itself, and their holds do not lapse."""
    store = make(tmp_path)
    assert store.may_lose is False
    async with store.exclusive() as slot:
        assert slot.lasts is None


@pytest.mark.parametrize("one_object", [True, False], ids=["one store", "a store each"])
def test_event_loops_in_threads_share_a_file(one_object: bool, tmp_path: Path) -> None:
    """Law C10: eight loops hold a file in turns, by one store or by one each, with about a thread more for each."""
    path = tmp_path / "token.json"
    stores = [FileTokenStore(path)] * LOOPS if one_object else [FileTokenStore(path) for _ in range(LOOPS)]
    before, inside, together, threads_seen = threading.active_count(), list[int](), list[int](), list[int]()

    async def use(store: FileTokenStore) -> None:
        for _ in range(SECTIONS):
            async with store.exclusive() as slot:
                inside.append(1)
                together.append(len(inside))
                threads_seen.append(threading.active_count() - before - LOOPS)
                await slot.save(NEW)
                inside.pop()

    threads = [threading.Thread(target=asyncio.run, args=(use(store),), daemon=True) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert together == [1] * (LOOPS * SECTIONS)
    assert max(threads_seen) <= LOOPS + 8  # those of a hold that has ended are on their way out


class AsyncKey:
    """A source that does not know that it runs in a thread."""

    async def key(self, salt: bytes) -> Any:
        """Give none."""


async def asked() -> str:
    """Ask in the wrong way."""
    return "canary"


@pytest.mark.parametrize(
    ("kind", "arguments", "options", "sentence"),
    [
        (Encrypted, ("canary",), {}, r"takes sources of keys, such as EnvironmentKey\('TOKEN_KEY'\), not a str"),
        (Encrypted, (EnvironmentKey,), {}, "not the class EnvironmentKey itself"),
        (Encrypted, (EnvironmentKey("A"), b"canary"), {}, "not a bytes"),
        (Encrypted, (AsyncKey(),), {}, r"AsyncKey\.key\(\) must not be async"),
        (Encrypted, (EnvironmentKey("A"),), {"identity": ""}, "identity= takes a text that is not empty, not a str"),
        (EnvironmentKey, (None,), {}, r"EnvironmentKey\(\) takes a text that is not empty, not a NoneType"),
        (KeyFile, (b"canary",), {}, r"KeyFile\(\) takes the path of a file, as a text or a Path, not a bytes"),
        (Passphrase, (b"canary",), {}, r"Passphrase\(\) takes a text that is not empty, not a bytes"),
        (Passphrase, (asked,), {}, r"asked\(\) must not be async"),
        (Passphrase, (partial(asked),), {}, r"the function\(\) must not be async"),
        (KeyringTokenStore, ("aio_token", None), {}, "username takes a text that is not empty, not a NoneType"),
        (KeyringTokenStore, ("a", "b"), {"lock": b"canary"}, "lock= takes the path of a file"),
    ],
)
def test_arguments_are_judged_at_once(kind: Any, arguments: Any, options: Any, sentence: str) -> None:
    """An argument of another kind is one sentence when the object is made, which does not show what was given."""
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        kind(*arguments, **options)
    assert "canary" not in str(refusal.value)
