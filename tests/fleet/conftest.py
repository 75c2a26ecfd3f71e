"""One PostgreSQL for the session, with a table for each test."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.postgres import MISSING, running_pgbouncer, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Postgres

_IS_CI = bool(os.environ.get("CI"))
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL for as long as the tests take."""
    if MISSING and not _IS_CI:
        pytest.skip(f"needs {' and '.join(MISSING)}: apt-get install {' '.join(MISSING)}")
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
