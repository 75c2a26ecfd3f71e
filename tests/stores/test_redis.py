"""The store on a Redis server, run over a real one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from aio_token.stores import RedisTokenStore
from aio_token.testing.store_laws import StoreLaws
from tests.support.redis_server import RedisServer, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_token._interfaces import Slot, TokenStore


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a server that keeps what it is given."""
    with running(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as server:
        yield server


class TestRedisTokenStore(StoreLaws):
    """The store keeps the laws of stores."""

    token_size = 65_536

    @pytest.fixture(autouse=True)
    def _storage(self, server: RedisServer) -> None:
        self._server, self._name = server, uuid.uuid4().hex

    def make(self) -> TokenStore:
        """Open the test's record."""
        return RedisTokenStore(self._server.url, self._name)

    async def lapse(self, slot: Slot) -> None:
        """Let the lease pass."""
        self._server.ask("DEL", f"aio_token:{{{self._name}}}:lease")
