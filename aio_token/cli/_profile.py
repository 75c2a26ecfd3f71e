"""A profile: one sign-in at one issuer, and where its token is kept. It holds no secret."""

from __future__ import annotations

import json
import re

from aio_token._credential import IssuedBy
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.value import Value

if TYPE_CHECKING:
    from typing import Any, Literal

    GrantType = Literal["refresh_token", "client_credentials"]
    ClientAuth = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
    Pushing = Literal["always"]
    StoreKind = Literal["encrypted", "plain"]

VERSION = 1

DEFAULT_PROFILE = "default"
PROFILE_VARIABLE = "AIO_TOKEN_PROFILE"

GRANT_TYPES: tuple[GrantType, ...] = ("refresh_token", "client_credentials")
"""How the token is renewed, in RFC 6749's words: a person has signed in, or the client asks for itself."""
CLIENT_AUTHS: tuple[ClientAuth, ...] = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
"""How the client proves who it is, in RFC 7591's words."""
PUSHINGS: tuple[Pushing, ...] = ("always",)
"""When authorization requests are pushed to the server (RFC 9126), besides where its metadata demands it."""
STORE_KINDS: tuple[StoreKind, ...] = ("encrypted", "plain")

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


def is_name(text: str) -> bool:
    """Whether the text names a profile: a part of a file's name that no system reads in another way."""
    return _NAME.fullmatch(text) is not None


class NewerProfile(ValueError):
    """A newer release has written it."""


class Profile(Value):
    """What `login` was told, and what the issuer said about itself then.

    The members that end in `_url` were given by hand, the endpoints are what is used. With a `token_url` nothing is
    discovered, and the issuer, if there is one, is a name alone.

    `client_secret`, `client_key`, `assertion` and `key` tell where a secret is, not what it is: see
    `_client_secret.py`, `_assertion.py` and `_encryption_key.py`. `request` sends the token to `origins` and nowhere
    else. `dpop` says that tokens are bound to a key. `certificate` and `certificate_key` are the files of what is
    shown in TLS, and the aliases are where (RFC 8705). `authorization_details` are JSON (RFC 9396).
    """

    client_id: str
    token_endpoint: str
    issuer: str | None = None
    metadata_url: str | None = None
    token_url: str | None = None
    authorization_url: str | None = None
    device_url: str | None = None
    revocation_url: str | None = None
    push_url: str | None = None
    revocation_endpoint: str | None = None
    token_alias: str | None = None
    revocation_alias: str | None = None
    grant: GrantType = "refresh_token"
    scope: str | None = None
    audience: str | None = None
    resource: tuple[str, ...] = ()
    authorization_details: str | None = None
    redirect_uri: str | None = None
    push: Pushing | None = None
    client_auth: ClientAuth = "none"
    client_secret: str | None = None
    client_key: str | None = None
    client_key_alg: str | None = None
    client_key_id: str | None = None
    client_certificate: str | None = None
    assertion: str | None = None
    store: StoreKind = "encrypted"
    key: str | None = None
    certificate: str | None = None
    certificate_key: str | None = None
    ca_file: str | None = None
    proxy: str | None = None
    origins: tuple[str, ...] = ()
    dpop: bool = False

    @property
    def issued_by(self) -> IssuedBy:
        """What the profile's credential carries; a person's may have any scope, the one that was agreed to."""
        asks = self.grant == "client_credentials"
        return IssuedBy(
            token_endpoint=self.token_endpoint,
            client_id=self.client_id,
            scope=(self.scope or "") if asks else None,
            audience=" ".join(filter(None, (self.audience, *self.resource))) if asks else None,
        )

    @property
    def details(self) -> list[Any] | None:
        """The authorization details that are asked for."""
        found: list[Any] | None = None if self.authorization_details is None else json.loads(self.authorization_details)
        return found

    @property
    def server(self) -> str:
        """What people are told of the server: the issuer, or where the endpoint is that was given by hand."""
        if self.issuer is not None:
            return self.issuer
        from aio_token.oauth.url import origin_of

        return origin_of(self.token_endpoint)

    @property
    def secret_variables(self) -> set[str]:
        """The environment variables that hold secrets of this profile's."""
        places = (self.client_secret, self.client_key, self.assertion, self.key)
        sources = [source.partition(":") for source in places if source]
        return {name for kind, _, name in sources if kind == "env"}

    def to_json(self) -> bytes:
        """Write the profile."""
        return json.dumps({"version": VERSION, **self.members()}, indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, text: bytes) -> Profile:
        """Read what `to_json` wrote, or a person. Raises ValueError with the reason."""
        try:
            members = json.loads(text)
        except (ValueError, RecursionError):
            members = None
        if not isinstance(members, dict):
            message = "it is not a JSON object"
            raise ValueError(message)  # noqa: TRY004  whatever the detail, it cannot be read
        version = members.get("version")
        if isinstance(version, int) and version > VERSION:
            raise NewerProfile
        if version != VERSION:
            message = f"its version is not {VERSION}"
            raise ValueError(message)
        given = {name: members[name] for name in cls._described if members.get(name) is not None}
        wrong = [name for name, value in given.items() if not _fits(name, value)]
        if wrong:
            message = f"its {wrong[0]} is not what it should be"
            raise ValueError(message)
        needed = ("issuer" if "token_url" not in given else "token_url", "client_id", "token_endpoint")
        missing = [name for name in needed if name not in given]
        if missing:
            message = f"it has no {missing[0]}"
            raise ValueError(message)
        return cls(**{**given, **{name: tuple(given.get(name, ())) for name in _SEVERAL}})


_SEVERAL = ("origins", "resource")
_CHOICES = {
    "push": PUSHINGS,
    "grant": GRANT_TYPES,
    "client_auth": CLIENT_AUTHS,
    "store": STORE_KINDS,
}
_PLACES = {"client_secret": ("stored",), "client_key": (), "assertion": (), "key": ("keyring",)}
"""Where secrets may be, besides a variable, a file and a platform's address; a secret itself is refused (law G5)."""


def _fits(name: str, value: object) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name in _PLACES:
        return isinstance(value, str) and (value in _PLACES[name] or _is_place(value))
    if name == "authorization_details":
        return isinstance(value, str) and _is_list(value)
    if name in _SEVERAL:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, bool if name == "dpop" else str)


def _is_place(text: str) -> bool:
    kind, _, detail = text.partition(":")
    return kind in {"env", "file", "url"} and bool(detail)


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False
