"""How a client proves to an authorization server who it is: one value, so that two ways at once cannot be written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token._ground.value import Value, field, replace
from aio_token._pacing.proof import digest
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_header, check_seconds, check_secret, check_text, judged
from aio_token.oauth.authlib_half import in_utf_8, percent_encoded, prepared
from aio_token.oauth.secret import Revealed, reveal
from aio_token.oauth.signing_key import header_for, private_key, revealed_certificate

if TYPE_CHECKING:
    from aio_token.oauth.form import Request
    from aio_token.oauth.secret import Secret
    from aio_token.oauth.signing_key import Certificate, Key, KeyText

ASSERTION_LIFETIME = 60  # seconds: it is used at once, and is worth nothing to anyone who finds it later
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 section 2.2


@public
class ClientAuthentication(Protocol):
    """Proves the client's identity on a request to a token endpoint or one beside it.

    One with a `fingerprint` as well (see `aio_token.grants.Fingerprinting`) is asked again at once after a refusal when
    its secret has changed.
    """

    @property
    def client_id(self) -> str:
        """The client's identifier, which is no secret (RFC 6749 section 2.2)."""
        ...

    async def authenticate(self, request: Request, audience: str) -> Request:
        """Return the request with the proof on it.

        `audience` is the issuer's name, or the token endpoint's address where that is not known. `request.sent_at` is
        the time for what is signed. Raises `ConfigurationError` if the proof cannot be made.
        """
        ...


@public
@judged
class ClientSecretBasic(Unpicklable, Value, kw_only=False):
    """`client_secret_basic` (RFC 6749 section 2.3.1): id and secret in an HTTP Basic header.

    Both are percent-encoded, as the RFC wants it; `encoded` False leaves them as they are, for a server that takes them
    so. `empty` says that the secret is the empty text, as of some apps on devices; without it an empty one is taken for
    a variable that is not set.
    """

    client_id: str
    secret: Secret = field(repr=False)
    encoded: bool = field(default=True, kw_only=True)
    empty: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _check_secret_of(self.client_id, self.secret, empty=self.empty)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and secret, and of how they are written."""
        return await _fingerprint(self, salt, self.encoded)

    async def authenticate(self, request: Request, audience: str) -> Request:  # noqa: ARG002  see the protocol
        """Put the header on the request."""
        secret = await _secret_of(self)
        return prepared(
            request,
            "client_secret_basic",
            self.client_id,
            secret,
            write=percent_encoded if self.encoded else in_utf_8,
        )


@public
@judged
class ClientSecretPost(Unpicklable, Value, kw_only=False):
    """`client_secret_post` (RFC 6749 section 2.3.1): id and secret in the body.

    `empty` is as with `ClientSecretBasic`.
    """

    client_id: str
    secret: Secret = field(repr=False)
    empty: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _check_secret_of(self.client_id, self.secret, empty=self.empty)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and secret."""
        return await _fingerprint(self, salt)

    async def authenticate(self, request: Request, audience: str) -> Request:  # noqa: ARG002  see the protocol
        """Put id and secret into the body."""
        secret = await _secret_of(self)
        return prepared(request, "client_secret_post", self.client_id, secret)


@public
@judged
class PublicClient(Unpicklable, Value, kw_only=False):
    """`none` (RFC 7591 section 2): a client without a secret says its id."""

    client_id: str

    def __post_init__(self) -> None:
        check_text("the client's id", self.client_id)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of the id."""
        return digest(salt, type(self).__name__, self.client_id)

    async def authenticate(self, request: Request, audience: str) -> Request:  # noqa: ARG002  see the protocol
        """Put the id into the body."""
        return prepared(request, "none", self.client_id)


@public
@judged
class PrivateKeyJWT(Unpicklable, Value, kw_only=False):
    """`private_key_jwt` (RFC 7523 section 2.2): a short-lived JWT, signed with the client's private key.

    `kid` names the key, by default as its JWK does. `audience` is the JWT's receiver, by default the issuer where it is
    known, else the token endpoint's address: whoever else gets the JWT cannot use it there. Some servers want another,
    such as Entra ID its token endpoint's address. `lifetime` is in seconds. `certificate` is the key's, as PEM, for
    servers that know a key by its certificate: its thumbprints stand in the JWT's header then, as `x5t` and `x5t#S256`;
    those of a JWK are taken from it. `header` are further members of the header, such as `x5c`.
    """

    client_id: str
    key: Key = field(repr=False, hash=False)
    alg: str = field(default="RS256", kw_only=True)
    kid: str | None = field(default=None, kw_only=True)
    audience: str | None = field(default=None, kw_only=True)
    lifetime: int = field(default=ASSERTION_LIFETIME, kw_only=True)
    header: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    certificate: Certificate | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        check_text("the client's id", self.client_id)
        check_secret(f"the private key of the client {self.client_id!r}", self.key, (str, bytes, Mapping))
        check_text("alg", self.alg)
        check_text("kid", self.kid, optional=True)
        check_text("audience", self.audience, optional=True)
        check_seconds("lifetime", self.lifetime)
        check_header(self.header)
        if self.certificate is not None:
            check_secret(f"the certificate of the client {self.client_id!r}", self.certificate, (str, bytes))

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and key, and of what the JWT says beside them."""
        name = f"the private key of the client {self.client_id!r}"
        key: Revealed[KeyText] = await reveal(self.key, name, kinds=(str, bytes, Mapping))
        certificate = await revealed_certificate(self.certificate, f"the client {self.client_id!r}")
        beside = (self.alg, self.kid, self.audience, self.lifetime, dict(self.header), certificate)
        return digest(salt, type(self).__name__, self.client_id, key.value, *beside)

    async def authenticate(self, request: Request, audience: str) -> Request:
        """Put the JWT into the body."""
        from authlib.oauth2.rfc7523 import PrivateKeyJWT as Method  # noqa: PLC0415  slow to import, needed by few

        whose = f"the client {self.client_id!r}"
        key = Revealed(await private_key(self.key, self.alg, f"the private key of {whose}"))
        header = await header_for(key, self.kid, self.header, self.certificate, whose)
        method = Method(self.audience or audience, _claims(request, self.lifetime), header, self.alg)
        return prepared(prepared(request, "none", self.client_id), method, self.client_id, key)


@public
@judged
class ClientSecretJWT(Unpicklable, Value, kw_only=False):
    """`client_secret_jwt` (RFC 7523 section 2.2): a short-lived JWT, signed with the client's secret.

    `audience`, `lifetime` and `header` are as with `PrivateKeyJWT`.
    """

    client_id: str
    secret: Secret = field(repr=False)
    alg: str = field(default="HS256", kw_only=True)
    audience: str | None = field(default=None, kw_only=True)
    lifetime: int = field(default=ASSERTION_LIFETIME, kw_only=True)
    header: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        _check_secret_of(self.client_id, self.secret)
        check_text("alg", self.alg)
        check_text("audience", self.audience, optional=True)
        check_seconds("lifetime", self.lifetime)
        check_header(self.header)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and secret, and of what the JWT says beside them."""
        return await _fingerprint(self, salt, self.alg, self.audience, self.lifetime, dict(self.header))

    async def authenticate(self, request: Request, audience: str) -> Request:
        """Put the JWT into the body."""
        from authlib.oauth2.rfc7523 import ClientSecretJWT as Method  # noqa: PLC0415  slow to import, needed by few

        if not self.alg.startswith("HS"):
            message = f"{self.alg!r} is no algorithm for a secret; pass alg='HS256', 'HS384' or 'HS512'"
            raise ConfigurationError(message)
        secret = await _secret_of(self)
        method = Method(self.audience or audience, _claims(request, self.lifetime), dict(self.header), self.alg)
        return prepared(prepared(request, "none", self.client_id), method, self.client_id, secret)


@public
@judged
class ClientAssertion(Unpicklable, Value, kw_only=False):
    """A JWT that another party makes and signs for the client (RFC 7521 section 4.2): workload identity.

    The platform proves what runs on it, and no secret has to be kept. `assertion` is a function that returns the JWT,
    such as `Path("/var/run/secrets/tokens/id").read_text` for a file that is rotated: it is asked for each request.
    """

    client_id: str
    assertion: Secret = field(repr=False)

    def __post_init__(self) -> None:
        check_text("the client's id", self.client_id)
        check_secret(f"the assertion of the client {self.client_id!r}", self.assertion)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and JWT."""
        return digest(salt, type(self).__name__, self.client_id, (await self._assertion()).value)

    async def authenticate(self, request: Request, audience: str) -> Request:  # noqa: ARG002  see the protocol
        """Put the JWT into the body."""
        held = await self._assertion()
        request = prepared(request, "none", self.client_id)
        proof = Revealed({"client_assertion_type": _ASSERTION_TYPE, "client_assertion": held.value})
        return replace(
            request,
            body=f"{request.body}&{urlencode(proof.value)}",
            secrets=(*request.secrets, held.value),
        )

    async def _assertion(self) -> Revealed[str]:
        held = await reveal(self.assertion, f"the assertion of the client {self.client_id!r}")
        held.value = held.value.strip()
        if not (held.value.isascii() and held.value.isprintable()):
            message = f"the assertion of the client {self.client_id!r} is no JWT"
            raise ConfigurationError(message)
        return held


def _check_secret_of(client_id: object, secret: object, *, empty: bool = False) -> None:
    check_text("the client's id", client_id)
    if not empty:
        check_secret(f"the secret of the client {client_id!r}", secret)
    elif secret != "":
        message = f"the client {client_id!r} has a secret, which `empty` says is none"
        raise ConfigurationError(message)


async def _secret_of(client: ClientSecretBasic | ClientSecretPost | ClientSecretJWT) -> Revealed[str]:
    if getattr(client, "empty", False):
        return Revealed("")
    return await reveal(client.secret, f"the secret of the client {client.client_id!r}")


async def _fingerprint(
    client: ClientSecretBasic | ClientSecretPost | ClientSecretJWT, salt: bytes, *beside: object
) -> str:
    secret = await _secret_of(client)
    return digest(salt, type(client).__name__, client.client_id, secret.value, *beside)


def _claims(request: Request, lifetime: int) -> dict[str, object]:
    now = int(time.time() if request.sent_at is None else request.sent_at)
    return {"iat": now, "exp": now + lifetime}
