"""Whether a program's store on a server would keep a session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from aio_token._errors import KeyUnavailable, StoreError
from aio_token.cli._exits import Exit
from aio_token.cli._finding import Finding, failure
from aio_token.cli._onlooker import sentence, status_in
from aio_token.cli._store_address import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token._interfaces import TokenStore
    from aio_token.cli._store_address import Where
    from aio_token.stores import Probing

_ANYONE = "aio-token doctor"
"""The account by which a store of many is tried: no one has it, and nothing is left of it."""
_PATIENCE = 15.0  # seconds: the lease of a host that died lasts 10


async def findings_of(where: Where, name: str | None, *, patience: float = _PATIENCE) -> AsyncIterator[Finding]:
    """Try the store of a session, or that of many accounts, and wait for a lease for `patience` seconds."""
    if name is None:
        stores = where.accounts()
        async with opened(stores):
            yield await _tried(where, stores.of(_ANYONE), patience)
        return
    store = where.session(name)
    async with opened(store):
        yield await _tried(where, store, patience)
        status = await status_in(store, name)
        yield Finding(level="ok" if status.ok else "warn", subject="token", text=sentence(status))


async def _tried(where: Where, store: TokenStore, patience: float) -> Finding:
    try:
        with where.advice():
            async with asyncio.timeout(patience):
                await cast("Probing", store).probe()
    except TimeoutError:
        text = f"another host has held the lease for {patience:g} s; see whether a host of the program hangs"
        return Finding(level="fail", subject="lease", text=text, exit=Exit.STORE)
    except StoreError as error:
        return failure("key" if isinstance(error, KeyUnavailable) else "store", error)
    return Finding(level="ok", subject="store", text=f"{store!r} keeps sessions, {where.how_kept}")
