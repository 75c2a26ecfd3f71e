"""One PostgreSQL for the session, with a table for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support.postgres import running_pgbouncer
from tests.support.postgres_fixture import postgres as postgres  # noqa: PLC0414  this room's

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def pgbouncer(postgres: Postgres) -> Iterator[Postgres]:
    """Run a pool in transaction mode before it."""
    with running_pgbouncer(postgres) as pool:
        yield pool


@pytest.fixture
def table() -> str:
    """Name a table of this test alone."""
    return f"test_{next(_numbers)}"
