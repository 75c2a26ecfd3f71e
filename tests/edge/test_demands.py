"""What a challenge asks for reaches the grant, once."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING

import pytest

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    RefreshTokenGrant,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
    Wish,
)
from aio_token._edge.challenge import parse
from aio_token._edge.demands import wish_in
from aio_token.events import RenewalPaused
from aio_token.testing import AuthorizationServer, ProtectedAPI, RecordingObserver, Refusal
from tests.support.api import answered, session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web
    from aiohttp.typedefs import Handler, Middleware

    from aio_token import Credential


CLAIMS = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1604106651"}, "é": None}})
ENCODED = base64.b64encode(CLAIMS.encode()).decode()
CONTINUOUS = f'Bearer realm="", error="insufficient_claims", claims="{ENCODED}"'
STEP = 'Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="300"'
DEEP = base64.b64encode(b'{"a":' * 1_500).decode()


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        (CONTINUOUS, Wish(claims=CLAIMS)),
        (CONTINUOUS.replace(ENCODED, base64.urlsafe_b64encode(CLAIMS.encode()).decode()), Wish(claims=CLAIMS)),
        (f'Bearer error="insufficient_claims", claims="{ENCODED.rstrip("=")}"', Wish(claims=CLAIMS)),
        (f'Basic realm="x", {CONTINUOUS}', Wish(claims=CLAIMS)),
        (CONTINUOUS.replace("insufficient_claims", "invalid_token"), Wish()),
        (CONTINUOUS.replace("Bearer", "Digest"), Wish()),
        ('Bearer error="insufficient_claims"', Wish()),
        ('Bearer error="insufficient_claims", claims="%%%"', Wish()),
        ('Bearer error="insufficient_claims", claims="W10="', Wish()),
        ('Bearer error="insufficient_claims", claims="/w=="', Wish()),
        (f'Bearer error="insufficient_claims", claims="{DEEP}"', Wish()),
        (f'Bearer error="insufficient_claims", claims="{"e30g" * 4_000}"', Wish()),
        (STEP, Wish(acr_values="gold silver", max_age=300)),
        ('Bearer error="insufficient_user_authentication", max_age=0', Wish(max_age=0)),
        ('Bearer error="insufficient_user_authentication", acr_values="gold"', Wish(acr_values="gold")),
        ('Bearer error="insufficient_user_authentication", acr_values="\x07", max_age="-1"', Wish()),
        ('Bearer error="insufficient_user_authentication", max_age="99999999999999999999"', Wish()),
        ('Bearer error="insufficient_scope", scope="everything"', Wish()),
        ("", Wish()),
    ],
)
def test_a_challenge_is_read(line: str, wish: Wish) -> None:
    """Law B9: claims of continuous access evaluation, and RFC 9470; what cannot be read is no wish."""
    assert wish_in(parse([line])) == wish


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API of it."""
    async with ProtectedAPI(server) as api:
        yield api


def endpoint(server: AuthorizationServer) -> TokenEndpoint:
    """Return the server's endpoint."""
    return TokenEndpoint(server.token_url, ClientSecretBasic(server.client.client_id, server.client.secret or ""))


@pytest.mark.parametrize("status", [401, 403])
async def test_claims_stand_in_the_next_token_request_and_in_no_other(
    server: AuthorizationServer, api: ProtectedAPI, status: int
) -> None:
    """Law B9: once; the token after that is an ordinary one."""
    grant = RefreshTokenGrant(endpoint(server), first=server.sign_in())
    async with TokenRepository(grant, observer=None) as tokens, session(tokens, api.url) as client:
        await answered(client.get(api.url))
        api.refusal = Refusal(status=status, challenges=(CONTINUOUS,))
        server.revoke_access_tokens()
        assert (await answered(client.get(api.url))).status == 200
        await tokens.renew()
    assert [request.form and request.form.get("claims") for request in server.seen] == [None, CLAIMS, None]


@pytest.mark.parametrize("challenge", [CONTINUOUS, STEP])
async def test_an_api_that_is_never_content_is_bounded(
    server: AuthorizationServer, api: ProtectedAPI, challenge: str
) -> None:
    """Laws B9, B6: one request at the token endpoint; then its refusals are the caller's for a while."""
    observer = RecordingObserver()
    api.always_refuse, api.refusal = True, Refusal(challenges=(challenge,))
    grant = ClientCredentialsGrant(endpoint(server))
    async with TokenRepository(grant, observer=None) as tokens, session(tokens, api.url, observer=observer) as client:
        assert [(await answered(client.get(api.url))).status for _ in range(9)] == [401] * 9
    assert len(server.seen) == 2
    assert len(observer.of(RenewalPaused)) == 1


def saying(challenge: str) -> Middleware:
    """Return a fault: a 401 with the challenge."""

    async def say(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await Refusal(challenges=(challenge,)).respond(request)

    return say


async def test_what_only_a_person_can_do_is_named(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: no refresh token is spent for it, and the token serves other pages as before."""
    grant = RefreshTokenGrant(endpoint(server), first=server.sign_in())
    async with TokenRepository(grant, observer=None) as tokens, session(tokens, api.url) as client:
        await answered(client.get(api.url))
        for challenge, said in (
            (STEP, "the API wants a sign-in with acr_values gold silver no longer than 300 s ago"),
            (STEP.replace(', max_age="300"', ""), "the API wants a sign-in with acr_values gold silver"),
            ('Bearer error="insufficient_user_authentication", max_age=5', "a sign-in no longer than 5 s ago"),
        ):
            api.inject(saying(challenge), times=1)
            with pytest.raises(SignInRequired, match=f"{said}; sign in again that way"):
                await client.get(api.url)
            assert (await answered(client.get(api.url))).status == 200
            await tokens.renew()
    assert server.reused == 0


class Person:
    """A grant for people that notes what is wished."""

    issued_by = None

    def __init__(self, server: AuthorizationServer) -> None:
        self.server = server
        self.wishes: list[Wish] = []

    async def obtain(self, before: Credential | None, wish: Wish) -> Credential:
        """Sign in."""
        self.wishes.append(wish)
        return await RefreshTokenGrant(endpoint(self.server), first=self.server.sign_in()).obtain(None)


async def test_a_person_is_asked_for_it(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law B9: the wish reaches the grant for people, once for all requests that wait, and they are sent again."""
    person = Person(server)
    grant = RefreshTokenGrant(endpoint(server), first=server.sign_in())
    tokens = TokenRepository(grant, sign_in_with=person, observer=None)
    async with tokens, session(tokens, api.url) as client:
        first = await tokens.token()
        api.inject(saying(STEP), times=3)
        with api.hold() as hold:
            requests = [asyncio.create_task(answered(client.get(api.url))) for _ in range(3)]
            await hold.wait_for(3)
        assert [(await request).status for request in requests] == [200] * 3
        assert not first.same_as(await tokens.token())
    assert person.wishes == [Wish(acr_values="gold silver", max_age=300)]
