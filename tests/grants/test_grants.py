"""The grants: what they send, what they keep, and when they send nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    Credential,
    Grant,
    GrantRefused,
    MemoryTokenStore,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    Token,
    TokenEndpoint,
    TokenRepository,
)
from aio_token._token import fingerprint
from aio_token.grants import IssuedBy, Rescued, Revocable
from aio_token.testing import ManualClock
from tests.support.exposure import exposure
from tests.support.token_server import GRANTED, says, sends, token_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.token_server import TokenServer

CLOCK = ManualClock()
REFUSES = says({"error": "invalid_grant"}, status=400)
ROTATES = says({**GRANTED, "refresh_token": "refresh-2"})
CANARY = "canary-5ecret"


def endpoint_of(server: TokenServer, client_id: str = "bot") -> TokenEndpoint:
    """Return the server's token endpoint."""
    return TokenEndpoint(
        f"{server.url}/token", PublicClient(client_id), revocation_url=f"{server.url}/revoke", clock=CLOCK
    )


def stored(server: TokenServer, **changes: Any) -> Credential:
    """Return a credential of the server's."""
    whole = Credential(
        token=Token(access_token="access-0"), refresh_token="refresh-1", issued_by=endpoint_of(server).issued_by()
    )
    return replace(whole, **changes)


def presented(server: TokenServer) -> list[str | None]:
    """Return the refresh tokens that the server saw."""
    return [sent.form.get("refresh_token") for sent in server.received]


async def test_a_refresh_token_is_exchanged() -> None:
    """The new pair comes back with its origin, past trouble is forgotten, and no scope is sent unasked."""
    async with token_server(ROTATES) as server:
        trouble = {"failures": 3, "retry_at": 5.0, "refused": fingerprint("another")}
        credential = await RefreshTokenGrant(endpoint_of(server)).obtain(stored(server, **trouble))
    assert server.received[0].form == {"grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "bot"}
    assert credential == Credential(
        token=Token(access_token="access-1", expires_at=CLOCK.time() + 3600),
        obtained_at=CLOCK.time(),
        refresh_token="refresh-2",
        issued_by=endpoint_of(server).issued_by(),
    )


async def test_a_refresh_token_that_does_not_change_is_kept() -> None:
    """Law D2: a missing refresh token keeps the old one, and its known end."""
    async with token_server(says(GRANTED)) as server:
        ends = CLOCK.time() + 60
        credential = await RefreshTokenGrant(endpoint_of(server)).obtain(stored(server, refresh_expires_at=ends))
    assert (credential.refresh_token, credential.refresh_expires_at) == ("refresh-1", ends)


async def test_a_scope_is_sent_if_asked_for() -> None:
    """A narrower scope is the caller's decision."""
    async with token_server(ROTATES) as server:
        grant = RefreshTokenGrant(endpoint_of(server), first="refresh-1", scope="read")
        credential = await grant.obtain(None)
    assert server.received[0].form["scope"] == "read"
    assert credential.issued_by == grant.issued_by == endpoint_of(server).issued_by(scope="read")


async def test_what_a_sign_in_asked_for_is_remembered() -> None:
    """A renewal without a scope of its own leaves the origin as the sign-in wrote it."""
    async with token_server(ROTATES) as server:
        signed_in = PasswordGrant(endpoint_of(server), "ann", "pw", scope="a b").issued_by
        credential = await RefreshTokenGrant(endpoint_of(server)).obtain(stored(server, issued_by=signed_in))
    assert credential.issued_by == signed_in


@pytest.mark.parametrize("first", ["refresh-0", lambda: "refresh-0\n"])
async def test_a_first_refresh_token_begins(first: str | Callable[[], str]) -> None:
    """Without a stored refresh token, `first` is presented, be it text or a function."""
    async with token_server(ROTATES) as server:
        grant = RefreshTokenGrant(endpoint_of(server), first=first)
        credential = await grant.obtain(None)
        await grant.obtain(Credential(failures=2))
    assert presented(server) == ["refresh-0", "refresh-0"]
    assert (credential.refresh_token, credential.issued_by) == ("refresh-2", grant.issued_by)


async def test_what_is_stored_wins_over_first() -> None:
    """A `first` that was rotated away is not presented again."""
    async with token_server(ROTATES) as server:
        grant = RefreshTokenGrant(endpoint_of(server), first="refresh-0")
        await grant.obtain(stored(server))
        await grant.obtain(stored(server, issued_by=None))
    assert presented(server) == ["refresh-1", "refresh-1"]


@pytest.mark.parametrize(
    "changes", [{"refused": fingerprint("refresh-1")}, {"refresh_expires_at": CLOCK.time()}, {"refresh_token": None}]
)
async def test_another_first_is_a_new_chance(changes: dict[str, object]) -> None:
    """A `first` that differs from a stored refresh token that is refused, dead or missing takes its place."""
    async with token_server(ROTATES) as server:
        grant = RefreshTokenGrant(endpoint_of(server), first="refresh-0")
        credential = await grant.obtain(stored(server, **changes))
    assert presented(server) == ["refresh-0"]
    assert (credential.refused, credential.refresh_expires_at) == (None, None)


@pytest.mark.parametrize("first", [None, "refresh-1"])
async def test_a_refused_refresh_token_is_not_presented(first: str | None) -> None:
    """Law E1: what was refused costs no call, and the same `first` is no new chance."""
    async with token_server(ROTATES) as server:
        refused = stored(server, refused=fingerprint("refresh-1"))
        with pytest.raises(GrantRefused):
            await RefreshTokenGrant(endpoint_of(server), first=first).obtain(refused)
    assert server.received == []


@pytest.mark.parametrize("credential", [None, Credential(), Credential(token=Token(access_token="a"))])
async def test_without_a_refresh_token_a_person_must_sign_in(credential: Credential | None) -> None:
    """Law E1: nothing is sent."""
    async with token_server(ROTATES) as server:
        with pytest.raises(SignInRequired, match="no refresh token; sign in"):
            await RefreshTokenGrant(endpoint_of(server)).obtain(credential)
    assert server.received == []


async def test_a_refused_refresh_token_is_a_refused_grant() -> None:
    """Law E1: the caller marks what is stored."""
    async with token_server(REFUSES) as server:
        with pytest.raises(GrantRefused, match="sign in again"):
            await RefreshTokenGrant(endpoint_of(server), first="refresh-0").obtain(stored(server))
    assert presented(server) == ["refresh-1"]


@pytest.mark.parametrize("held", [None, {"refused": fingerprint("refresh-1"), "failures": 2}])
async def test_a_refused_first_is_remembered(held: dict[str, object] | None) -> None:
    """Law E1: a refused `first` is kept, marked, so that it is presented once; a later one is a new chance."""
    async with token_server(REFUSES) as server:
        kept = stored(server, **held) if held else None
        with pytest.raises(Rescued) as caught:
            await RefreshTokenGrant(endpoint_of(server), first=CANARY).obtain(kept)
        latched = caught.value.credential
        assert isinstance(caught.value.error, GrantRefused)
        assert latched.is_refused
        assert CANARY not in exposure(caught.value)
        with pytest.raises(GrantRefused):
            await RefreshTokenGrant(endpoint_of(server), first=CANARY).obtain(latched)
        assert presented(server) == [CANARY]
        with pytest.raises(Rescued):
            await RefreshTokenGrant(endpoint_of(server), first="refresh-00").obtain(latched)
    assert presented(server) == [CANARY, "refresh-00"]


async def test_a_repository_presents_a_refused_first_once() -> None:
    """Law E1: the latch survives the process, in the store."""
    store = MemoryTokenStore()
    async with token_server(REFUSES, ROTATES) as server:
        for _ in range(3):
            tokens = TokenRepository(RefreshTokenGrant(endpoint_of(server), first="refresh-0"), store, observer=None)
            with pytest.raises(GrantRefused):
                await tokens.token()
        assert presented(server) == ["refresh-0"]
        tokens = TokenRepository(
            RefreshTokenGrant(endpoint_of(server), first="refresh-00"), store, observer=None, clock=CLOCK
        )
        assert (await tokens.token()).access_token == "access-1"


async def test_a_first_that_cannot_be_used_yet_is_not_stored() -> None:
    """A server that has trouble leaves `first` where it is."""
    async with token_server(sends(status=503)) as server:
        with pytest.raises(ServerUnavailable) as caught:
            await RefreshTokenGrant(endpoint_of(server), first=CANARY).obtain(None)
    assert CANARY not in exposure(caught.value)


def grants(endpoint: TokenEndpoint) -> list[RefreshTokenGrant | ClientCredentialsGrant | PasswordGrant]:
    """Return one grant of each kind."""
    return [
        RefreshTokenGrant(endpoint, first="refresh-0"),
        ClientCredentialsGrant(endpoint),
        PasswordGrant(endpoint, "ann", "pw"),
    ]


@pytest.mark.parametrize("kind", range(3))
async def test_a_credential_of_another_client_is_left_alone(kind: int) -> None:
    """Law E4: nothing is sent to, and nothing is overwritten for, another endpoint or client."""
    async with token_server(ROTATES) as server:
        foreign = stored(server, issued_by=endpoint_of(server, "other").issued_by())
        elsewhere = stored(server, issued_by=IssuedBy(token_endpoint="https://id.example", client_id="bot"))
        for credential in (foreign, elsewhere):
            with pytest.raises(ConfigurationError, match="left as it is"):
                await grants(endpoint_of(server))[kind].obtain(credential)
    assert server.received == []


async def test_a_refresh_token_of_another_scope_is_left_alone() -> None:
    """Law E4: a person must decide, so the error says what to do."""
    async with token_server(ROTATES) as server:
        grant = RefreshTokenGrant(endpoint_of(server), scope="write")
        with pytest.raises(ConfigurationError, match="another scope; restore that scope, or sign in again"):
            await grant.obtain(stored(server, issued_by=endpoint_of(server).issued_by(scope="read")))
    assert server.received == []


async def test_a_client_asks_for_itself() -> None:
    """Scope, audience and resources are sent (RFC 8707), and a refresh token that comes along is kept."""
    async with token_server(ROTATES) as server:
        grant = ClientCredentialsGrant(
            endpoint_of(server), scope="a b", audience="api", resource=["https://a.example", "https://b.example"]
        )
        credential = await grant.obtain(None)
    assert server.received[0].form["scope"] == "a b"
    assert [value for name, value in server.received[0].repeated if name == "resource"] == [
        "https://a.example",
        "https://b.example",
    ]
    assert credential.issued_by == endpoint_of(server).issued_by(
        scope="a b", audience="api https://a.example https://b.example"
    )
    assert credential.refresh_token == "refresh-2"


async def test_a_client_obtains_anew_for_another_scope_or_audience() -> None:
    """Law E4: a grant that needs no person does not use a token for another scope or audience, and gets a new one."""
    store = MemoryTokenStore()
    details = [{"authorization_details": [{"type": "one"}]}, {"authorization_details": [{"type": "other"}]}]
    each: list[dict[str, Any]] = [{}, {"scope": "a"}, {"audience": "b"}, {"resource": "https://c.example"}, *details]
    async with token_server(says(GRANTED)) as server:
        endpoint = endpoint_of(server)
        for asked in (*each, {}, {}):
            tokens = TokenRepository(ClientCredentialsGrant(endpoint, **asked), store, observer=None, clock=CLOCK)
            await tokens.token()
    assert len(server.received) == 7


async def test_a_password_signs_in() -> None:
    """The user's name and password go out, and a refresh token grant of the same endpoint goes on from there."""
    async with token_server(ROTATES, says(GRANTED)) as server:
        endpoint = endpoint_of(server)
        grant = PasswordGrant(endpoint, "ann", lambda: CANARY, scope="a")
        tokens = TokenRepository(RefreshTokenGrant(endpoint), observer=None, clock=CLOCK)
        token = await tokens.sign_in(grant)
        await tokens.token(rejected=token)
    assert server.received[0].form == {
        "grant_type": "password",
        "username": "ann",
        "password": CANARY,
        "scope": "a",
        "client_id": "bot",
    }
    assert server.received[1].form["refresh_token"] == "refresh-2"
    assert RefreshTokenGrant(endpoint).issued_by.covers(grant.issued_by)


async def test_a_wrong_password_is_refused_without_being_shown() -> None:
    """Law G1: neither the error nor any of its frames holds the password."""
    says_it = says({"error": "invalid_grant", "error_description": f"{CANARY} is wrong"}, status=400)
    async with token_server(says_it) as server:
        endpoint = TokenEndpoint(server.url, ClientSecretBasic("bot", CANARY))
        with pytest.raises(GrantRefused, match=r"\.\.\. is wrong") as caught:
            await PasswordGrant(endpoint, "ann", CANARY).obtain(None)
    assert CANARY not in exposure(caught.value)


@pytest.mark.parametrize("kind", range(3))
async def test_each_grant_revokes_and_shows_no_secret(kind: int) -> None:
    """Laws E3 and G1: the refresh token goes to the revocation endpoint; a grant's repr names its endpoint alone."""
    async with token_server(sends()) as server:
        grant = grants(endpoint_of(server))[kind]
        assert isinstance(grant, Revocable)
        await grant.revoke(stored(server))
    assert [(sent.path, sent.form["token"]) for sent in server.received] == [("/revoke", "refresh-1")]
    assert "<TokenEndpoint of http://127.0.0.1" in repr(grant)
    assert not [secret for secret in ("refresh-0", "pw") if secret in repr(grant)]


def test_each_grant_fits_the_seam() -> None:
    """Each is what a repository takes."""
    seam: list[Grant] = list(grants(TokenEndpoint("https://id.example/token", PublicClient("bot"))))
    assert [grant.issued_by is not None for grant in seam] == [True] * 3
