"""What people are told when something is wrong: the message names it and says what to do, and the page explains it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aio_token.testing import AuthorizationServer
from tests.support.mistakes import MISTAKES, Mistake, Place, keys
from tests.support.mistakes_on_servers import ON_SERVERS, WRONG
from tests.support.postgres_fixture import postgres as postgres  # noqa: PLC0414  a fixture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.postgres import Postgres

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
LISTED = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)
BY_CERTIFICATES = (
    "shows a certificate that is not trusted",  # tests/oauth/test_transport.py provokes it
    "does not take this client's TLS certificate",  # tests/oauth/test_mutual_tls.py does
)
LOGGED = ("is damaged",)  # tests/stores/test_redis.py and others provoke it


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """Return where the mistakes are made."""
    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    async with AuthorizationServer() as server:
        yield Place(server, tmp_path)


def explains(listed: str, message: str) -> bool:
    """Whether a line of the page is about a message; dots stand for what differs."""
    parts = (re.escape(part.strip()) for part in listed.split("..."))
    return re.search(".*?".join(parts), message) is not None


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
async def test_a_mistake_is_told_with_what_to_do(mistake: Mistake, place: Place) -> None:
    """Mistake, message, remedy: one sentence that holds no secret, and that the page on troubleshooting explains."""
    assert (place.server.client.secret or "?") not in await told(mistake, place)


@pytest.mark.parametrize("mistake", ON_SERVERS, ids=lambda mistake: mistake.name)
async def test_a_mistake_with_a_server_is_told_with_what_to_do(
    mistake: Mistake, place: Place, postgres: Postgres
) -> None:
    """Mistake, message, remedy, for stores on a real Redis and a real PostgreSQL; no password is shown."""
    place.database = postgres.address
    assert WRONG not in await told(mistake, place)


async def told(mistake: Mistake, place: Place) -> str:
    """Make the mistake; return the message, which the page explains."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  which kind it is, other tests say
        await mistake.deed(place)
    message = str(caught.value)
    assert mistake.says in message
    assert mistake.advises in message
    assert "\n" not in message
    assert [listed for listed in LISTED if explains(listed, message)], (
        f"docs/troubleshooting.md explains no {message!r}"
    )
    return message


def test_the_page_explains_no_message_that_there_is_not() -> None:
    """What nothing says any more goes from the page."""
    said = " ".join([*(mistake.says for mistake in (*MISTAKES, *ON_SERVERS)), *BY_CERTIFICATES, *LOGGED])
    begins = {listed: listed.partition("...")[0].partition(";")[0].strip() for listed in LISTED}
    assert LISTED
    assert [listed for listed, words in begins.items() if words.removeprefix("gave a token that is ") not in said] == []


def test_the_words_of_a_message_are_found() -> None:
    """Dots skip what differs from one to the next, and nothing else is skipped."""
    assert explains("answered 404...check its address", "it answered 404; check its address, https://id.example")
    assert not explains("answered 404...check its address", "it answered 405; check its address")
    assert explains("no key of ... opens it", "a.token: no key of Encrypted(EnvironmentKey('A')) opens it")
