"""How a client proves to an authorization server who it is: one value, so that two ways at once cannot be written."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import quote

from aio_token._errors import ConfigurationError, raise_alone
from aio_token._ground.public import public
from aio_token._ground.value import Value, field, replace
from aio_token._pacing.proof import digest
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_header, check_seconds, check_secret, check_text, judged
from aio_token.oauth.secret import Revealed, reveal

if TYPE_CHECKING:
    from joserfc.jwk import Key as JoseKey

    from aio_token.oauth.form import Request
    from aio_token.oauth.secret import Secret

KeyText = str | bytes | Mapping[str, Any]
"""A private key as PEM or JWK (its JSON, or a mapping)."""
Key = KeyText | Callable[[], KeyText | Awaitable[KeyText]]
"""A private key, or a function, asynchronous or not, that returns it."""

ASSERTION_LIFETIME = 60  # seconds: it is used at once, and is worth nothing to anyone who finds it later
_OF_THE_KEY = ("kid", "x5t", "x5t#S256")
"""What a JWT's header says of its key (RFC 7515 section 4.1), and a JWK too (RFC 7517 section 4)."""
_KEY_TYPES: dict[str, Literal["RSA", "EC", "OKP"]] = {
    "RS": "RSA",
    "PS": "RSA",
    "ES": "EC",
    "Ed": "OKP",
}  # by the first letters of `alg`


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
    """`client_secret_basic` (RFC 6749 section 2.3.1): id and secret in an HTTP Basic header."""

    client_id: str
    secret: Secret = field(repr=False)

    def __post_init__(self) -> None:
        _check_secret_of(self.client_id, self.secret)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and secret."""
        return await _fingerprint(self, salt)

    async def authenticate(self, request: Request, audience: str) -> Request:  # noqa: ARG002  see the protocol
        """Put the header on the request."""
        secret = await reveal(self.secret, f"the secret of the client {self.client_id!r}")
        # Percent-encoded as the RFC wants it, which Authlib leaves out, and with %20 for a space, which every server
        # tried takes, while "+" was not taken by all (law D5).
        return _prepared(request, "client_secret_basic", self.client_id, secret, encoded=True)


@public
@judged
class ClientSecretPost(Unpicklable, Value, kw_only=False):
    """`client_secret_post` (RFC 6749 section 2.3.1): id and secret in the body."""

    client_id: str
    secret: Secret = field(repr=False)

    def __post_init__(self) -> None:
        _check_secret_of(self.client_id, self.secret)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and secret."""
        return await _fingerprint(self, salt)

    async def authenticate(self, request: Request, audience: str) -> Request:  # noqa: ARG002  see the protocol
        """Put id and secret into the body."""
        secret = await reveal(self.secret, f"the secret of the client {self.client_id!r}")
        return _prepared(request, "client_secret_post", self.client_id, secret)


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
        return _prepared(request, "none", self.client_id)


@public
@judged
class PrivateKeyJWT(Unpicklable, Value, kw_only=False):
    """`private_key_jwt` (RFC 7523 section 2.2): a short-lived JWT, signed with the client's private key.

    `kid` names the key, by default as its JWK does. `audience` is the JWT's receiver, by default the issuer where it is
    known, else the token endpoint's address: whoever else gets the JWT cannot use it there. Some servers want another,
    such as Entra ID its token endpoint's address. `lifetime` is in seconds. `header` are further members of the JWT's
    header, such as the certificate's thumbprint, `x5t#S256`; those of a JWK are taken from it.
    """

    client_id: str
    key: Key = field(repr=False, hash=False)
    alg: str = field(default="RS256", kw_only=True)
    kid: str | None = field(default=None, kw_only=True)
    audience: str | None = field(default=None, kw_only=True)
    lifetime: int = field(default=ASSERTION_LIFETIME, kw_only=True)
    header: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        check_text("the client's id", self.client_id)
        check_secret(f"the private key of the client {self.client_id!r}", self.key, (str, bytes, Mapping))
        check_text("alg", self.alg)
        check_text("kid", self.kid, optional=True)
        check_text("audience", self.audience, optional=True)
        check_seconds("lifetime", self.lifetime)
        check_header(self.header)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of id and key, and of what the JWT says beside them."""
        name = f"the private key of the client {self.client_id!r}"
        key: Revealed[KeyText] = await reveal(self.key, name, kinds=(str, bytes, Mapping))
        beside = (self.alg, self.kid, self.audience, self.lifetime, dict(self.header))
        return digest(salt, type(self).__name__, self.client_id, key.value, *beside)

    async def authenticate(self, request: Request, audience: str) -> Request:
        """Put the JWT into the body."""
        from authlib.oauth2.rfc7523 import PrivateKeyJWT as Method  # noqa: PLC0415  slow to import, needed by few

        name = f"the private key of the client {self.client_id!r}"
        key = Revealed(await private_key(self.key, self.alg, name))
        header = header_for(key, self.kid, self.header)
        method = Method(self.audience or audience, _claims(request, self.lifetime), header, self.alg)
        return _prepared(_prepared(request, "none", self.client_id), method, self.client_id, key)


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
        secret = await reveal(self.secret, f"the secret of the client {self.client_id!r}")
        method = Method(self.audience or audience, _claims(request, self.lifetime), dict(self.header), self.alg)
        return _prepared(_prepared(request, "none", self.client_id), method, self.client_id, secret)


def _check_secret_of(client_id: object, secret: object) -> None:
    check_text("the client's id", client_id)
    check_secret(f"the secret of the client {client_id!r}", secret)


async def _fingerprint(
    client: ClientSecretBasic | ClientSecretPost | ClientSecretJWT, salt: bytes, *beside: object
) -> str:
    secret = await reveal(client.secret, f"the secret of the client {client.client_id!r}")
    return digest(salt, type(client).__name__, client.client_id, secret.value, *beside)


def _claims(request: Request, lifetime: int) -> dict[str, object]:
    now = int(time.time() if request.sent_at is None else request.sent_at)
    return {"iat": now, "exp": now + lifetime}


def header_for(key: Revealed[JoseKey], kid: str | None, header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header of a JWT; what is not said is as the key's JWK has it."""
    own = {name: key.value.get(name) for name in _OF_THE_KEY}
    return {**{name: text for name, text in own.items() if text}, **header, **({"kid": kid} if kid else {})}


async def private_key(given: Key, alg: str, name: str) -> JoseKey:
    """Read a private key for this algorithm; `name` is what messages call it.

    Raises `ConfigurationError` if there is no such algorithm, or if the key does not fit it.
    """
    from joserfc.jwk import import_key  # noqa: PLC0415  slow to import, needed by few

    held = Revealed(given)
    del given  # the frame of an exception would show it
    kind = _KEY_TYPES.get(alg[:2])
    if kind is None:
        message = f"{alg!r} is no algorithm for a private key; pass alg='RS256', 'PS256', 'ES256' or 'Ed25519'"
        raise ConfigurationError(message)
    text: Revealed[KeyText] = await reveal(held.value, name, kinds=(str, bytes, Mapping))
    try:
        if isinstance(text.value, str | bytes) and text.value.lstrip()[:1] in {"{", b"{"}:
            text.value = json.loads(text.value)
        key = import_key(dict(text.value) if isinstance(text.value, Mapping) else text.value, kind)
        if not key.is_private:
            raise ValueError  # noqa: TRY301  as if it could not be read
    except Exception:  # noqa: BLE001  whatever the parser raises may quote the key
        message = f"{name} cannot be used: {alg} needs an unencrypted private {kind} key, as PEM or JWK"
        raise_alone(ConfigurationError(message))
    return key


def _prepared(
    request: Request, method: object, client_id: str, secret: Revealed[Any] | None = None, *, encoded: bool = False
) -> Request:
    """Let Authlib put the proof on the request."""
    from authlib.oauth2.auth import ClientAuth  # noqa: PLC0415  slow to import, and not needed to serve from a store

    secret = secret or Revealed("")
    done = Revealed(("", dict(request.headers), request.body))
    try:
        client = ClientAuth(client_id, secret.value, method)
        if encoded:
            client.client_id, client.client_secret = quote(client_id, safe=""), quote(secret.value, safe="")
        done.value = client.prepare(  # type: ignore[no-untyped-call]  # types-authlib leaves it out
            request.method, request.url, *done.value[1:]
        )
    except Exception as error:  # noqa: BLE001  whatever a library raises may quote the secret
        message = f"the client {client_id!r} cannot be authenticated with what it was given ({type(error).__name__})"
        raise_alone(ConfigurationError(message))
    _, headers, body = done.value
    sent = (secret.value, *headers.get("Authorization", "").split()[1:])
    secrets = (*request.secrets, *(text for text in sent if isinstance(text, str)))
    return replace(request, headers=headers, body=body, secrets=secrets)
