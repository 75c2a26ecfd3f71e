"""Clients that prove who they are by a certificate, and tokens that are bound to it (RFC 8705)."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, TCPConnector

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    MemoryTokenStore,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.oauth import CertificateMiddleware, ClientCertificate, MutualTLS, Transport
from aio_token.oauth.form import Request
from aio_token.oauth.sending import send
from aio_token.testing import AuthorizationServer, CertificateAuthority, ProtectedAPI, RegisteredClient
from aio_token.testing.registered_client import SECRET
from tests.support.exposure import exposure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

SALT = b"salt"


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """Be an authority whose files are in the test's directory."""
    return CertificateAuthority(tmp_path)


@pytest.fixture
async def server(authority: CertificateAuthority) -> AsyncIterator[AuthorizationServer]:
    """Run a server that asks for certificates, knows `cert` by its subject, and binds tokens."""
    async with AuthorizationServer(ssl_context=authority.server_context(), certificate_bound=True) as server:
        server.register(RegisteredClient("cert", tls_subject="CN=cert"))
        yield server


@pytest.fixture
async def api(server: AuthorizationServer, authority: CertificateAuthority) -> AsyncIterator[ProtectedAPI]:
    """Run an API that looks at the binding of tokens."""
    async with ProtectedAPI(server, ssl_context=authority.server_context()) as api:
        yield api


async def status_with(tokens: TokenRepository, api: ProtectedAPI, certificate: ClientCertificate) -> int:
    """Ask the API once, with the token and the certificate."""
    bearer, presenting = BearerMiddleware(tokens, api.url), CertificateMiddleware(certificate, api.url)
    async with ClientSession(middlewares=(bearer, presenting)) as session, session.get(api.url) as response:
        return response.status


async def test_a_certificate_proves_a_client(
    server: AuthorizationServer, api: ProtectedAPI, authority: CertificateAuthority
) -> None:
    """Law K2: `tls_client_auth`, and a token that counts with the certificate and not without."""
    certificate = authority.issue("cert")
    provider = await Provider.discover(server.issuer, transport=Transport(certificate=certificate))
    async with TokenRepository(ClientCredentialsGrant(provider.token_endpoint(MutualTLS("cert")))) as tokens:
        assert await status_with(tokens, api, certificate) == 200
        bearer = BearerMiddleware(tokens, api.url)
        connector = TCPConnector(ssl=authority.client_context())
        async with ClientSession(middlewares=(bearer,), connector=connector) as session, session.get(api.url) as other:
            assert other.status == 401
    assert dict(server.seen[0].form or {}) == {"grant_type": "client_credentials", "client_id": "cert"}


async def test_a_self_signed_certificate_proves_a_client(
    server: AuthorizationServer, authority: CertificateAuthority
) -> None:
    """Law K2: `self_signed_tls_client_auth`, known by its thumbprint; another one's is refused."""
    certificate = authority.issue("own", self_signed=True)
    server.register(RegisteredClient("own", tls_thumbprint=authority.thumbprint("own")))
    endpoint = TokenEndpoint(server.token_url, MutualTLS("own"), transport=Transport(certificate=certificate))
    async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
        token = await tokens.token()
        assert server.certificate_of(token.access_token) == authority.thumbprint("own")
        authority.issue("own", self_signed=True)
        with pytest.raises(ConfigurationError, match="invalid_client"):
            await tokens.renew()


async def test_a_token_of_the_certificate_before_is_renewed(
    server: AuthorizationServer, api: ProtectedAPI, authority: CertificateAuthority
) -> None:
    """Law K2: the certificate is renewed on the disk; one refresh later the API takes the client again."""
    certificate = authority.issue("cert")
    endpoint = TokenEndpoint(server.token_url, MutualTLS("cert"), transport=Transport(certificate=certificate))
    async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
        bearer, presenting = BearerMiddleware(tokens, api.url), CertificateMiddleware(certificate, api.url)
        async with ClientSession(middlewares=(bearer, presenting)) as session:
            for _ in range(2):
                for _ in range(3):
                    async with session.get(api.url) as response:
                        assert response.status == 200
                authority.issue("cert")
    assert (api.accepted, api.refused, server.requests["client_credentials"]) == (6, 1, 2)


async def test_refresh_tokens_of_a_public_client_are_bound(
    server: AuthorizationServer, authority: CertificateAuthority
) -> None:
    """Law K2: RFC 8705 section 4: they count with the certificate that they were given for, and with no other."""
    certificate = authority.issue("device")
    transport = Transport(certificate=certificate)
    grant = RefreshTokenGrant(TokenEndpoint(server.token_url, PublicClient("app"), transport=transport))
    async with TokenRepository(grant, MemoryTokenStore(server.credential(client_id="app"))) as tokens:
        for _ in range(2):
            await tokens.renew()
        authority.issue("device")
        with pytest.raises(SignInRequired):
            await tokens.renew()


async def test_refresh_tokens_of_a_client_with_a_secret_are_not(
    server: AuthorizationServer, authority: CertificateAuthority
) -> None:
    """Law K2: the access token alone is bound, to the certificate of its own request."""
    certificate = authority.issue("bot")
    transport = Transport(certificate=certificate)
    endpoint = TokenEndpoint(server.token_url, ClientSecretBasic("bot", SECRET), transport=transport)
    kept = MemoryTokenStore(server.credential(client_id="bot"))
    async with TokenRepository(RefreshTokenGrant(endpoint), kept) as tokens:
        seen = set()
        for _ in range(2):
            seen.add(server.certificate_of((await tokens.renew()).access_token))
            authority.issue("bot")
    assert len(seen) == 2
    assert None not in seen


@pytest.mark.parametrize("member", ["jwt", "opaque"])
async def test_what_a_token_says_of_its_binding(
    member: str, server: AuthorizationServer, authority: CertificateAuthority
) -> None:
    """RFC 8705 section 3.1 and 3.2: `cnf` in the JWT, and in what introspection tells."""
    server.jwt = member == "jwt"
    certificate = authority.issue("cert")
    provider = await Provider.discover(server.issuer, transport=Transport(certificate=certificate))
    endpoint = provider.token_endpoint(MutualTLS("cert"))
    async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
        token = await tokens.token()
    expected = {"x5t#S256": authority.thumbprint("cert")}
    assert (await endpoint.introspect(token))["cnf"] == expected
    if server.jwt:
        claims = token.access_token.split(".")[1]
        assert json.loads(base64.urlsafe_b64decode(claims + "=="))["cnf"] == expected


async def test_aliases_are_for_those_with_a_certificate(authority: CertificateAuthority) -> None:
    """Law K2: RFC 8705 section 5; without a certificate, and by a browser, the usual addresses are used."""
    async with AuthorizationServer(ssl_context=authority.server_context(), certificate_bound=True) as mutual:
        aliases = {"token_endpoint": mutual.token_url, "authorization_endpoint": mutual.authorization_url}
        async with AuthorizationServer(
            ssl_context=authority.server_context(), metadata={"mtls_endpoint_aliases": aliases}
        ) as usual:
            plain = Transport(ssl=authority.client_context())
            shown = Transport(certificate=authority.issue("bot"))
            provider = await Provider.discover(usual.issuer, transport=plain)
            for transport, asked in ((plain, usual), (shown, mutual)):
                endpoint = provider.token_endpoint(ClientSecretBasic("bot", SECRET), transport=transport)
                async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
                    await tokens.token()
                assert asked.requests["client_credentials"] == 1
                # What is stored belongs to the server, whichever of its addresses is asked (law E4).
                assert endpoint.issued_by().token_endpoint == endpoint.address("token") == usual.token_url
                assert endpoint.address("authorization") == usual.authorization_url


async def test_aliases_of_no_use_are_left_out(authority: CertificateAuthority) -> None:
    """Law K2: a server may say anything."""
    odd: list[Any] = [{"other": 3}, "https://id.example", [], {}]
    for said in odd:
        async with AuthorizationServer(
            ssl_context=authority.server_context(), metadata={"mtls_endpoint_aliases": said}
        ) as server:
            provider = await Provider.discover(server.issuer, transport=Transport(certificate=authority.issue("bot")))
            async with TokenRepository(
                ClientCredentialsGrant(provider.token_endpoint(ClientSecretBasic("bot", SECRET)))
            ) as tokens:
                await tokens.token()
        assert server.requests["client_credentials"] == 1


URL = "https://id.example/token"
CERTIFICATE = ClientCertificate("a.pem")


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: TokenEndpoint(URL, MutualTLS("bot")), r"pass transport=Transport\(certificate=...\)"),
        (lambda: TokenEndpoint(URL, MutualTLS("bot"), transport=Transport(ssl=False)), "pass transport=Transport"),
        (
            lambda: TokenEndpoint(
                "http://127.0.0.1:1/token", MutualTLS("bot"), transport=Transport(certificate=CERTIFICATE)
            ),
            "is shown in TLS alone; use https addresses",
        ),
        (
            lambda: TokenEndpoint(
                URL,
                PublicClient("bot"),
                revocation_url="http://127.0.0.1:1/revoke",
                transport=Transport(certificate=CERTIFICATE),
            ),
            "is shown in TLS alone; use https addresses",
        ),
        (
            lambda: TokenEndpoint(
                URL,
                MutualTLS("bot"),
                mtls_aliases={"token_endpoint": "http://id.example/token"},
                transport=Transport(certificate=CERTIFICATE),
            ),
            "the address of the token endpoint is not https",
        ),
        (lambda: MutualTLS(""), "the client's id is empty"),
    ],
)
def test_what_cannot_work_is_said_at_once(make: Any, match: str) -> None:
    """Law K2: a certificate that is not there, or would never be shown."""
    with pytest.raises(ConfigurationError, match=match):
        make()


async def test_a_context_or_a_connector_of_ones_own_may_show_the_certificate(
    server: AuthorizationServer, authority: CertificateAuthority
) -> None:
    """Law K2: such as one whose key is in a device."""
    context = await authority.issue("cert").ssl_context()
    for transport in (Transport(ssl=context), Transport(connector=lambda: TCPConnector(ssl=context))):
        endpoint = TokenEndpoint(server.token_url, MutualTLS("cert"), transport=transport)
        async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
            assert server.certificate_of((await tokens.token()).access_token) == authority.thumbprint("cert")


async def test_the_certificate_is_a_part_of_the_client_s_proof(authority: CertificateAuthority) -> None:
    """Laws D8 and K2: what was refused with another certificate is asked again at once."""
    certificate = authority.issue("bot")
    found = set()
    for client in (MutualTLS("bot"), PublicClient("bot")):
        endpoint = TokenEndpoint(URL, client, transport=Transport(certificate=certificate))
        for _ in range(2):
            found.add(await endpoint.fingerprint(SALT))
            assert await endpoint.fingerprint(SALT) in found
            authority.issue("bot")
    assert len(found) == 4


async def test_a_corrected_certificate_does_not_wait(
    server: AuthorizationServer, authority: CertificateAuthority
) -> None:
    """Laws D8 and K2: one that had ended is replaced on the disk, and the next process has a token at once."""
    certificate = authority.issue("cert", lifetime=-1)
    endpoint = TokenEndpoint(server.token_url, MutualTLS("cert"), transport=Transport(certificate=certificate))
    kept = MemoryTokenStore()
    for said in ("has ended", "has ended.*; the server is asked again in"):
        async with TokenRepository(ClientCredentialsGrant(endpoint), kept) as tokens:
            with pytest.raises(ConfigurationError, match=said):
                await tokens.token()
    authority.issue("cert")
    async with TokenRepository(ClientCredentialsGrant(endpoint), kept) as tokens:
        assert await tokens.token() is not None
    assert server.requests["client_credentials"] == 1


@contextmanager
def demanding(context: ssl.SSLContext) -> Iterator[str]:
    """Serve TLS as OpenSSL's own servers do, which say why they hang up; asyncio's say nothing."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with (
                    suppress(OSError),
                    context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as tls,
                ):
                    tls.settimeout(10)
                    try:
                        tls.do_handshake()
                    except ssl.SSLError:
                        with socket.socket(fileno=tls.detach()) as bare:  # until the alert was read
                            bare.settimeout(10)
                            while bare.recv(4_096):
                                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/token"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shows", ["none", "another authority's"])
async def test_a_server_that_does_not_take_the_certificate(
    version: ssl.TLSVersion, shows: str, authority: CertificateAuthority, tmp_path: Path
) -> None:
    """Law K2: it is no outage, and is not tried again: the sentence says that it is the certificate."""
    context = authority.server_context(demands=True)
    context.maximum_version = version
    transport = Transport(ssl=authority.client_context())
    if shows != "none":
        (tmp_path / "others").mkdir()
        CertificateAuthority(tmp_path / "others").issue("bot")
        files = (tmp_path / "others" / "bot.pem", tmp_path / "others" / "bot.key")
        transport = Transport(certificate=ClientCertificate(*files, make_context=authority.client_context))
    with (
        demanding(context) as url,
        pytest.raises(
            ConfigurationError, match=r"does not take this client's TLS certificate.* \(.*\); check"
        ) as caught,
    ):
        await send(Request(to="the server", url=url, body="a=b"), transport)
    assert "PRIVATE KEY" not in exposure(caught.value)


async def test_a_server_that_hangs_up_without_a_word(authority: CertificateAuthority) -> None:
    """Law K2: what it did not like is not known then, so that it may be asked again later."""
    async with AuthorizationServer(ssl_context=authority.server_context(demands=True)) as server:
        endpoint = TokenEndpoint(
            server.token_url, ClientSecretBasic("bot", SECRET), transport=Transport(ssl=authority.client_context())
        )
        async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
            with pytest.raises(ServerUnavailable):
                await tokens.token()
        certificate = Transport(certificate=authority.issue("bot"))
        endpoint = TokenEndpoint(server.token_url, ClientSecretBasic("bot", SECRET), transport=certificate)
        async with TokenRepository(ClientCredentialsGrant(endpoint)) as tokens:
            assert await tokens.token() is not None
