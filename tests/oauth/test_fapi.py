"""The FAPI 2.0 Security Profile, client side: what is sent, and which configurations are refused (docs/fapi.md)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field, replace
from ssl import CERT_NONE, TLSVersion
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, TCPConnector, web
from joserfc.jwk import ECKey

from aio_token import (
    AuthorizationCodeGrant,
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    PasswordGrant,
    PrivateKeyJWT,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    SignInRequired,
    TokenRepository,
)
from aio_token.grants import WebSignIn
from aio_token.oauth import CertificateMiddleware, ClientAssertion, Dialect, DPoP, MutualTLS, Transport
from aio_token.testing import AuthorizationServer, CertificateAuthority, ProtectedAPI, RegisteredClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from ssl import SSLContext

    from aiohttp.typedefs import Handler
    from multidict import MultiMapping

    from aio_token import TokenEndpoint
    from aio_token.oauth import ClientAuthentication, ClientCertificate

REDIRECT = "https://127.0.0.1:8443/callback"


@dataclass
class Bank:
    """An authorization server and an API by the profile, and a client that they know."""

    authority: CertificateAuthority
    server: AuthorizationServer
    api: ProtectedAPI
    certificate: ClientCertificate
    key: str
    pushed: list[MultiMapping[Any]] = field(default_factory=list)

    @property
    def signer(self) -> PrivateKeyJWT:
        """The client that signs."""
        return PrivateKeyJWT("signer", self.key, alg="ES256")

    async def discover(self, transport: Transport | None = None) -> Provider:
        """Read the metadata."""
        return await Provider.discover(
            self.server.issuer, transport=transport or Transport(ssl=self.authority.client_context())
        )

    async def note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Look at what is pushed."""
        self.pushed.append(await request.post())
        return await handler(request)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    """Run both over TLS; requests are pushed, tokens are bound."""
    authority, key = CertificateAuthority(tmp_path), ECKey.generate_key("P-256")
    async with (
        AuthorizationServer(
            ssl_context=authority.server_context(), certificate_bound=True, dpop=True, pushed_only=True
        ) as server,
        ProtectedAPI(server, ssl_context=authority.server_context()) as api,
    ):
        server.register(RegisteredClient("signer", public_key=dict(key.as_dict(private=False))))
        server.register(RegisteredClient("cert", tls_subject="CN=cert"))
        pem = key.as_pem(private=True).decode()
        bank = Bank(authority, server, api, authority.issue("cert"), pem)
        server.inject(bank.note, endpoint="par")
        yield bank


def conforming(bank: Bank, provider: Provider, kind: str) -> TokenEndpoint:
    """Return one of the configurations that the profile allows."""
    shown = Transport(certificate=bank.certificate)
    if kind == "signs, DPoP":
        return provider.token_endpoint(bank.signer, fapi2=True, dpop=DPoP())
    if kind == "signs, bound to a certificate":
        return provider.token_endpoint(bank.signer, fapi2=True, transport=shown)
    return provider.token_endpoint(
        MutualTLS("cert"), fapi2=True, transport=shown, dpop=DPoP() if "DPoP" in kind else None
    )


KINDS = ["signs, DPoP", "signs, bound to a certificate", "certificate", "certificate, DPoP"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_sign_in_by_the_profile(kind: str, bank: Bank) -> None:
    """FAPI 2.0: pushed, with a proof key, by a reference, bound, refreshed; the API takes it from its client alone."""
    endpoint = conforming(bank, await bank.discover(), kind)
    sign_in = WebSignIn(endpoint, REDIRECT, scope="read")
    begun = await sign_in.begin()
    bare = bank.authority.client_context()
    async with ClientSession() as browser, browser.get(begun.address, ssl=bare, allow_redirects=False) as page:
        returned = page.headers["Location"].partition("?")[2]
        assert {*page.url.query} == {"client_id", "request_uri"}
    (pushed,) = bank.pushed
    assert (pushed["code_challenge_method"], pushed["response_type"], pushed["redirect_uri"]) == (
        "S256",
        "code",
        REDIRECT,
    )
    async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
        first = await tokens.sign_in(await sign_in.finish(returned, begun.state))
        assert await tokens.token(rejected=first) != first  # the refresh token was rotated
        middlewares = (BearerMiddleware(tokens, bank.api.url), CertificateMiddleware(bank.certificate, bank.api.url))
        async with ClientSession(middlewares=middlewares) as session, session.get(bank.api.url, ssl=bare) as response:
            assert response.status == 200
        stolen = {"Authorization": f"Bearer {(await tokens.token()).access_token}"}
        async with ClientSession() as thief, thief.get(bank.api.url, headers=stolen, ssl=bare) as response:
            assert response.status == 401
    assert "access_token" not in str(bank.api.seen[0].path)


async def test_a_proof_key_is_made_for_each_request(bank: Bank) -> None:
    """FAPI 2.0, 5.3.3.2: a challenge belongs to one request and to the browser that began it."""
    sign_in = WebSignIn(conforming(bank, await bank.discover(), "certificate"), REDIRECT)
    one, other = [await sign_in.begin() for _ in range(2)]
    assert len({each["code_challenge"] for each in bank.pushed}) == 2
    bare = bank.authority.client_context()
    async with ClientSession() as browser, browser.get(one.address, ssl=bare, allow_redirects=False) as page:
        returned = page.headers["Location"].partition("?")[2]
    with pytest.raises(SignInRequired, match="belongs to another sign-in"):
        await sign_in.finish(returned, other.state)


async def test_an_answer_has_to_name_its_issuer(bank: Bank) -> None:
    """FAPI 2.0, 5.3.3.2: without `iss`, or with another one, no code is redeemed, whatever the metadata says."""
    bank.server.metadata["authorization_response_iss_parameter_supported"] = False
    sign_in = WebSignIn(conforming(bank, await bank.discover(), "certificate"), REDIRECT)
    begun = await sign_in.begin()
    state = bank.pushed[0]["state"]
    for members in ({}, {"iss": "https://other.example"}):
        with pytest.raises(ConfigurationError, match=r"issuer|iss"):
            await sign_in.finish({"code": "c", "state": state, **members}, begun.state)
    assert not bank.server.requests


async def test_a_client_s_jwt_is_for_the_issuer(bank: Bank) -> None:
    """FAPI 2.0, 5.3.3.1: one text, and no list, with an algorithm of section 5.4.1."""
    endpoint = conforming(bank, await bank.discover(), "signs, DPoP")
    async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
        await tokens.token()
    head, claims, _ = str(dict(bank.server.seen[0].form or {}).get("client_assertion")).split(".")
    assert json.loads(urlsafe_b64decode(claims + "=="))["aud"] == bank.server.issuer
    assert json.loads(urlsafe_b64decode(head + "=="))["alg"] == "ES256"


async def test_a_browser_of_this_machine_comes_back_to_loopback(bank: Bank) -> None:
    """FAPI 2.0, 5.3.2.2: a native client may have an http address of loopback (RFC 8252 section 7.3)."""
    endpoint = conforming(bank, await bank.discover(), "certificate")
    bare = bank.authority.client_context()

    async def show(address: str) -> None:
        async with ClientSession() as browser, browser.get(address, ssl=bare) as page:
            assert page.status == 200

    async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
        await tokens.sign_in(AuthorizationCodeGrant(endpoint, show=show))
    assert "code_challenge" in bank.pushed[0]


Configuration = tuple[Provider, "ClientAuthentication", dict[str, Any]]


def of_a_server(**changes: Any) -> Callable[[Bank, Provider], Configuration]:
    """Return what makes a configuration with another provider."""
    return lambda bank, provider: (replace(provider, **changes), bank.signer, {"dpop": DPoP()})


def of_a_client(client: Callable[[Bank, Provider], ClientAuthentication]) -> Callable[[Bank, Provider], Configuration]:
    """Return what makes a configuration with another client."""
    return lambda bank, provider: (provider, client(bank, provider), {"dpop": DPoP()})


def with_options(**options: Any) -> Callable[[Bank, Provider], Configuration]:
    """Return what makes a configuration with other options."""
    return lambda bank, provider: (provider, bank.signer, {"dpop": DPoP(), **options})


def with_a_context(worsen: Callable[[SSLContext], object]) -> Callable[[Bank, Provider], Configuration]:
    """Return what makes a configuration with a context that is made worse."""

    def make(bank: Bank, provider: Provider) -> Configuration:
        context = bank.authority.client_context()
        worsen(context)
        return provider, bank.signer, {"dpop": DPoP(), "transport": Transport(ssl=context)}

    return make


def without_a_name(context: SSLContext) -> None:
    """Have a context take any server's certificate for that of the one that is asked."""
    context.check_hostname = False


def by_nothing(context: SSLContext) -> None:
    """Have a context take any certificate."""
    without_a_name(context)
    context.verify_mode = CERT_NONE


def by_any_version(context: SSLContext) -> None:
    """Have a context speak any version of TLS."""
    context.minimum_version = TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT@SECLEVEL=0")


def without_the_word_of_the_server(bank: Bank, provider: Provider) -> Configuration:
    """Make a configuration of which it is not known whether tokens are bound."""
    silent = replace(provider, metadata={"issuer": provider.issuer})
    return silent, bank.signer, {"transport": Transport(certificate=bank.certificate)}


BELOW: dict[str, tuple[Callable[[Bank, Provider], Configuration], str]] = {
    "a provider by hand": (of_a_server(is_discovered=False), "use Provider.discover"),
    "plain http": (with_options(send_secrets_over_plain_http=True), "over https alone, also on this machine"),
    "an http issuer": (of_a_server(issuer="http://127.0.0.1:1"), "over https alone"),
    "several tenants": (of_a_server(metadata={"issuer": "https://id.example/{tenant}"}), "ask for one tenant"),
    "requests that are not pushed": (with_options(push_authorization=False), "leave push_authorization out"),
    "a refresh address by hand": (with_options(refresh_url="https://id.example/refresh"), "leave refresh_url out"),
    "a secret": (of_a_client(lambda _, __: ClientSecretBasic("bot", "s")), "by PrivateKeyJWT or MutualTLS"),
    "a public client": (of_a_client(lambda _, __: PublicClient("app")), "by PrivateKeyJWT or MutualTLS"),
    "another party's JWT": (of_a_client(lambda _, __: ClientAssertion("bot", "jwt")), "by PrivateKeyJWT or MutualTLS"),
    "RS256": (of_a_client(lambda bank, _: PrivateKeyJWT("signer", bank.key)), "is signed with one of PS256, ES256"),
    "a JWT for another audience": (
        of_a_client(
            lambda bank, found: PrivateKeyJWT("signer", bank.key, alg="ES256", audience=found.token_endpoint_url)
        ),
        "leave audience out",
    ),
    "tokens that are not bound": (with_options(dpop=None), r"pass dpop=DPoP\(\), or transport"),
    "proofs by another algorithm": (with_options(dpop=DPoP(alg="ES384")), "a proof is signed with one of PS256, ES256"),
    "tokens that need not be bound": (with_options(dpop=DPoP(required=False)), "leave required=False out"),
    "a server that binds nothing to certificates": (
        without_the_word_of_the_server,
        r"does not say that it binds .* pass dpop=DPoP\(\)",
    ),
    "a dialect": (with_options(dialect=Dialect(pkce=False)), "a dialect leaves the standard"),
    "a server that is not verified": (with_options(transport=Transport(ssl=False)), "an SSLContext that does so"),
    "a name that is not verified": (with_a_context(without_a_name), "make another `ssl`"),
    "nothing verified": (with_a_context(by_nothing), "make another `ssl`"),
    "any version of TLS": (with_a_context(by_any_version), "make another `ssl`"),
    "a connector": (with_options(transport=Transport(connector=TCPConnector)), "pass `ssl=` an SSLContext, too"),
}


@pytest.mark.parametrize("name", [*BELOW])
async def test_what_falls_below_the_profile_is_refused(name: str, bank: Bank) -> None:
    """FAPI 2.0: by `fapi2=True`, with what to do instead; nothing is asked of the server."""
    make, said = BELOW[name]
    provider, client, options = make(bank, await bank.discover())
    with pytest.raises(ConfigurationError, match=rf"falls below the FAPI 2\.0 Security Profile: .*{said}"):
        provider.token_endpoint(client, fapi2=True, **options)


async def test_grants_that_fall_below_the_profile_are_refused(bank: Bank) -> None:
    """FAPI 2.0: passwords, and a web application's redirect in clear."""
    endpoint = conforming(bank, await bank.discover(), "certificate")
    with pytest.raises(ConfigurationError, match=r"FAPI 2\.0 has no grant for passwords"):
        PasswordGrant(endpoint, "ada", "lovelace")
    with pytest.raises(ConfigurationError, match="redirect_uri is not https"):
        WebSignIn(endpoint, "http://127.0.0.1:8080/callback")


async def test_a_server_without_pushed_requests_is_not_of_the_profile(bank: Bank) -> None:
    """FAPI 2.0, 5.3.3.2: a person's sign-in begins nowhere else."""
    bank.server.metadata["pushed_authorization_request_endpoint"] = None
    sign_in = WebSignIn(conforming(bank, await bank.discover(), "certificate"), REDIRECT)
    with pytest.raises(ConfigurationError, match="are to be pushed to the server"):
        await sign_in.begin()


async def test_a_connector_with_a_context_is_seen(bank: Bank) -> None:
    """FAPI 2.0: the context of the request is what counts, whatever the connector has."""
    way = Transport(connector=TCPConnector, ssl=bank.authority.client_context())
    endpoint = (await bank.discover(way)).token_endpoint(bank.signer, fapi2=True, dpop=DPoP())
    assert endpoint.fapi2
    assert endpoint.push_authorization
    assert endpoint.names_issuer
