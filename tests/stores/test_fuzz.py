"""Files that no store wrote: cut, flipped, random, exchanged, of other versions; plain and encrypted."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aio_token._credential import Credential
from aio_token._errors import KeyUnavailable, StoreError
from aio_token._token import Token
from aio_token.stores.codec import MAGIC
from aio_token.stores.encrypted import Encrypted
from aio_token.stores.file import FileTokenStore
from aio_token.stores.keys import KeyFile, new_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aio_token._interfaces import Slot

KEPT = Credential(token=Token(access_token="kept-access", scope="a b", extra={"id_token": "é"}), refresh_token="kept")


class Stores:
    """A plain and an encrypted store in one folder, and the bytes that each writes."""

    def __init__(self, folder: Path) -> None:
        key = folder / "key"
        key.touch(0o600)
        key.write_text(new_key())
        self.plain = FileTokenStore(folder / "plain.json")
        self.encrypted = FileTokenStore(folder / "encrypted", codec=Encrypted(KeyFile(key)))
        self.written = {store: asyncio.run(self._write(store)) for store in (self.plain, self.encrypted)}

    async def _write(self, store: FileTokenStore) -> bytes:
        async with store.exclusive() as slot:
            await slot.save(KEPT)
        return store._path.read_bytes()

    def read(self, store: FileTokenStore, content: bytes) -> Credential | StoreError | None:
        """Load `content` without the lock and with it; both must agree, and errors must leave the file alone."""
        (outcome,) = self.read_all(store, [content])
        return outcome

    def read_all(self, store: FileTokenStore, contents: Iterable[bytes]) -> list[Credential | StoreError | None]:
        """Do the same with one content after another."""

        async def each() -> list[Credential | StoreError | None]:
            return [await self._read(store, content) for content in contents]

        return asyncio.run(each())

    async def _read(self, store: FileTokenStore, content: bytes) -> Credential | StoreError | None:
        store._path.write_bytes(content)
        store._path.chmod(0o600)
        async with store.exclusive() as slot:
            seen, held = await _outcome(store), await _outcome(slot)
        assert repr(seen) == repr(held)
        assert store._path.exists() is (held is not None)
        if held is not None:
            assert store._path.read_bytes() == content
        return held


async def _outcome(source: FileTokenStore | Slot) -> Credential | StoreError | None:
    try:
        return await source.load()
    except StoreError as error:
        return error


@pytest.fixture(scope="module")
def stores() -> Iterator[Stores]:
    """Stores for all examples of this file."""
    with tempfile.TemporaryDirectory() as folder:
        yield Stores(Path(folder))


def test_a_file_cut_at_any_byte_is_damage(stores: Stores) -> None:
    """Laws F2 and F3: no beginning of a file passes for the file, plain or encrypted."""
    for store, content in stores.written.items():
        assert set(stores.read_all(store, (content[:length] for length in range(len(content))))) == {None}


def test_any_flipped_bit_of_an_encrypted_file_is_damage(stores: Stores) -> None:
    """Laws F3 and F7: one bit anywhere, the header included, is told from a missing key and from another store."""
    content = stores.written[stores.encrypted]
    flipped = (
        content[:position] + bytes([byte ^ 1 << position % 8]) + content[position + 1 :]
        for position, byte in enumerate(content)
    )
    assert set(stores.read_all(stores.encrypted, flipped)) == {None}


@settings(max_examples=50)
@given(data=st.data())
def test_a_plain_file_with_flipped_bits_raises_nothing_foreign(stores: Stores, data: st.DataObject) -> None:
    """Law F3: whatever bits flip in a plain file, the outcome is a credential, nothing, or a `StoreError`."""
    content = bytearray(stores.written[stores.plain])
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[position] ^= 1 << data.draw(st.integers(0, 7))
    stores.read(stores.plain, bytes(content))


@settings(max_examples=50)
@given(content=st.binary(max_size=200), prefix=st.sampled_from([b"", MAGIC, b'{"token": ']))
def test_random_bytes_are_damage(stores: Stores, content: bytes, prefix: bytes) -> None:
    """Law F3: random bytes are nothing, whatever they begin with; but a plain store leaves what looks encrypted."""
    assert stores.read(stores.encrypted, prefix + content) is None
    outcome = stores.read(stores.plain, prefix + content)
    assert isinstance(outcome, KeyUnavailable) if (prefix + content).startswith(MAGIC) else outcome is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ["token", "obtained_at", "refresh_token", "refresh_expires_at", "issued_by", "refused", "failures"]


@settings(max_examples=100)
@given(version=st.integers(-1, 4), members=st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_any_json_of_any_version_is_read_or_refused(stores: Stores, version: int, members: dict[str, object]) -> None:
    """Law F3: newer versions are left alone, older ones than the first never were, and odd members are damage."""
    outcome = stores.read(stores.plain, json.dumps({"version": version, **members}).encode())
    if version > 2:
        assert isinstance(outcome, StoreError)
        assert "newer aio_token" in str(outcome)
    else:
        assert outcome is None or (version > 0 and isinstance(outcome, Credential))


def test_exchanged_files_open_neither_store(stores: Stores) -> None:
    """Law F7: a plain file in the place of an encrypted one is refused, and so is the reverse; both stay."""
    outcome = stores.read(stores.encrypted, stores.written[stores.plain])
    assert isinstance(outcome, StoreError)
    assert "not encrypted" in str(outcome)
    assert isinstance(stores.read(stores.plain, stores.written[stores.encrypted]), KeyUnavailable)
