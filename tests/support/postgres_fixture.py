"""The fixture of a PostgreSQL for the session, for the rooms that need one: import it into their `conftest`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.postgres import MISSING, running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Postgres

_IS_CI = bool(os.environ.get("CI"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL for as long as the tests take."""
    if MISSING and not _IS_CI:
        pytest.skip(f"needs {' and '.join(MISSING)}: apt-get install {' '.join(MISSING)}")
    with running_postgres() as server:
        yield server
