"""A disk that breaks beneath a repository: the token is served, unsaved and told, and saved when the disk is back."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from typing import TYPE_CHECKING

import pytest

from aio_token import FileTokenStore, Limits, StoreError, TokenRepository
from aio_token.events import Saved, Unsaved
from aio_token.observe import log_event
from aio_token.testing import ManualClock
from tests.support.disk import Disk, FailAt, Halt
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.events import Event


class Watched:
    """A repository on a disk of its own, with an eye on its events."""

    def __init__(self, path: Path, *, save: float = 2.0) -> None:
        self.path = path
        self.disk = Disk()
        self.clock = ManualClock()
        self.grant = RotatingGrant(self.clock)
        self.events: list[Event] = []
        self.is_saved = asyncio.Event()
        store = self.disk.store(path)
        limits = Limits(save=save)
        self.tokens = TokenRepository(self.grant, store, observer=self.observe, clock=self.clock, limits=limits)

    def observe(self, event: Event) -> None:
        """Note the event, and log it as is done by default."""
        log_event(event)
        self.events.append(event)
        if isinstance(event, Saved):
            self.is_saved.set()

    async def kept(self) -> str | None:
        """Tell what another process would read."""
        credential = await FileTokenStore(self.path).load()
        return credential.refresh_token if credential is not None else None

    async def see_it_saved(self) -> None:
        """Ask for a token when the next save is due, and wait for that."""
        self.clock.advance(2)
        await self.tokens.token()
        async with asyncio.timeout(30):
            await self.is_saved.wait()
        assert not self.tokens.status.unsaved
        assert await self.kept() == "refresh-2"
        assert {file.name for file in self.path.parent.iterdir()} == {"token.json", "token.json.lock"}


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("write", errno.ENOSPC),
        ("write", errno.EDQUOT),
        ("fsync", errno.EIO),
        ("_create", errno.EROFS),
        ("replace", errno.EIO),
    ],
    ids=["full", "over quota", "sync fails", "read-only", "replace fails"],
)
async def test_a_broken_disk_costs_no_token(
    step: str, error: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Law C4: the token that was paid for is served, marked unsaved, told with a warning that names the file and the
    trouble, and saved as soon as the disk works again; until then the file is the one before.
    """
    watched = Watched(tmp_path / "token.json")
    await watched.tokens.token()
    watched.disk.before = FailAt(step, OSError(error, os.strerror(error)))
    watched.clock.advance(61)
    token = await watched.tokens.token()
    assert token.access_token == "access-2"
    assert watched.tokens.status.unsaved
    assert [type(event) for event in watched.events].count(Unsaved) == 1
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert str(watched.path) in warning
    assert os.strerror(error) in warning
    assert await watched.kept() == "refresh-1"
    watched.disk.before = Disk().before
    await watched.see_it_saved()


async def test_a_save_that_hangs_costs_no_token(tmp_path: Path) -> None:
    """Law C4: a disk that does not come back is given up by its limit, and the save is made up for once it does."""
    watched = Watched(tmp_path / "token.json", save=1.0)
    await watched.tokens.token()
    watched.disk.before = halt = Halt("fsync")
    watched.clock.advance(61)
    assert (await watched.tokens.token()).access_token == "access-2"
    assert halt.reached.is_set()
    assert watched.tokens.status.unsaved
    assert "did not take the credential within" in str(watched.events)
    halt.release()
    watched.disk.before = Disk().before
    await watched.see_it_saved()


async def test_nothing_is_spent_where_nothing_could_be_kept(tmp_path: Path) -> None:
    """Law F3: a store that cannot even be locked is found out before the refresh token is presented."""
    (tmp_path / "file").touch()
    watched = Watched(tmp_path / "file" / "token.json")
    with pytest.raises(StoreError, match="Not a directory"):
        await watched.tokens.token()
    assert watched.grant.calls == 0
