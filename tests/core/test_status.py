"""The status of a repository: what a health check or a page wants."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import (
    ClientCredentialsGrant,
    Credential,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    Token,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._sessions.scope import missing_scope
from aio_token._status import status_of
from aio_token._token import fingerprint
from aio_token.events import Event, ScopeMissing
from aio_token.grants import IssuedBy
from aio_token.testing import ManualClock
from tests.support.doubles import FaultyStore, RotatingGrant
from tests.support.exposure import SECRETS
from tests.support.token_server import says, token_server

if TYPE_CHECKING:
    from aio_token.events import Remedy


async def test_the_status_follows_the_token_through_its_life() -> None:
    """Each state is seen at its time, and none of them causes a renewal."""
    clock = ManualClock()
    tokens = TokenRepository(grant := RotatingGrant(clock), clock=clock)
    states = [tokens.status.state]
    await tokens.token()
    for _ in range(4):
        states.append(tokens.status.state)
        clock.advance(0 if len(states) == 1 else [50, 5, 5, 0][len(states) - 2])
    assert states == ["unknown", "fresh", "expiring", "due", "expired"]
    assert grant.calls == 1


async def test_the_status_tells_of_trouble_and_how_to_end_it() -> None:
    """A page can say what is wrong, what helps and until when nothing is tried."""
    clock = ManualClock()
    tokens = TokenRepository(grant := RotatingGrant(clock), store := FaultyStore(), clock=clock)
    store.faults["save"] = OSError()
    await tokens.token()
    grant.errors = [ServerUnavailable("the server is away", retry_after=30)]
    clock.advance(61)
    with pytest.raises(ServerUnavailable):
        await tokens.token()
    status = tokens.status
    assert (status.ok, status.trouble, status.remedy) == (False, "the server is away", "wait")
    assert status.unsaved
    assert status.retry_at == clock.time() + 30


async def test_an_idle_service_is_healthy() -> None:
    """No token is no trouble as long as no renewal failed: a load balancer keeps sending requests, which get one."""
    clock = ManualClock()
    tokens = TokenRepository(RotatingGrant(clock), clock=clock)
    assert tokens.status.ok
    await tokens.token()
    clock.advance(61)
    status = tokens.status
    assert (status.state, status.usable, status.ok) == ("expired", False, True)


async def test_a_failure_is_unhealthy_once_no_token_is_left() -> None:
    """A token that is still good is served through the failure; after it, health comes back with the next token."""
    clock = ManualClock()
    tokens = TokenRepository(grant := RotatingGrant(clock), clock=clock)
    token = await tokens.token()
    grant.errors = [ServerUnavailable("the server is away", retry_after=30)]
    clock.advance(58)
    assert await tokens.token() == token
    seen = [(tokens.status.ok, tokens.status.remedy)]
    clock.advance(3)
    seen.append((tokens.status.ok, tokens.status.remedy))
    clock.advance(30)
    await tokens.token()
    seen.append((tokens.status.ok, tokens.status.remedy))
    assert seen == [(True, "wait"), (False, "wait"), (True, None)]


@pytest.mark.parametrize(
    ("stored", "trouble", "remedy"),
    [
        ({"refused": fingerprint("refresh-1")}, "has refused the stored refresh token", "sign in"),
        ({"failure": "ConfigurationError", "sentence": "the client is not known"}, "is not known", "configure"),
        ({"failure": "ServerUnavailable"}, "failed before", "wait"),
    ],
)
def test_a_failure_that_is_stored_is_trouble_in_every_process(
    stored: dict[str, Any], trouble: str, remedy: Remedy
) -> None:
    """A process that has not asked the server itself says what another one heard."""
    status = status_of(Credential(refresh_token="refresh-1", **stored), None)
    assert (status.state, status.ok, status.remedy) == ("absent", False, remedy)
    assert trouble in (status.trouble or "")


async def test_the_status_is_json_and_holds_no_secret() -> None:
    """It can be sent as it is."""
    clock = ManualClock()
    tokens = TokenRepository(RotatingGrant(clock, lifetime=None), clock=clock)
    await tokens.token()
    text = json.dumps(asdict(tokens.status))
    assert tokens.status.ok
    assert json.loads(text)["expires_in"] is None
    assert not SECRETS.search(text)


async def test_after_a_sign_out_nothing_is_there() -> None:
    """The state is absent, and no refresh token is left."""
    clock = ManualClock()
    tokens = TokenRepository(RotatingGrant(clock), clock=clock)
    await tokens.token()
    assert tokens.status.has_refresh_token
    await tokens.sign_out()
    assert (tokens.status.state, tokens.status.has_refresh_token) == ("absent", False)


@pytest.mark.parametrize(
    ("asked", "granted", "missing"),
    [
        ("a b", "a", "b"),
        ("a b c", "b", "a c"),
        ("a b", "b a c", None),
        ("a b", None, None),
        ("", "a", None),
        (None, "a", None),
        ("repo gist", "repo,gist", None),
        ("Read", "read", None),
        ("email read", "https://id.example/auth/userinfo.email", "read"),
        ("read", "https://id.example/read", None),
        ("https://id.example/read write", "Read", "write"),
        ("https://id.example/.default", "read", None),
        ("read", "profile.read", "read"),
        ("a offline_access openid", "a", None),
    ],
)
def test_what_was_not_granted_is_known(asked: str | None, granted: str | None, missing: str | None) -> None:
    """Law D13: granted is compared with asked; words for another token are granted once that has come."""
    credential = Credential(
        token=Token(access_token="a", scope=granted, extra={"id_token": "b"}),
        refresh_token="r",
        issued_by=IssuedBy(token_endpoint="e", client_id="c", scope=asked),
    )
    assert missing_scope(credential) == missing


def test_words_for_another_token_are_missing_without_it() -> None:
    """Law D13: a session that cannot be renewed lacks what was asked for; without a token nothing is compared."""
    issued_by = IssuedBy(token_endpoint="e", client_id="c", scope="a offline_access openid")
    credential = Credential(token=Token(access_token="a", scope="a"), issued_by=issued_by)
    assert missing_scope(credential) == "offline_access openid"
    assert missing_scope(Credential(issued_by=issued_by)) is missing_scope(None) is None


async def test_less_scope_than_asked_is_told_once() -> None:
    """Law D13: by an event when a token brings it, and by the status for as long as it is so."""
    told: list[Event] = []
    answers = [says({"access_token": f"access-{n}", "scope": scope}) for n, scope in enumerate(["a", "a", "a b", "b"])]
    async with token_server(*answers) as server:
        grant = ClientCredentialsGrant(TokenEndpoint(server.url, PublicClient("bot")), scope="a b")
        tokens = TokenRepository(grant, observer=told.append)
        seen = []
        for _ in answers:
            await tokens.renew()
            seen.append(tokens.status.missing_scope)
    assert seen == ["b", "b", None, "a"]
    missing = [(event.missing, event.granted) for event in told if isinstance(event, ScopeMissing)]
    assert missing == [("b", "a"), ("a", "b")]


async def test_less_scope_than_asked_is_told_at_a_sign_in() -> None:
    """Law D13: each time a person signs in."""
    told: list[Event] = []
    async with token_server(says({"access_token": "a", "scope": "a", "refresh_token": "r"})) as server:
        endpoint = TokenEndpoint(server.url, PublicClient("app"))
        tokens = TokenRepository(RefreshTokenGrant(endpoint), observer=told.append)
        for _ in range(2):
            await tokens.sign_in(PasswordGrant(endpoint, "ada", "lovelace", scope="a b"))
    assert [event.missing for event in told if isinstance(event, ScopeMissing)] == ["b", "b"]
