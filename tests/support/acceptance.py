"""What has to work with every authorization server that people have: one suite, run against each real one.

A server's own package says what it is: a fixture `server`, and `alice`, who sits before a browser.
"""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession
from yarl import URL

from aio_token import (
    AuthorizationCodeGrant,
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    DeviceGrant,
    FileTokenStore,
    MemoryTokenStore,
    Provider,
    RefreshTokenGrant,
    SignInRequired,
    TokenExchangeGrant,
    TokenRepository,
)
from aio_token.events import RenewalFailed, Renewed, TokensEndEachOther
from aio_token.oauth import DPoP, DPoPToken, ProofKey

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token import PrivateKeyJWT, TokenEndpoint
    from aio_token.events import Event
    from aio_token.grants import DevicePrompt
    from aio_token.oauth import ClientAuthentication
    from tests.support.browser import Page, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server by its issuer, and the clients that it knows.

    The service has an id and a secret full of odd characters, and may ask about tokens of people and exchange them.
    Refresh tokens of the client for people rotate. The stranger is one that no person ever agreed to, as Spring takes a
    person who does not agree for one who agrees to what she agreed to before. The signer has a key. Of the scopes, each
    can be asked for without the other one. A server may end the former access token of a session when it gives another
    one, and the session when one of its tokens is revoked.
    """

    issuer: str
    service: tuple[str, str]
    people: ClientAuthentication
    stranger: ClientAuthentication
    signer: PrivateKeyJWT
    scopes: tuple[str, str]
    ends_the_former: bool = False
    revokes_the_session: bool = False


async def renews(tokens: TokenRepository, service: TokenEndpoint) -> None:
    """Renew, and ask the server what it thinks of the new token."""
    token = await tokens.token()
    renewed = await tokens.token(rejected=token)
    assert renewed != token
    assert (await service.introspect(renewed))["active"] is True


class Acceptance:
    """The suite; the class that inherits from it has the mark of its server, and `Exchanges` for one that can."""

    @pytest.fixture
    async def provider(self, server: Server) -> Provider:
        """Begin with discovery: of the OpenID metadata, as Spring names the user-info endpoint there alone."""
        return await Provider.discover(f"{server.issuer}/.well-known/openid-configuration")

    @pytest.fixture
    def people(self, provider: Provider, server: Server) -> TokenEndpoint:
        """Be a client for people."""
        return provider.token_endpoint(server.people)

    @pytest.fixture
    def stranger(self, provider: Provider, server: Server) -> TokenEndpoint:
        """Be a client that no person agrees to."""
        return provider.token_endpoint(server.stranger)

    @pytest.fixture
    def service(self, provider: Provider, server: Server) -> TokenEndpoint:
        """Be a service."""
        return provider.token_endpoint(ClientSecretBasic(*server.service))

    @pytest.mark.parametrize("path", ["/.well-known/openid-configuration", ""])
    async def test_the_issuer_describes_itself(self, server: Server, path: str) -> None:
        """RFC 8414 and OpenID Connect Discovery: by its name, or by the address of its metadata."""
        provider = await Provider.discover(f"{server.issuer}{path}")
        assert provider.issuer == server.issuer
        assert provider.authorization_endpoint
        assert provider.device_authorization_endpoint

    async def test_the_issuer_has_one_name(self, server: Server) -> None:
        """RFC 8414 section 3.3: a slash more is another issuer, and the message tells the right name."""
        with pytest.raises(ConfigurationError, match=f"another issuer, '{server.issuer}'; pass that one"):
            await Provider.discover(f"{server.issuer}/")

    @pytest.mark.parametrize("method", [ClientSecretBasic, ClientSecretPost])
    async def test_a_service_asks_for_itself(
        self, provider: Provider, server: Server, method: type[ClientSecretBasic | ClientSecretPost]
    ) -> None:
        """Law D5: a secret full of odd characters is read as it was written."""
        async with TokenRepository(ClientCredentialsGrant(provider.token_endpoint(method(*server.service)))) as tokens:
            first = await tokens.token()
            assert await tokens.token(rejected=first) != first

    async def test_a_service_with_a_wrong_secret(self, provider: Provider, server: Server) -> None:
        """Law D5: whatever code it is here, it means: correct the client."""
        endpoint = provider.token_endpoint(ClientSecretBasic(server.service[0], "wrong"))
        async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
            with pytest.raises(ConfigurationError, match="_client"):
                await tokens.token()

    async def test_a_service_signs(self, provider: Provider, server: Server) -> None:
        """Law D14: `private_key_jwt` for the issuer, with an assertion of its own each time."""
        async with TokenRepository(ClientCredentialsGrant(provider.token_endpoint(server.signer))) as tokens:
            first = await tokens.token()
            assert await tokens.token(rejected=first) != first

    async def test_a_person_comes_with_a_request_that_was_pushed(
        self, provider: Provider, server: Server, service: TokenEndpoint, alice: Person
    ) -> None:
        """Law K3: the browser is sent on from this machine, and carries a reference to what the server has already."""
        endpoint = provider.token_endpoint(server.people, push_authorization=True)
        visited: list[URL] = []

        async def show(address: str) -> None:
            page = await alice.open(address)
            visited.extend(page.visited)
            page = await alice.type_in(page)
            if page.asks_for_consent:
                await alice.agree(page)

        async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
            await tokens.sign_in(AuthorizationCodeGrant(endpoint, scope="openid", show=show))
            await renews(tokens, service)
        start, authorize, *_ = visited
        assert (start.host, start.query_string) == ("127.0.0.1", "")
        assert set(authorize.query) == {"client_id", "request_uri"}

    async def test_a_person_comes_back_from_the_browser(
        self, people: TokenEndpoint, service: TokenEndpoint, alice: Person
    ) -> None:
        """RFC 8252 and RFC 7636: any port of 127.0.0.1 and the proof key; each refresh token is good for one use."""
        store = MemoryTokenStore()
        async with TokenRepository(RefreshTokenGrant(people), store) as tokens:
            await tokens.sign_in(AuthorizationCodeGrant(people, scope="openid", show=alice.sign_in_at))
            before = await store.load()
            await renews(tokens, service)
            after = await store.load()
        assert before is not None
        assert after is not None
        assert None is not before.refresh_token != after.refresh_token is not None

    async def test_a_session_is_bound_to_a_key(self, server: Server, provider: Provider, alice: Person) -> None:
        """Law K1: the code, its tokens and their successors are for one key; each request and each hop proves it."""
        people, address = provider.token_endpoint(server.people, dpop=DPoP()), str(provider.userinfo_endpoint)
        async with TokenRepository(RefreshTokenGrant(people)) as tokens:
            first = await tokens.sign_in(AuthorizationCodeGrant(people, scope="openid", show=alice.sign_in_at))
            bearer = BearerMiddleware(tokens, URL(address).origin())
            async with ClientSession(middlewares=(bearer,)) as session:
                for _ in range(2):
                    async with session.get(address, allow_redirects=False) as response:
                        assert response.status == 200
                renewed = await tokens.renew()
                async with session.get(address, allow_redirects=False) as response:
                    assert response.status == 200
            assert isinstance(first, DPoPToken)
            assert isinstance(renewed, DPoPToken)
            assert renewed.key == first.key
            async with ClientSession() as thief:
                stolen = DPoPToken(access_token=renewed.access_token, key=ProofKey.new()).headers("GET", address)
                async with thief.get(address, headers=stolen, allow_redirects=False) as response:
                    assert response.status != 200

    async def test_a_service_is_bound_to_a_key(self, server: Server, provider: Provider) -> None:
        """Law K1: its tokens, obtained anew each time, share the key of the store."""
        endpoint = provider.token_endpoint(ClientSecretBasic(*server.service), dpop=DPoP())
        async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
            first = await tokens.token()
            second = await tokens.token(rejected=first)
        assert isinstance(first, DPoPToken)
        assert isinstance(second, DPoPToken)
        assert first.key == second.key
        said = await endpoint.introspect(second)
        if not said["active"]:  # Keycloak tells that only to whom a token is for, and lets all read it
            said = json.loads(urlsafe_b64decode(second.access_token.split(".")[1] + "==="))
        assert said["cnf"]["jkt"] == second.key.thumbprint  # Keycloak adds a member of its own

    async def test_a_person_enters_a_code(self, people: TokenEndpoint, service: TokenEndpoint, alice: Person) -> None:
        """RFC 8628: a person who agrees on another device is signed in here, and renewals go on from there.

        Spring has no `openid` in this flow.
        """

        async def show(prompt: DevicePrompt) -> Page:
            return await alice.sign_in_at(prompt.verification_uri_complete or "")

        async with TokenRepository(RefreshTokenGrant(people)) as tokens:
            await tokens.sign_in(DeviceGrant(people, scope="email", show=show))
            await renews(tokens, service)

    async def test_a_person_does_not_agree_on_the_other_device(self, stranger: TokenEndpoint, alice: Person) -> None:
        """RFC 8628 section 3.5: it is `access_denied`, and no one is signed in."""

        async def show(prompt: DevicePrompt) -> Page:
            return await alice.decline_at(prompt.verification_uri_complete or "")

        async with TokenRepository(RefreshTokenGrant(stranger)) as tokens:
            with pytest.raises(SignInRequired, match="access_denied"):
                await tokens.sign_in(DeviceGrant(stranger, scope="email", show=show))

    async def test_a_token_that_was_revoked_elsewhere(
        self, server: Server, provider: Provider, people: TokenEndpoint, service: TokenEndpoint, alice: Person
    ) -> None:
        """Laws B3 and E1: 401 costs one renewal while the session lives; once it has ended, a sign-in helps."""
        events: list[Event] = []
        store = MemoryTokenStore()
        address = str(provider.userinfo_endpoint)
        async with TokenRepository(RefreshTokenGrant(people), store, observer=events.append) as tokens:
            token = await tokens.sign_in(AuthorizationCodeGrant(people, scope="openid", show=alice.sign_in_at))
            assert (await service.introspect(token))["active"] is True
            held = await store.load()
            assert held is not None
            await people.revoke(replace(held, refresh_token=None))
            assert (await service.introspect(token))["active"] is False
            bearer = BearerMiddleware(tokens, URL(address).origin())
            async with ClientSession(middlewares=(bearer,)) as session:
                if server.revokes_the_session:
                    with pytest.raises(SignInRequired):
                        await session.get(address)
                    await tokens.sign_in(AuthorizationCodeGrant(people, scope="openid", show=alice.sign_in_at))
                async with session.get(address, allow_redirects=False) as response:
                    assert response.status == 200
            renewed_once = [] if server.revokes_the_session else [Renewed]
            assert [type(event) for event in events if isinstance(event, Renewed)] == renewed_once
            renewed = await tokens.token()
            await tokens.sign_out()
            assert (await service.introspect(renewed))["active"] is False
            with pytest.raises(SignInRequired):
                await tokens.token()

    async def test_one_session_has_a_token_for_each_scope(
        self, server: Server, people: TokenEndpoint, service: TokenEndpoint, alice: Person, tmp_path: Path
    ) -> None:
        """Law E5: three tokens, renewed at once and again, over one refresh token that the server takes once each time.

        What was asked for one token narrows neither the next one nor the session.
        """
        events: list[Event] = []
        grant, store = RefreshTokenGrant(people), FileTokenStore(tmp_path / "token.json")
        async with TokenRepository(grant, store, observer=events.append) as tokens:
            whole = " ".join(server.scopes)
            await tokens.sign_in(AuthorizationCodeGrant(people, scope=whole, show=alice.sign_in_at))
            sources = {scope: tokens.narrowed(scope=scope) for scope in server.scopes} | {whole: tokens}
            presented = set()
            for _ in range(3):
                found = await asyncio.gather(*(source.renew() for source in sources.values()))
                active = 0
                for asked, token in zip(sources, found, strict=True):
                    assert set(server.scopes) & set(str(token.scope).split()) == set(asked.split())
                    said = await service.introspect(token)
                    if said["active"]:
                        active += 1
                        assert set(server.scopes) & set(str(said["scope"]).split()) == set(asked.split())
                assert active == (1 if server.ends_the_former else 3)
                kept = await store.load()
                assert kept is not None
                presented.add(kept.refresh_token)
            assert len(presented) == 3
        told = (Renewed, RenewalFailed, TokensEndEachOther)
        assert [type(event) for event in events if isinstance(event, told)] == [Renewed] * 9


class Exchanges:
    """What beside it has to work with a server that exchanges tokens."""

    async def test_a_service_exchanges_a_person_s_token(
        self, people: TokenEndpoint, service: TokenEndpoint, alice: Person
    ) -> None:
        """RFC 8693: it gets a token of its own for Alice, for the one that counts then."""
        async with TokenRepository(RefreshTokenGrant(people)) as alices:
            await alices.sign_in(AuthorizationCodeGrant(people, scope="openid", show=alice.sign_in_at))
            async with TokenRepository(TokenExchangeGrant(service, alices)) as tokens:
                first = await tokens.token()
                assert first.access_token != (await alices.token()).access_token
                assert await tokens.token(rejected=first) != first
