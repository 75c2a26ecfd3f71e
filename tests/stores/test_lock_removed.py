"""The file of a lock that is removed while it is held: no refresh token is presented twice for it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    Credential,
    FileTokenStore,
    GrantRefused,
    Limits,
    PublicClient,
    RefreshTokenGrant,
    TokenEndpoint,
    Wish,
)
from aio_token import TokenRepository as Repository
from aio_token.testing import AuthorizationServer
from tests.support.disk import Disk, Halt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token import TokenStore


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run a strict server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the session is."""
    return tmp_path / "token.json"


def repository(
    server: AuthorizationServer, store: TokenStore, *, obtain: float = 20.0, save: float = 2.0
) -> Repository:
    """Make what another process has."""
    limits = Limits(obtain=obtain, save=save)
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app")))
    return Repository(grant, store, limits=limits, observer=None)


async def begun(server: AuthorizationServer, path: Path) -> None:
    """Keep a session whose token is to be obtained."""
    async with FileTokenStore(path).exclusive() as slot:
        await slot.save(replace(server.credential(client_id="app"), token=None))


async def times_held(disk: Disk, times: int) -> None:
    """Wait until the store was held so often."""
    async with asyncio.timeout(60):
        while disk.steps.count("_attempt") < times:  # noqa: ASYNC110  other threads count
            await asyncio.sleep(0.01)


async def test_a_lock_whose_file_is_removed_presents_nothing_twice(server: AuthorizationServer, path: Path) -> None:
    """Laws F5, J3: somebody takes it for a stale lock while its holder waits for the server. The next one holds another
    file, sees that it is younger than the mark, and leaves the holder its time.
    """
    await begun(server, path)
    disk = Disk()
    holder, next_one = repository(server, FileTokenStore(path)), repository(server, disk.store(path))
    with server.hold(after=True) as hold:
        first = asyncio.create_task(holder.token())
        await hold.arrived.wait()
        path.with_name(f"{path.name}.lock").unlink()
        second = asyncio.create_task(next_one.token())
        await times_held(disk, 2)
        assert hold.count == 1
        hold.release()
        assert await first == await second
    assert (server.refreshes, server.reused) == (1, 0)
    assert (await repository(server, FileTokenStore(path)).renew()) != await first


async def test_a_holder_that_takes_longer_is_not_waited_for_for_ever(server: AuthorizationServer, path: Path) -> None:
    """Law J3: past the time that obtaining and saving may take, it is presented once, and the refusal says why."""
    await begun(server, path)
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app")))
    async with FileTokenStore(path).exclusive() as slot:
        kept = await slot.load()
        assert kept is not None
        await slot.save(replace(kept, spending_since=time.time()))
        path.with_name(f"{path.name}.lock").unlink()
        await grant.obtain(kept, Wish())  # and saves what came of it too late
        with pytest.raises(GrantRefused, match=r"the outcome of the renewal of .* was not known"):
            await repository(server, FileTokenStore(path), obtain=0.5, save=0.1).token()
    assert (server.requests["refresh_token"], server.reused) == (2, 1)


async def test_a_holder_that_was_killed_is_not_waited_for(server: AuthorizationServer, path: Path) -> None:
    """Law F5: the file of its lock is older than its mark."""
    await begun(server, path)
    async with FileTokenStore(path).exclusive() as slot:
        kept = await slot.load()
        assert kept is not None
        assert slot.lasts is None
        await slot.save(replace(kept, spending_since=time.time()))
    async with FileTokenStore(path).exclusive() as slot:
        assert slot.lasts is None
    async with asyncio.timeout(15):
        await repository(server, FileTokenStore(path)).token()


async def test_two_holders_do_not_write_into_one_draft(path: Path) -> None:
    """Law F2: the one stands before its draft takes the file's place, and the other begins to write: all is whole."""
    begun_at, theirs, ours = time.time(), Credential(refresh_token="theirs"), Credential(refresh_token="ours")
    first, second = Disk(), Disk()
    about_to_replace, about_to_write = Halt("replace"), Halt("write")
    async with asyncio.timeout(60), first.store(path).exclusive() as one:
        await one.save(Credential(refresh_token="old", spending_since=begun_at - 60))
        path.with_name(f"{path.name}.lock").unlink()
        async with second.store(path).exclusive() as other:
            assert other.lasts is not None
            first.before, second.before = about_to_replace, about_to_write
            late = asyncio.create_task(one.save(theirs))
            await asyncio.to_thread(about_to_replace.reached.wait)
            next_one = asyncio.create_task(other.save(ours))
            await asyncio.to_thread(about_to_write.reached.wait)
            about_to_replace.release()
            await late
            assert await FileTokenStore(path).load() == theirs
            about_to_write.release()
            await next_one
    assert await FileTokenStore(path).load() == ours
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]
