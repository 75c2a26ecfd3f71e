"""How a client proves who it is, judged by the server's half."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from authlib.oauth2.rfc6749.authenticate_client import ClientAuthentication as ServerSide
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509 import load_pem_x509_certificate
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from aio_token import (
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    PrivateKeyJWT,
    PublicClient,
    TokenEndpoint,
)
from aio_token.oauth import ClientAssertion, ClientSecretJWT, Form
from aio_token.oauth.form import Request
from tests.support.certificates import certificate_of
from tests.support.exposure import exposure
from tests.support.token_server import says, token_server

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.oauth.client_auth import ClientAuthentication

URL = "https://id.example/token"
CANARY = "canary-5ecret-of-more-than-32-letters"
SECRETS = [CANARY, "with space", "a:b", "100%", "a+b&c=d", "ünïcödé", "~tilde"]


@dataclass
class Arrived:
    """A request as Authlib's server half reads it."""

    headers: dict[str, str]
    form: dict[str, str]
    client: object = None
    auth_method: str = ""

    @property
    def payload(self) -> Arrived:
        """Where the server half looks for the client's id."""
        return self

    @property
    def data(self) -> dict[str, str]:
        """The form again, by its other name."""
        return self.form

    @property
    def client_id(self) -> str | None:
        """The client's id, if the form says it."""
        return self.form.get("client_id")


@dataclass
class Registered:
    """A client as the server knows it."""

    client_id: str
    secret: str = ""
    methods: list[str] = field(default_factory=list)

    def check_client_secret(self, secret: str) -> bool:
        """Compare."""
        return secret == self.secret

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Allow the registered methods."""
        return method in self.methods


class AssertionCheck(JWTBearerClientAssertion):
    """The server's check of a client's JWT."""

    def __init__(self, key: object) -> None:
        super().__init__(leeway=0)
        self.key = key

    def get_audiences(self) -> list[str]:
        """Accept what is meant for the token endpoint."""
        return [URL]

    def resolve_client_public_key(self, _client: object) -> Any:
        """Return the key to check with."""
        return self.key

    def validate_jti(self, _claims: object, jti: str) -> bool:
        """Want one."""
        return bool(jti)


async def arrived(client: ClientAuthentication) -> Arrived:
    """Authenticate a request, and read it as the server does."""
    request = Request(to="the server", url=URL, body="grant_type=client_credentials")
    signed = await client.authenticate(request, URL)
    assert signed.url == URL
    members = parse_qsl(signed.body, keep_blank_values=True, strict_parsing=True)
    assert len(dict(members)) == len(members)
    return Arrived(dict(signed.headers), dict(members))


def accepted(request: Arrived, client: Registered, *methods: str) -> bool:
    """Ask Authlib's server half."""
    known: dict[str, Any] = {client.client_id: client}
    arrived_request: Any = request
    return bool(ServerSide(known.__getitem__)(arrived_request, list(methods)) is known[client.client_id])


@cache
def rsa_key() -> RSAKey:
    """Make a key once, since it takes a while."""
    return RSAKey.generate_key(2048)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("client_id", ["bot", "bot:1", "b o t"])
async def test_basic_is_percent_encoded(client_id: str, secret: str) -> None:
    """Law D5: id and secret are percent-encoded, space as %20, and the server's half decodes them."""
    request = await arrived(ClientSecretBasic(client_id, secret))
    plain = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode("ascii")
    assert "+" not in plain
    assert plain.count(":") == 1
    assert request.form == {"grant_type": "client_credentials"}
    assert accepted(request, Registered(client_id, secret, ["client_secret_basic"]), "client_secret_basic")


@pytest.mark.parametrize("secret", SECRETS)
async def test_post_puts_id_and_secret_into_the_body(secret: str) -> None:
    """Law D5: `client_secret_post`, and no header besides."""
    request = await arrived(ClientSecretPost("b o t", secret))
    assert request.headers == {}
    assert request.form["client_secret"] == secret
    assert accepted(request, Registered("b o t", secret, ["client_secret_post"]), "client_secret_post")


@pytest.mark.parametrize("secret", SECRETS)
async def test_basic_may_be_left_as_it_is(secret: str) -> None:
    """Law D5: some servers take id and secret as they are, in UTF-8."""
    request = await arrived(ClientSecretBasic("b o t", secret, encoded=False))
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode() == f"b o t:{secret}"


async def test_a_secret_may_be_the_empty_text() -> None:
    """Law D5: if it is said that it is; otherwise it is taken for a variable that is not set."""
    basic = await arrived(ClientSecretBasic("app", "", empty=True))
    assert basic.headers["Authorization"] == "Basic " + base64.b64encode(b"app:").decode()
    post = await arrived(ClientSecretPost("app", "", empty=True))
    assert post.form == {"grant_type": "client_credentials", "client_id": "app", "client_secret": ""}
    for make in (ClientSecretBasic, ClientSecretPost):
        assert await make("app", "", empty=True).fingerprint(b"salt")
        with pytest.raises(ConfigurationError, match="which `empty` says is none") as caught:
            make("app", CANARY, empty=True)
        assert CANARY not in exposure(caught.value)


async def test_a_public_client_says_its_id() -> None:
    """Law D5: `none` sends the id in the body and nothing else."""
    request = await arrived(PublicClient("b o t"))
    assert (request.headers, request.form) == ({}, {"grant_type": "client_credentials", "client_id": "b o t"})
    assert accepted(request, Registered("b o t", "", ["none"]), "none")


@pytest.mark.parametrize("form", ["pem", "pem bytes", "jwk", "jwk text", "function"])
@pytest.mark.parametrize(
    ("alg", "make"),
    [
        ("RS256", rsa_key),
        ("PS384", rsa_key),
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("ES512", lambda: ECKey.generate_key("P-521")),
        pytest.param(
            "EdDSA",
            lambda: OKPKey.generate_key("Ed25519"),
            marks=pytest.mark.filterwarnings("ignore:.*EdDSA"),  # RFC 9864 renames it, servers still say EdDSA
        ),
        ("Ed25519", lambda: OKPKey.generate_key("Ed25519")),
    ],
)
async def test_a_private_key_signs_a_jwt(alg: str, make: Any, form: str) -> None:
    """Law D5: `private_key_jwt` with RSA, EC and Ed keys, as PEM or JWK, passes Authlib's check and Jose's."""
    key = make()
    pem, jwk = key.as_pem(private=True), key.as_dict(private=True)
    given = {"pem": pem.decode(), "pem bytes": pem, "jwk": jwk, "jwk text": json.dumps(jwk), "function": lambda: jwk}
    request = await arrived(PrivateKeyJWT("bot", given[form], alg=alg))
    assert set(request.form) == {"grant_type", "client_id", "client_assertion_type", "client_assertion"}
    claims = jwt.decode(request.form["client_assertion"], key, algorithms=[alg]).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("bot", "bot", URL)
    client = Registered("bot", "", ["client_assertion_jwt"])
    check = AssertionCheck(key)
    if alg in {"RS256", "ES256"}:  # what the server half accepts unasked
        assert check(lambda _client_id: client, request) is client


async def test_an_assertion_lives_for_a_minute_and_is_made_for_each_request() -> None:
    """Law D5: an assertion that is found later is worth nothing; each has an id of its own."""
    client = PrivateKeyJWT("bot", rsa_key().as_pem(private=True))
    claims = [jwt.decode((await arrived(client)).form["client_assertion"], rsa_key()).claims for _ in range(2)]
    assert 59 <= claims[0]["exp"] - claims[0]["iat"] <= 61
    assert claims[0]["jti"] != claims[1]["jti"]


@pytest.mark.parametrize(("kid", "named"), [(None, "jwk-1"), ("mine", "mine")])
async def test_an_assertion_names_its_key(kid: str | None, named: str) -> None:
    """The key's name is the JWK's own unless another is given."""
    key = {**rsa_key().as_dict(private=True), "kid": "jwk-1"}
    request = await arrived(PrivateKeyJWT("bot", key, kid=kid))
    assert jwt.decode(request.form["client_assertion"], rsa_key()).header == {
        "typ": "JWT",
        "alg": "RS256",
        "kid": named,
    }


@pytest.mark.parametrize(
    ("members", "said", "thumbprint"),
    [
        ({"x5t#S256": "dGh1bWI"}, {}, {"x5t#S256": "dGh1bWI"}),
        ({}, {"x5t#S256": "b3RoZXI"}, {"x5t#S256": "b3RoZXI"}),
        ({"x5t": "b2xk", "x5t#S256": "dGh1bWI"}, {"x5t#S256": "b3RoZXI"}, {"x5t": "b2xk", "x5t#S256": "b3RoZXI"}),
    ],
)
async def test_an_assertion_names_its_certificate(
    members: dict[str, str], said: dict[str, str], thumbprint: dict[str, str]
) -> None:
    """Law D14: Entra ID and AD FS know a key by its certificate's thumbprint, given or in the JWK."""
    client = PrivateKeyJWT("bot", {**rsa_key().as_dict(private=True), "kid": "k", **members}, header=said)
    header = jwt.decode((await arrived(client)).form["client_assertion"], rsa_key()).header
    assert header == {"typ": "JWT", "alg": "RS256", "kid": "k", **thumbprint}


async def test_an_assertion_s_lifetime_can_be_said() -> None:
    """Law D14: in seconds, for clocks that are apart; a secret's has further header members as well."""
    for client, key in (
        (PrivateKeyJWT("bot", rsa_key().as_pem(private=True), lifetime=300), rsa_key()),
        (ClientSecretJWT("bot", CANARY, lifetime=300, header={"cty": "x"}), OctKey.import_key(CANARY)),
    ):
        signed = jwt.decode((await arrived(client)).form["client_assertion"], key)
        assert signed.claims["exp"] - signed.claims["iat"] == 300
        assert signed.header.get("cty") == (None if isinstance(client, PrivateKeyJWT) else "x")


@pytest.mark.parametrize(("issuer", "audience"), [("https://id.example", "https://id.example"), (None, None)])
@pytest.mark.parametrize("name", ["token", "device authorization", "revocation", "introspection"])
async def test_an_assertion_is_for_the_issuer(issuer: str | None, audience: str | None, name: str) -> None:
    """Law D14: an issuer that names another server's token endpoint as its own gets nothing that counts there."""
    async with token_server(says({})) as server:
        urls: dict[str, Any] = {
            f"{each}_url": f"{server.url}/{each}" for each in ("device_authorization", "revocation", "introspection")
        }
        client = PrivateKeyJWT("bot", rsa_key().as_pem(private=True))
        endpoint = TokenEndpoint(f"{server.url}/token", client, issuer=issuer, **urls)
        await endpoint.ask(name, Form(token="t"))
    claims = jwt.decode(server.received[0].form["client_assertion"], rsa_key()).claims
    assert claims["aud"] == (audience or f"{server.url}/token")


async def test_a_short_rsa_key_is_refused() -> None:
    """RFC 7518 section 3.3: RSA signs with 2,048 bits at least; the library for keys would warn only."""
    with pytest.warns(SecurityWarning, match="2048"):
        short = RSAKey.generate_key(1_024, auto_kid=False)
    with (
        pytest.warns(SecurityWarning, match="2048"),
        pytest.raises(ConfigurationError, match="RS256 needs an unencrypted private RSA key of 2048 bits at least"),
    ):
        await arrived(PrivateKeyJWT("bot", short.as_pem(private=True)))


async def test_a_pem_key_has_no_name() -> None:
    """No `kid` is made up."""
    request = await arrived(PrivateKeyJWT("bot", rsa_key().as_pem(private=True)))
    assert "kid" not in jwt.decode(request.form["client_assertion"], rsa_key()).header


@pytest.mark.parametrize(
    ("alg", "make"),
    [
        ("RS256", rsa_key),
        ("PS256", rsa_key),
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("Ed25519", lambda: OKPKey.generate_key("Ed25519")),
    ],
)
@pytest.mark.parametrize("form", ["text", "bytes", "function", "with its key", "a chain"])
async def test_a_certificate_s_thumbprints_are_computed(alg: str, make: Any, form: str) -> None:
    """Law D14: Entra ID and AD FS want them (RFC 7515 sections 4.1.7 and 4.1.8); those of a JWK are older."""
    key = make()
    pem, other = certificate_of(key), certificate_of(ECKey.generate_key("P-256"))
    given = {
        "text": pem,
        "bytes": pem.encode(),
        "function": lambda: pem,
        "with its key": key.as_pem(private=True).decode() + pem,
        "a chain": f"a bag\n{pem}{other}",
    }
    client = PrivateKeyJWT("bot", {**key.as_dict(private=True), "x5t": "old"}, alg=alg, certificate=given[form])
    request = await arrived(client)
    header = jwt.decode(request.form["client_assertion"], key, algorithms=[alg]).header
    found = load_pem_x509_certificate(pem.encode())
    assert {name: header[name] for name in header if name.startswith("x5")} == {
        "x5t": _base64url(found.fingerprint(SHA1())),  # noqa: S303  what x5t is
        "x5t#S256": _base64url(found.fingerprint(SHA256())),
    }


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


async def test_what_is_said_of_a_certificate_comes_first() -> None:
    """Law D14: `header` has the last word."""
    certificate = certificate_of(rsa_key())
    client = PrivateKeyJWT("bot", rsa_key().as_pem(private=True), certificate=certificate, header={"x5t": "mine"})
    header = jwt.decode((await arrived(client)).form["client_assertion"], rsa_key()).header
    assert (header["x5t"], len(header["x5t#S256"])) == ("mine", 43)


async def test_a_key_and_its_certificate_are_rotated_together() -> None:
    """Both are read anew for each request."""
    now = [rsa_key()]
    client = PrivateKeyJWT("bot", lambda: now[0].as_pem(private=True), certificate=lambda: certificate_of(now[0]))
    before = await arrived(client)
    now[0] = RSAKey.generate_key(2048)
    after = await arrived(client)
    jwt.decode(before.form["client_assertion"], rsa_key())
    jwt.decode(after.form["client_assertion"], now[0])


@pytest.mark.parametrize(
    ("certificate", "match"),
    [
        (lambda: certificate_of(RSAKey.generate_key(2048)), "is not that of its private key"),
        (lambda: certificate_of(ECKey.generate_key("P-256")), "cannot be read, or is of another kind"),
        ("-----BEGIN CERTIFICATE-----\n" + CANARY, "cannot be read"),
        (CANARY, "is a PEM text"),
        (lambda: "", "is empty"),
    ],
)
async def test_a_certificate_that_cannot_be_used(certificate: Any, match: str) -> None:
    """Law D6: said here, where it can be told apart, and not by a server's `invalid_client`."""
    client = PrivateKeyJWT("bot", rsa_key().as_pem(private=True), certificate=certificate)
    with pytest.raises(ConfigurationError, match=f"^the certificate of the client 'bot'.*{match}") as caught:
        await arrived(client)
    assert str(rsa_key().as_dict(private=True)["d"]) not in exposure(caught.value)


async def test_an_assertion_of_the_platform_is_read_for_each_request(tmp_path: Path) -> None:
    """RFC 7521 section 4.2: workload identity writes a JWT into a file, and another one every hour."""
    file = tmp_path / "token"
    client = ClientAssertion("b o t", file.read_text)
    async with token_server(says({"access_token": "a"})) as server:
        endpoint = TokenEndpoint(f"{server.url}/token", client)
        for text in ("header.claims.1\n", " header.claims.2 "):
            file.write_text(text)
            await endpoint.request("client_credentials", Form())
    assert [sent.form for sent in server.received] == [
        {
            "grant_type": "client_credentials",
            "client_id": "b o t",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": f"header.claims.{number}",
        }
        for number in (1, 2)
    ]


async def test_a_platform_s_assertion_is_judged_by_the_server_s_half() -> None:
    """RFC 7523 section 3: it is taken as one that the client signs itself."""
    signer = PrivateKeyJWT("bot", rsa_key().as_pem(private=True))
    made = (await arrived(signer)).form["client_assertion"]

    async def fetched() -> str:
        return made

    request = await arrived(ClientAssertion("bot", fetched))
    client = Registered("bot", "", ["client_assertion_jwt"])
    assert AssertionCheck(rsa_key())(lambda _client_id: client, request) is client


@pytest.mark.parametrize("alg", ["HS256", "HS512"])
async def test_a_secret_signs_a_jwt(alg: str) -> None:
    """Law D5: `client_secret_jwt` proves the secret without sending it."""
    request = await arrived(ClientSecretJWT("bot", CANARY, alg=alg))
    key = OctKey.import_key(CANARY)
    assert jwt.decode(request.form["client_assertion"], key, algorithms=[alg]).claims["aud"] == URL
    assert CANARY not in str(request)
    if alg == "HS256":
        client = Registered("bot", "", ["client_assertion_jwt"])
        assert AssertionCheck(key)(lambda _client_id: client, request) is client


async def test_an_audience_can_be_said() -> None:
    """Some servers want their issuer as the audience."""
    issuer = "https://id.example"
    for client, key in (
        (PrivateKeyJWT("bot", rsa_key().as_pem(private=True), audience=issuer), rsa_key()),
        (ClientSecretJWT("bot", CANARY, audience=issuer), OctKey.import_key(CANARY)),
    ):
        assert jwt.decode((await arrived(client)).form["client_assertion"], key).claims["aud"] == issuer


async def test_a_secret_is_read_for_each_request() -> None:
    """A rotated secret is used from the next request on."""
    secrets = ["one", "two"]
    client = ClientSecretPost("bot", lambda: secrets.pop(0))
    assert [(await arrived(client)).form["client_secret"] for _ in range(2)] == ["one", "two"]


def encrypted_pem() -> bytes:
    """Make a key that needs a passphrase."""
    key = generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(CANARY.encode()))


def pem_with_canary() -> str:
    """Make a broken key whose text can be found again."""
    return f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "make",
    [
        lambda: ClientSecretBasic("bot", ""),
        lambda: ClientSecretBasic("bot", CANARY + "\ud800"),
        lambda: ClientSecretPost("bot", CANARY + "\ud800"),
        lambda: ClientSecretPost("bot", lambda: 1 / 0),  # type: ignore[arg-type,return-value]
        lambda: PublicClient("\ud800"),
        lambda: ClientSecretJWT("bot", CANARY, alg="RS256"),
        lambda: ClientSecretJWT("bot", CANARY + "\ud800"),
        lambda: ClientSecretJWT("bot", rsa_key().as_pem(private=False).decode()),
        lambda: PrivateKeyJWT("bot", CANARY),
        lambda: PrivateKeyJWT("bot", CANARY, alg="none"),
        lambda: PrivateKeyJWT("bot", CANARY, alg="HS256"),
        lambda: PrivateKeyJWT("bot", pem_with_canary()),
        lambda: PrivateKeyJWT("bot", f'{{"kty": "RSA", "n": "{CANARY}"'),
        lambda: PrivateKeyJWT("bot", {"kty": "RSA", "n": CANARY, "e": "AQAB", "d": CANARY}),
        lambda: PrivateKeyJWT("bot", rsa_key().as_pem(private=False)),
        lambda: PrivateKeyJWT("bot", rsa_key().as_pem(private=True), alg="ES256"),
        lambda: PrivateKeyJWT("bot", rsa_key().as_pem(private=True), alg="RS1"),
        lambda: PrivateKeyJWT("bot", OKPKey.generate_key("X25519").as_pem(private=True), alg="EdDSA"),
        lambda: PrivateKeyJWT("bot", encrypted_pem()),
        lambda: PrivateKeyJWT("bot", 7),  # type: ignore[arg-type]
        lambda: PrivateKeyJWT("bot", rsa_key().as_pem(private=True), certificate=7),  # type: ignore[arg-type]
        lambda: ClientAssertion("bot", ""),
        lambda: ClientAssertion("bot", lambda: ""),
        lambda: ClientAssertion("bot", CANARY + "\ud800"),
        lambda: ClientAssertion("bot", CANARY + "\n" + CANARY),
        lambda: ClientAssertion("bot", lambda: 1 / 0),  # type: ignore[arg-type,return-value]
    ],
)
async def test_a_secret_that_cannot_be_used_is_a_configuration_error(make: Any) -> None:
    """Laws D6 and G1: the error names the client, and shows no part of a key or secret anywhere."""
    with pytest.raises(ConfigurationError) as caught:
        await arrived(make())
    shown = exposure(caught.value)
    assert not [secret for secret in (CANARY, "BEGIN", rsa_key().as_dict(private=True)["d"]) if str(secret) in shown]


@pytest.mark.parametrize(
    "client",
    [
        ClientSecretBasic("bot", CANARY),
        ClientSecretPost("bot", CANARY),
        ClientSecretJWT("bot", CANARY),
        PrivateKeyJWT("bot", CANARY, certificate=CANARY),
        ClientAssertion("bot", CANARY),
    ],
)
def test_a_client_authentication_is_a_value_that_shows_nothing(client: Any) -> None:
    """Law G1: frozen, comparable, its repr without the secret, not to be pickled."""
    assert CANARY not in repr(client)
    assert "bot" in repr(client)
    assert client == copy.copy(client)
    assert isinstance(hash(client), int)
    with pytest.raises(AttributeError):
        client.client_id = "other"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(client)
