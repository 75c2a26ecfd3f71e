"""Fixtures for pytest with pytest-asyncio; import those that you want into a conftest.py, for nothing loads them.

A server's options can be given by a test:

    @pytest.mark.parametrize("authorization_server", [{"rotation": False}], indirect=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from aio_token.testing.authorization_server import AuthorizationServer
from aio_token.testing.clock import ManualClock
from aio_token.testing.protected_api import ProtectedAPI

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def manual_clock() -> ManualClock:
    """Give a clock that moves when the test says so."""
    return ManualClock()


@pytest_asyncio.fixture
async def authorization_server(request: pytest.FixtureRequest) -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server for the time of the test."""
    async with AuthorizationServer(**getattr(request, "param", {})) as server:
        yield server


@pytest_asyncio.fixture
async def protected_api(
    request: pytest.FixtureRequest, authorization_server: AuthorizationServer
) -> AsyncIterator[ProtectedAPI]:
    """Run an API for the time of the test that takes the tokens of `authorization_server`."""
    async with ProtectedAPI(authorization_server, **getattr(request, "param", {})) as api:
        yield api
