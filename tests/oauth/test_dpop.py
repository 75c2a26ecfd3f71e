"""Requests for tokens that are bound to a key: proofs, nonces, answers that bind nothing (RFC 9449 sections 5 to 8)."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    Credential,
    FileTokenStore,
    GrantRefused,
    MemoryTokenStore,
    PasswordGrant,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.grants import Rescued
from aio_token.oauth import Answer, DPoP, DPoPToken, ProofKey
from aio_token.testing import AuthorizationServer, Broken, Dropped, ManualClock
from aio_token.testing.registered_client import SECRET
from tests.support.exposure import exposure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aio_token.testing import SeenRequest


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run a server that binds tokens."""
    async with AuthorizationServer(dpop=True) as server:
        yield server


def endpoint_of(server: AuthorizationServer, **options: Any) -> TokenEndpoint:
    """Return the endpoint of the confidential client."""
    return TokenEndpoint(server.token_url, ClientSecretBasic("bot", SECRET), **{"dpop": DPoP(), **options})


def public_endpoint_of(server: AuthorizationServer, **options: Any) -> TokenEndpoint:
    """Return the endpoint of the public client, whose refresh tokens are bound."""
    return TokenEndpoint(server.token_url, PublicClient("app"), **{"dpop": DPoP(), **options})


def claims(request: SeenRequest) -> dict[str, Any]:
    """Return what the proof of a request says."""
    said: dict[str, Any] = json.loads(urlsafe_b64decode(request.headers["DPoP"].split(".")[1] + "==="))
    return said


async def test_a_token_request_is_proved(server: AuthorizationServer) -> None:
    """Law K1: for POST and the endpoint's address, without a token; what comes is bound to the key that is kept."""
    credential = await ClientCredentialsGrant(endpoint_of(server)).obtain(None)
    said = claims(server.seen[0])
    assert (said["htm"], said["htu"], "ath" in said) == ("POST", server.token_url, False)
    assert isinstance(credential.token, DPoPToken)
    assert credential.dpop_key is not None
    assert credential.token.key == credential.dpop_key
    assert server.bound_to(credential.token.access_token) == credential.dpop_key.thumbprint


async def test_a_session_keeps_its_key_and_a_new_one_has_another(server: AuthorizationServer) -> None:
    """Law K1: the refresh token of a public client is bound too; each refresh proves the key of the sign-in."""
    endpoint = public_endpoint_of(server)
    tokens = TokenRepository(RefreshTokenGrant(endpoint))
    seen = []
    for _ in range(2):
        await tokens.sign_in(PasswordGrant(endpoint, "ada", "lovelace"))
        for _ in range(2):
            token = await tokens.renew()
            assert isinstance(token, DPoPToken)
            assert server.bound_to(token.access_token) == token.key.thumbprint
            seen.append(token.key)
    assert seen[0] == seen[1] != seen[2] == seen[3]
    assert len({claims(each)["jti"] for each in server.seen}) == len(server.seen) == 6


async def test_a_refresh_token_that_was_stolen_is_worth_nothing(server: AuthorizationServer) -> None:
    """Law K1: a public client's is bound, so that it brings nothing to who has it without its key."""
    endpoint, store = public_endpoint_of(server), MemoryTokenStore()
    await TokenRepository(RefreshTokenGrant(endpoint), store).sign_in(PasswordGrant(endpoint, "ada", "lovelace"))
    stolen = replace(await store.load() or Credential(), dpop_key=ProofKey.new())
    for thief in (stolen, replace(stolen, dpop_key=None)):
        with pytest.raises(GrantRefused):
            await RefreshTokenGrant(public_endpoint_of(server, dpop=None)).obtain(thief)
    assert isinstance(await TokenRepository(RefreshTokenGrant(endpoint), store).renew(), DPoPToken)


async def test_processes_share_the_key_of_the_record(server: AuthorizationServer, tmp_path: Path) -> None:
    """Law K1: who reads the record can go on with the session, and a token from it is served with its key."""
    endpoint, path = public_endpoint_of(server), tmp_path / "token.json"
    first = TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path))
    token = await first.sign_in(PasswordGrant(endpoint, "ada", "lovelace"))
    assert isinstance(token, DPoPToken)
    second = TokenRepository(RefreshTokenGrant(public_endpoint_of(server)), FileTokenStore(path))
    assert await second.token() == token
    renewed = await second.renew()
    assert isinstance(renewed, DPoPToken)
    assert renewed.key == token.key
    assert await first.token(rejected=token) == renewed


async def test_a_bound_session_stays_bound_whatever_is_configured(server: AuthorizationServer) -> None:
    """An endpoint that no longer wants DPoP still proves the key that a stored session is bound to."""
    store = MemoryTokenStore()
    bound = TokenRepository(RefreshTokenGrant(public_endpoint_of(server)), store)
    await bound.sign_in(PasswordGrant(public_endpoint_of(server), "ada", "lovelace"))
    later = TokenRepository(RefreshTokenGrant(public_endpoint_of(server, dpop=None)), store)
    assert isinstance(await later.renew(), DPoPToken)


async def test_a_session_of_before_becomes_bound(server: AuthorizationServer) -> None:
    """A refresh token that is not bound brings tokens that are, once the endpoint wants that."""
    tokens = TokenRepository(RefreshTokenGrant(endpoint_of(server), first=server.sign_in()))
    assert isinstance(await tokens.token(), DPoPToken)
    assert tokens.status.state == "fresh"


async def test_narrowed_tokens_share_the_key(server: AuthorizationServer, tmp_path: Path) -> None:
    """Law E5: each is bound to the session's key, for whoever reads the record too."""
    endpoint, path = public_endpoint_of(server), tmp_path / "token.json"
    tokens = TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path))
    whole = await tokens.sign_in(PasswordGrant(endpoint, "ada", "lovelace", scope="a b"))
    narrow = await tokens.narrowed(scope="a").token()
    again = TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path)).narrowed(scope="a")
    assert await again.token() == narrow
    assert isinstance(whole, DPoPToken)
    assert isinstance(narrow, DPoPToken)
    assert narrow.key == whole.key
    assert not narrow.same_as(whole)


@pytest.mark.parametrize("grant", ["refresh_token", "password", "client_credentials"])
async def test_a_nonce_of_the_endpoint_is_said_at_once(server: AuthorizationServer, grant: str) -> None:
    """Law K1: `use_dpop_nonce` is answered by one more request with the nonce, later ones have it, nothing is spent."""
    endpoint, name = endpoint_of(server), "ada"
    grants: dict[str, Callable[[], Any]] = {
        "refresh_token": lambda: RefreshTokenGrant(endpoint, first=server.sign_in()),
        "password": lambda: PasswordGrant(endpoint, name, "lovelace"),
        "client_credentials": lambda: ClientCredentialsGrant(endpoint),
    }
    server.dpop_nonce = "one"
    assert (await grants[grant]().obtain(None)).token is not None
    assert [claims(each).get("nonce") for each in server.seen] == [None, "one"]
    server.dpop_nonce = "two"
    assert (await grants[grant]().obtain(None)).token is not None
    assert (await grants[grant]().obtain(None)).token is not None
    assert [claims(each).get("nonce") for each in server.seen] == [None, "one", "one", "two", "two"]
    assert server.reused == 0


async def test_an_endpoint_that_never_takes_its_nonce_is_asked_twice(server: AuthorizationServer) -> None:
    """Law K1: there is one more request for a nonce, and no loop; the error says to try later."""

    async def never(request: web.Request, handler: Any) -> web.Response:
        headers = {"DPoP-Nonce": f"n{server.requests.total()}"}
        return web.json_response({"error": "use_dpop_nonce"}, status=400, headers=headers)

    server.inject(never)
    with pytest.raises(ServerUnavailable, match="use_dpop_nonce"):
        await TokenRepository(RefreshTokenGrant(endpoint_of(server), first=server.sign_in())).token()
    assert server.requests.total() == 2


async def test_a_dropped_connection_gets_a_proof_of_its_own(server: AuthorizationServer) -> None:
    """Law D7: the request that is sent once more has another `jti`, since servers take a proof only once."""
    server.inject(Dropped(), times=1)
    assert (await ClientCredentialsGrant(endpoint_of(server)).obtain(None)).token is not None
    assert len({claims(each)["jti"] for each in server.seen}) == 2


async def test_the_time_of_a_proof_is_the_servers(server: AuthorizationServer) -> None:
    """Law D14: a machine whose clock is an hour off is set right by the first refusal, with one more request."""
    clock = ManualClock(start=time.time() - 3_600)
    endpoint = endpoint_of(server, clock=clock)
    for _ in range(2):
        assert (await ClientCredentialsGrant(endpoint).obtain(None)).token is not None
    assert server.requests.total() == 3


async def test_a_proof_that_is_not_taken_is_a_matter_of_configuration(server: AuthorizationServer) -> None:
    """Law D11: no person can help against a server that does not know the algorithm."""

    async def refuses(request: web.Request, handler: Any) -> web.Response:
        return web.json_response({"error": "invalid_dpop_proof"}, status=400)

    server.inject(refuses)
    with pytest.raises(ConfigurationError, match="this machine's clock"):
        await ClientCredentialsGrant(endpoint_of(server)).obtain(None)
    assert server.requests.total() == 1


async def test_a_server_that_binds_nothing_is_told_apart() -> None:
    """RFC 9449 section 5: a bearer token is refused by default, its refresh token kept; or taken, if one says so."""
    async with AuthorizationServer() as server:
        with pytest.raises(Rescued) as caught:
            await PasswordGrant(endpoint_of(server), "ada", "lovelace").obtain(None)
        assert isinstance(caught.value.error, ConfigurationError)
        assert "gave a bearer token though a key was proved" in str(caught.value)
        assert caught.value.credential.refresh_token is not None
        with pytest.raises(ConfigurationError, match="DPoP\\(required=False\\)"):
            await ClientCredentialsGrant(endpoint_of(server)).obtain(None)
        taken = await ClientCredentialsGrant(endpoint_of(server, dpop=DPoP(required=False))).obtain(None)
        assert taken.token is not None
        assert taken.token.authorization.startswith("Bearer ")


@pytest.mark.parametrize("kind", ["DPoP", "dpop", "DPOP"])
def test_a_bound_token_without_a_key_is_refused(kind: str) -> None:
    """Law A5: where no key was proved, a token of the type DPoP cannot be used, and is never sent as Bearer."""
    body = json.dumps({"access_token": "canary-token", "token_type": kind}).encode()
    said: dict[str, Any] = {"to": "it", "address": "it", "status": 200, "headers": {}, "body": body}
    with pytest.raises(ConfigurationError, match="not of type Bearer"):
        Answer(**said, asked_at=0.0, now=0.0).credential(Credential())
    key = ProofKey.new()
    credential = Answer(**said, asked_at=0.0, now=0.0, key=key, takes_bearer=False).credential(Credential())
    assert credential.token is not None
    assert credential.token.authorization == "DPoP canary-token"


def test_a_key_is_kept_and_never_shown() -> None:
    """Law K1: the record holds it, and nothing that is shown of a credential, a token or the key does."""
    key = ProofKey.new()
    credential = Credential(token=DPoPToken(access_token="access-1", key=key), refresh_token="refresh-1", dpop_key=key)
    read = Credential.from_json(credential.to_json())
    assert read == credential
    assert read.dpop_key is not None
    assert (hash(read.dpop_key), read.dpop_key.jwk()) == (hash(key), key.jwk())
    secret = key.jwk()["d"]
    for one in (credential, credential.token, key, credential.members(), str(key)):
        assert secret not in repr(one)
    assert repr(key) == f"<ProofKey {key.thumbprint}>"


@pytest.mark.parametrize(
    "wrong",
    [{}, {"alg": "RS256"}, {"alg": "none"}, {"crv": "P-384"}, {"kty": "oct"}, {"d": None}, {"x": 1}, {"alg": None}],
    ids=str,
)
def test_a_record_with_another_key_is_damaged(wrong: dict[str, Any]) -> None:
    """Law F3: what is no key of ours is no record, and the error shows no part of it."""
    key = ProofKey.new()
    credential = Credential(token=DPoPToken(access_token="access-1", key=key), dpop_key=key)
    record = json.loads(credential.to_json())
    record["dpop_key"] = {**record["dpop_key"], **wrong} if wrong else {}
    with pytest.raises(ValueError, match="no private key") as caught:
        Credential.from_json(json.dumps(record).encode())
    assert key.jwk()["d"] not in str(caught.value)
    with pytest.raises(ValueError, match="no private key") as caught:
        ProofKey({**key.jwk(), **(wrong or {"kty": ""})})
    assert key.jwk()["d"] not in exposure(caught.value)
    record["dpop_key"] = None
    with pytest.raises(ValueError, match="other than Bearer"):
        Credential.from_json(json.dumps(record).encode())


def test_a_token_makes_its_headers_by_itself() -> None:
    """RFC 9449 section 7.1: for whoever sends a request without this library, at the time of this machine."""
    token = DPoPToken(access_token="access-1", key=ProofKey.new())
    proofs = [token.headers("GET", "https://api.example/a", at=at)["DPoP"] for at in (None, 5.0)]
    times = [json.loads(urlsafe_b64decode(proof.split(".")[1] + "==="))["iat"] for proof in proofs]
    assert times[1] == 5
    assert abs(times[0] - time.time()) < 60


class Noting(MemoryTokenStore):
    """Notes what is saved."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[Credential] = []

    async def save(self, credential: Credential) -> None:
        """Save, and note it."""
        await super().save(credential)
        self.saved.append(credential)


def thumbprint_of(key: ProofKey | None) -> str:
    """Return the name of a key that is there."""
    assert key is not None
    return key.thumbprint


async def test_a_new_key_is_kept_before_it_is_used() -> None:
    """Laws F8 and K1: a kill between the rotation and the save leaves the key that the successor is bound to."""
    async with AuthorizationServer(dpop=True, grace=60) as server:
        endpoint, store, killed = public_endpoint_of(server, rotation_grace=60), Noting(), MemoryTokenStore()
        await store.save(server.credential(client_id="app"))
        assert isinstance(await TokenRepository(RefreshTokenGrant(endpoint), store).renew(), DPoPToken)
        _, mark, kept = store.saved
        assert (mark.dpop_key, kept.spending_key) == (None, None)
        assert thumbprint_of(mark.spending_key) == thumbprint_of(kept.dpop_key)
        await killed.save(Credential.from_json(mark.to_json()))
        tokens = TokenRepository(RefreshTokenGrant(endpoint), killed)
        for _ in range(2):
            token = await tokens.renew()
            assert server.bound_to(token.access_token) == thumbprint_of(kept.dpop_key)
    assert (server.forgiven, server.reused) == (1, 1)  # the one that was killed


async def test_a_key_that_was_not_taken_is_not_kept(server: AuthorizationServer) -> None:
    """Law K1: a session that a server has refused to bind is as unbound as before."""
    store = MemoryTokenStore()
    await store.save(server.credential(client_id="app"))
    server.inject(Broken(status=400, body=b'{"error": "invalid_dpop_proof"}'), times=1)
    with pytest.raises(ConfigurationError):
        await TokenRepository(RefreshTokenGrant(public_endpoint_of(server)), store).renew()
    left = await store.load()
    assert left is not None
    assert (left.spending_since, left.spending_key, left.dpop_key) == (None, None, None)
    endpoint = public_endpoint_of(server, dpop=None)
    assert (await TokenRepository(RefreshTokenGrant(endpoint), store).renew()).token_type == "Bearer"


async def test_a_key_whose_outcome_is_unknown_is_used_again(server: AuthorizationServer) -> None:
    """Law F8: the server may have bound the session to it."""
    store = MemoryTokenStore()
    await store.save(server.credential(client_id="app"))
    server.inject(Dropped(), times=2)
    with pytest.raises(ServerUnavailable):
        await TokenRepository(RefreshTokenGrant(public_endpoint_of(server)), store).renew()
    left = await store.load()
    assert left is not None
    token = await TokenRepository(RefreshTokenGrant(public_endpoint_of(server)), store).renew()
    assert server.bound_to(token.access_token) == thumbprint_of(left.spending_key)


async def test_a_stored_key_that_cannot_sign_is_said(server: AuthorizationServer) -> None:
    """A record that was tampered with asks no server."""
    key = ProofKey(ProofKey.new().jwk() | {"x": "AA"})
    tokens = RefreshTokenGrant(endpoint_of(server))
    credential = Credential(refresh_token="refresh-1", dpop_key=key, issued_by=endpoint_of(server).issued_by(scope=""))
    with pytest.raises(ConfigurationError, match="cannot sign; sign in again"):
        await tokens.obtain(credential)
    assert server.requests.total() == 0


def test_what_cannot_work_is_said_at_once() -> None:
    """Neither an algorithm that is not known nor a value of another kind."""
    with pytest.raises(ConfigurationError, match="alg is one of ES256, ES384, ES512"):
        DPoP(alg="RS256")
    with pytest.raises(TypeError, match="required is True or False"):
        DPoP(required="yes")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="dpop is a DPoP, such as DPoP"):
        TokenEndpoint("https://id.example/token", PublicClient("app"), dpop=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="alg is one of"):
        ProofKey.new("RS256")
    assert DPoP(alg="ES384").new_key().alg == "ES384"


async def test_a_corrected_wish_is_another_proof(server: AuthorizationServer) -> None:
    """Law D8: an endpoint that wants DPoP is another one to what was refused before."""
    salt = b"salt"
    assert await endpoint_of(server).fingerprint(salt) != await endpoint_of(server, dpop=None).fingerprint(salt)
