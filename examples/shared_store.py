"""Where processes keep what they share: on the server of STORE_URL (redis://..., postgresql://...), else in files.

In earnest the records are encrypted: TOKEN_KEY holds a key then, as `aio-token new-key` makes it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aio_token import Encrypted, FileTokenStore
from aio_token.stores import (
    DirectoryTokenStores,
    EnvironmentKey,
    PostgresTokenStore,
    PostgresTokenStores,
    RedisTokenStore,
    RedisTokenStores,
)

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token import TokenStore
    from aio_token.stores import TokenStores


def store_of(name: str, folder: Path) -> TokenStore:
    """Return the store of one session."""
    url, codec = os.environ.get("STORE_URL", ""), _codec()
    if url.startswith("redis"):
        return RedisTokenStore(url, name, codec=codec)
    if url:
        return PostgresTokenStore(url, name, codec=codec)
    return FileTokenStore(folder / f"{name}.json", codec=codec)


def stores_in(folder: Path) -> TokenStores:
    """Return the store of many accounts."""
    url, codec = os.environ.get("STORE_URL", ""), _codec()
    if url.startswith("redis"):
        return RedisTokenStores(url, codec=codec)
    if url:
        return PostgresTokenStores(url, codec=codec)
    return DirectoryTokenStores(folder / "accounts", codec=codec)


async def make_ready(*kept: TokenStore | TokenStores) -> None:
    """Make the tables of those that have one; an administrator does that in earnest."""
    for one in kept:
        if isinstance(one, (PostgresTokenStore, PostgresTokenStores)):
            await one.create_table()
            await one.aclose()


def _codec() -> Encrypted | None:
    return Encrypted(EnvironmentKey("TOKEN_KEY")) if "TOKEN_KEY" in os.environ else None
