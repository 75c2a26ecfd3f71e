"""One PostgreSQL for the session, with a table for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support.postgres import running_pgbouncer, running_postgres, skip_without_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL for as long as the tests take."""
    skip_without_postgres()
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer(postgres: Postgres) -> Iterator[Postgres]:
    """Run a pool in transaction mode before it."""
    with running_pgbouncer(postgres) as pool:
        yield pool


@pytest.fixture
def table() -> str:
    """Name a table of this test alone."""
    return f"test_{next(_numbers)}"
