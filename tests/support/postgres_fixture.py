"""The fixture of a PostgreSQL for the session, for the rooms that need one: import it into their `conftest`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.postgres import running_postgres, skip_without_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL for as long as the tests take."""
    skip_without_postgres()
    with running_postgres() as server:
        yield server
