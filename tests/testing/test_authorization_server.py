"""The authorization server of the testing kit: what it issues, rotates, revokes and counts."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
from typing import Any

import pytest

from aio_token import Credential, PublicClient, RefreshTokenGrant, TokenEndpoint
from aio_token.grants import IssuedBy
from aio_token.testing import AuthorizationServer, ManualClock, RegisteredClient
from tests.support.plain_client import as_bot, ask, call, client_credentials, refresh

REFUSED = (400, {"error": "invalid_grant"})


def claims_of(jwt: str) -> dict[str, Any]:
    """Read a JWT without a look at its signature."""
    body = jwt.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


async def test_a_refresh_gives_new_tokens() -> None:
    """A refresh token is exchanged for an access token that counts and another refresh token."""
    async with AuthorizationServer(lifetime=2.5) as server:
        first = server.sign_in(scope="read")
        status, answer = await refresh(server, first)
        assert server.accepts(answer["access_token"])
    assert status == 200
    assert {name: answer[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 2.5,
        "scope": "read",
    }
    assert answer["refresh_token"] != first
    assert (server.requests, server.refreshes, server.reused) == ({"refresh_token": 1}, 1, 0)


async def test_reuse_revokes_the_family() -> None:
    """A refresh token that comes twice is refused, and with it all that descends from the same sign-in."""
    async with AuthorizationServer() as server:
        first, stranger = server.sign_in(), server.sign_in()
        _, newest = await refresh(server, first)
        assert await refresh(server, first) == REFUSED
        assert await refresh(server, newest["refresh_token"]) == REFUSED
        assert not server.accepts(newest["access_token"])
        assert (await refresh(server, stranger))[0] == 200
    assert (server.reused, server.forgiven, server.refreshes) == (1, 0, 2)
    assert server.requests["refresh_token"] == 4


async def test_of_many_at_once_one_wins() -> None:
    """Of twenty concurrent refreshes with one token one succeeds, and nineteen are counted as reuse."""
    async with AuthorizationServer() as server:
        token = server.sign_in()
        statuses = sorted([status for status, _ in await asyncio.gather(*(refresh(server, token) for _ in range(20)))])
    assert statuses == [200] + [400] * 19
    assert (server.refreshes, server.reused) == (1, 19)


async def test_without_rotation_the_token_stays() -> None:
    """With rotation off the same refresh token comes back each time, and presenting it again is no reuse."""
    async with AuthorizationServer(rotation=False) as server:
        token = server.sign_in()
        answers = [await refresh(server, token) for _ in range(2)]
    assert [answer["refresh_token"] for _, answer in answers] == [token, token]
    assert (server.refreshes, server.reused) == (2, 0)


async def test_a_grace_window_gives_the_same_answer_again() -> None:
    """Within the window a spent token is answered as it was the first time, and counted as forgiven."""
    clock = ManualClock()
    async with AuthorizationServer(grace=10.0, clock=clock) as server:
        token = server.sign_in()
        first = await refresh(server, token)
        clock.advance(10.0)
        assert await refresh(server, token) == first
        assert (server.refreshes, server.reused, server.forgiven) == (1, 1, 1)
        clock.advance(0.5)
        assert await refresh(server, token) == REFUSED
        assert await refresh(server, first[1]["refresh_token"]) == REFUSED
        assert await refresh(server, token) == REFUSED
    assert (server.reused, server.forgiven) == (3, 1)


async def test_a_revoked_family_is_not_forgiven() -> None:
    """Grace is for families that are in good standing."""
    async with AuthorizationServer(grace=10.0) as server:
        token = server.sign_in()
        await refresh(server, token)
        server.revoke_all()
        assert await refresh(server, token) == REFUSED
    assert (server.reused, server.forgiven) == (1, 0)


async def test_access_tokens_end() -> None:
    """An access token counts until its lifetime is over, by the server's own clock, and expiries are counted."""
    clock = ManualClock()
    async with AuthorizationServer(lifetime=2.0, clock=clock) as server:
        access_token = server.issue()["access_token"]
        clock.advance(1.5)
        assert (server.accepts(access_token), server.expiries) == (True, 0)
        clock.advance(0.5)
        assert (server.accepts(access_token), server.expiries) == (False, 1)


async def test_refresh_tokens_may_end() -> None:
    """With a lifetime of their own, refresh tokens say so and are refused afterwards."""
    clock = ManualClock()
    async with AuthorizationServer(refresh_lifetime=60.0, clock=clock) as server:
        answer = server.issue()
        assert answer["refresh_expires_in"] == 60
        clock.advance(60.0)
        assert await refresh(server, answer["refresh_token"]) == REFUSED


@pytest.mark.parametrize(("revoke_old", "still_good"), [(True, False), (False, True)])
async def test_a_refresh_may_end_the_access_token_before(revoke_old: bool, still_good: bool) -> None:
    """On request the old access token dies at the moment of the refresh; otherwise it lives on."""
    async with AuthorizationServer(revoke_old_access_token=revoke_old) as server:
        answer = server.issue()
        await refresh(server, answer["refresh_token"])
        assert server.accepts(answer["access_token"]) is still_good


async def test_tokens_may_be_revoked_by_hand() -> None:
    """All access tokens can be revoked and the refresh tokens kept, or everything."""
    async with AuthorizationServer() as server:
        answer = server.issue()
        server.revoke_access_tokens()
        assert not server.accepts(answer["access_token"])
        status, renewed = await refresh(server, answer["refresh_token"])
        assert status == 200
        server.revoke_all()
        assert not server.accepts(renewed["access_token"])
        assert await refresh(server, renewed["refresh_token"]) == REFUSED


@pytest.mark.parametrize(("asked", "status", "scope"), [("read", 200, "read"), ("write", 400, None)])
async def test_a_refresh_may_narrow_the_scope(asked: str, status: int, scope: str | None) -> None:
    """Less scope than was granted is given, more is refused, and the refresh token is not spent by that."""
    async with AuthorizationServer() as server:
        token = server.sign_in(scope="read list")
        answered, answer = await refresh(server, token, scope=asked)
    assert (answered, answer.get("scope")) == (status, scope)
    assert server.refreshes == (status == 200)


@pytest.mark.parametrize("form", [{}, {"refresh_token": "made-up"}])
async def test_what_was_never_issued_is_refused(form: dict[str, str]) -> None:
    """A refresh needs a refresh token that the server knows."""
    async with AuthorizationServer() as server:
        status, answer = await ask(server.token_url, {"grant_type": "refresh_token", **form}, as_bot(server))
    assert status == 400
    assert answer["error"] in {"invalid_request", "invalid_grant"}


async def test_a_refresh_token_is_for_its_own_client() -> None:
    """Another client's refresh token is refused, and its family is left alone."""
    async with AuthorizationServer() as server:
        token = server.sign_in(client_id="app")
        assert await refresh(server, token) == REFUSED
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "app"}
        assert (await ask(server.token_url, form))[0] == 200


async def test_client_credentials_give_no_refresh_token() -> None:
    """The client's own token comes with the scope that was asked for, and alone."""
    async with AuthorizationServer() as server:
        status, answer = await client_credentials(server, scope="read")
        assert server.accepts(answer["access_token"])
    assert (status, answer["scope"], "refresh_token" in answer) == (200, "read", False)
    assert server.requests == {"client_credentials": 1}


async def test_a_password_signs_in() -> None:
    """A known user with the right password gets both tokens, a wrong password is an invalid grant."""
    async with AuthorizationServer(users={"ada": "lovelace"}) as server:
        form = {"grant_type": "password", "username": "ada"}
        status, answer = await ask(server.token_url, {**form, "password": "lovelace"}, as_bot(server))
        assert await ask(server.token_url, {**form, "password": "byron"}, as_bot(server)) == REFUSED
        assert (await refresh(server, answer["refresh_token"]))[0] == 200
    assert (status, server.requests["password"]) == (200, 2)


async def test_a_client_uses_the_grants_that_it_may() -> None:
    """A client that is registered for one grant is refused the others, and an unknown grant is refused to all."""
    client = RegisteredClient("picky", "p" * 32, grants={"refresh_token"})
    async with AuthorizationServer(clients={"picky": client}) as server:
        assert (await client_credentials(server))[1]["error"] == "unauthorized_client"
        answer = await ask(server.token_url, {"grant_type": "telepathy"}, as_bot(server))
    assert answer[1]["error"] == "unsupported_grant_type"


async def test_tokens_may_be_jwts() -> None:
    """On request access tokens are JWTs that say who, for whom and how long."""
    clock = ManualClock(start=1_000.0)
    async with AuthorizationServer(jwt=True, lifetime=60.0, clock=clock) as server:
        _, answer = await client_credentials(server, audience="https://api.example")
        claims = claims_of(answer["access_token"])
        assert server.accepts(answer["access_token"])
    assert (claims["iss"], claims["sub"], claims["aud"]) == (server.issuer, "bot", "https://api.example")
    assert (claims["iat"], claims["exp"], "scope" in claims) == (1_000, 1_060, False)
    assert claims_of(server.issue(user="ada")["access_token"])["sub"] == "ada"


async def test_answers_may_have_other_members() -> None:
    """`extra` adds members, replaces those that are there, and leaves out those that are `...`."""
    async with AuthorizationServer() as server:
        token = server.sign_in()
        server.extra = {"instance_url": "https://eu.example", "expires_in": "60", "refresh_token": ...}
        _, answer = await refresh(server, token)
    assert answer.keys() == {"access_token", "token_type", "expires_in", "instance_url"}
    assert (answer["instance_url"], answer["expires_in"]) == ("https://eu.example", "60")


async def test_revocation_of_a_refresh_token_ends_the_family() -> None:
    """RFC 7009: the refresh token is revoked with the access token; an unknown token is fine; none at all is not."""
    async with AuthorizationServer() as server:
        answer = server.issue()
        assert await ask(server.revocation_url, {"token": answer["refresh_token"]}, as_bot(server)) == (200, {})
        assert not server.accepts(answer["access_token"])
        assert await ask(server.revocation_url, {"token": "made-up"}, as_bot(server)) == (200, {})
        assert (await ask(server.revocation_url, {}, as_bot(server)))[0] == 400


async def test_revocation_of_an_access_token_spares_the_refresh_token() -> None:
    """An access token is revoked alone, and by its own client only."""
    async with AuthorizationServer() as server:
        answer = server.issue()
        form = {"token": answer["access_token"], "token_type_hint": "access_token"}
        assert await ask(server.revocation_url, {**form, "client_id": "app"}) == REFUSED
        assert server.accepts(answer["access_token"])
        assert await ask(server.revocation_url, form, as_bot(server)) == (200, {})
        assert not server.accepts(answer["access_token"])
        assert (await refresh(server, answer["refresh_token"]))[0] == 200


async def test_introspection_tells_of_good_tokens() -> None:
    """RFC 7662: a token that counts is described, any other is not active, and a stranger is told nothing."""
    clock = ManualClock(start=1_000.0)
    async with AuthorizationServer(lifetime=60.0, clock=clock) as server:
        form = {"token": server.issue(user="ada", scope="read")["access_token"]}
        status, told = await ask(server.introspection_url, form, as_bot(server))
        server.revoke_all()
        assert await ask(server.introspection_url, form, as_bot(server)) == (200, {"active": False})
        assert (await ask(server.introspection_url, form))[0] == 401
    assert (status, told["active"], told["username"], told["scope"], told["exp"]) == (200, True, "ada", "read", 1_060)


async def test_user_info_is_an_api() -> None:
    """A good token tells its user, or its client where there is none; any other gets a challenge."""
    async with AuthorizationServer() as server:
        assert await call(server.userinfo_url, server.issue(user="ada")["access_token"]) == (200, {"sub": "ada"})
        _, own = await client_credentials(server)
        assert await call(server.userinfo_url, own["access_token"]) == (200, {"sub": "bot"})
        assert await call(server.userinfo_url, "made-up") == (401, {})
        assert await call(server.userinfo_url) == (401, {})


@pytest.mark.parametrize("path", ["", "/realms/demo"])
async def test_metadata_names_the_endpoints(path: str) -> None:
    """Both kinds of metadata are where they belong, with a path or without, and single members can be replaced."""
    async with AuthorizationServer(path=path, metadata={"token_endpoint": "https://elsewhere.example"}) as server:
        _, rfc8414 = await call(f"{server.url}/.well-known/oauth-authorization-server{path}")
        _, openid = await call(f"{server.url}{path}/.well-known/openid-configuration")
    assert rfc8414 == openid
    assert (rfc8414["issuer"], rfc8414["token_endpoint"]) == (server.url + path, "https://elsewhere.example")
    assert rfc8414["revocation_endpoint"] == server.revocation_url


async def test_requests_are_remembered() -> None:
    """What came is there with its headers and its form, repeated members included."""
    async with AuthorizationServer() as server:
        form = [
            ("grant_type", "client_credentials"),
            ("resource", "https://a.example"),
            ("resource", "https://b.example"),
        ]
        assert (await ask(server.token_url, form, {**as_bot(server), "X-Tenant": "blue"}))[0] == 200
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.headers["X-Tenant"]) == ("POST", "/token", "blue")
    assert seen.form is not None
    assert seen.form.getall("resource") == ["https://a.example", "https://b.example"]


async def test_a_credential_is_what_a_repository_would_have_stored() -> None:
    """It holds tokens that work and says where they come from."""
    clock = ManualClock()
    async with AuthorizationServer(lifetime=60.0, clock=clock) as server:
        stored = server.credential(scope="read")
        assert stored.token is not None
        assert server.accepts(stored.token.access_token)
        assert (await refresh(server, stored.refresh_token or ""))[0] == 200
    assert (stored.obtained_at, stored.token.expires_at) == (clock.time(), clock.time() + 60.0)
    assert stored.issued_by == IssuedBy(token_endpoint=server.token_url, client_id="bot", scope="read")


async def test_nothing_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Law G1: no repr and no log record holds a token or a secret, at any level."""
    caplog.set_level(logging.DEBUG)
    async with AuthorizationServer() as server:
        first = server.sign_in()
        _, answer = await refresh(server, first)
        shown = [repr(server), repr(server._ledger.issue("bot", None, None, refreshable=True)), repr(server.client)]
        shown += [repr(thing) for thing in (*server.seen, *server._ledger.refresh_tokens.values())]
    secrets = "|".join(
        map(re.escape, (first, answer["access_token"], answer["refresh_token"], server.client.secret or ""))
    )
    assert re.findall(secrets, "\n".join([*shown, caplog.text])) == []
    assert "requests={'refresh_token': 1} reused=0" in shown[0]


async def test_a_user_who_signs_in_for_openid_gets_an_id_token() -> None:
    """With the first token and with the next one; no client does by itself, and no user without that scope."""
    async with AuthorizationServer() as server:
        first = server.issue(scope="openid mail", client_id="app", user="ada")
        claims = json.loads(base64.urlsafe_b64decode(first["id_token"].split(".")[1] + "=="))
        assert (claims["iss"], claims["sub"], claims["aud"]) == (server.issuer, "ada", "app")
        grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app")))
        renewed = await grant.obtain(Credential(refresh_token=first["refresh_token"]))
        assert renewed.token is not None
        assert "id_token" in renewed.token.extra
        assert "id_token" not in server.issue(scope="mail")
