"""How a program registers itself at an authorization server that lets it (RFC 7591)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from aio_token._arguments import demand_one_of
from aio_token._errors import ConfigurationError, ServerUnavailable
from aio_token._ground.public import public
from aio_token._ground.value import Value, field
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_port, check_text, judged
from aio_token.oauth.client_auth import ClientSecretBasic, ClientSecretPost, PublicClient
from aio_token.oauth.form import Request
from aio_token.oauth.reading import read_object
from aio_token.oauth.sending import send
from aio_token.oauth.server_text import quoted
from aio_token.oauth.url import without_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.exchange import Reply
    from aio_token.oauth.provider import Provider

_METHODS = ("none", "client_secret_basic", "client_secret_post")  # that a program of this kind can use
_MOST = 2_048  # characters of an id or a secret
_LATEST = 1e12  # POSIX seconds
_SHOWN = re.compile(r"[\x21-\x7e]+")
_CREATED, _OK, _TOO_MANY, _SERVER = 201, 200, 429, 500


@public
@judged
class ClientMetadata(Value):
    """How a program describes itself to a server that it has no registration at.

    `name` is what the person reads who is asked to agree. `url` is the address of a client id metadata document, if the
    program has published one: a server that says that it reads such documents takes the address for the client's id.
    Any other gets a registration (RFC 7591).

    `host`, `port` and `path` are where the browser comes back to on this machine, as `AuthorizationCodeGrant` takes
    them; with port 0 a free one is chosen once and registered, for servers that compare it. They count when the program
    is registered; after that the registration says it. For a document, port 0 is any free one each time.
    """

    name: str = "aio_token"
    url: str | None = None
    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: int = 0
    path: str = "/callback"

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("url", self.url, optional=True)
        demand_one_of(self.host, ("127.0.0.1", "::1", "localhost"), "host")
        check_port(self.port)
        check_text("path", self.path)


class Registration(Unpicklable, Value):
    """What a server knows a program by; `expires_at` (POSIX seconds) is when its secret ends, None for never."""

    issuer: str
    client_id: str
    redirect_uri: str
    method: str = "none"
    secret: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    @property
    def client(self) -> ClientAuthentication:
        """How the program proves that it is this client."""
        if self.secret is None or self.method == "none":
            return PublicClient(self.client_id)
        kind = ClientSecretPost if self.method == "client_secret_post" else ClientSecretBasic
        return kind(self.client_id, self.secret)

    def counts(self, now: float) -> bool:
        """Whether its secret has not ended."""
        return self.expires_at is None or now < self.expires_at

    def kept(self) -> dict[str, object]:
        """Return what is kept of it, its secret included."""
        return {**self.members(), "secret": self.secret}

    @classmethod
    def of(cls, kept: object) -> Registration | None:
        """Read what `kept` has given, None for what is something else."""
        try:
            found = cls(**kept) if isinstance(kept, dict) else None
        except TypeError:  # a later release wrote it
            return None
        return found if found is not None and found.client_id and found.redirect_uri else None


async def register(provider: Provider, wanted: ClientMetadata, redirect_uri: str, scope: str | None) -> Registration:
    """Register the program.

    Raises `ConfigurationError` if the server does not want to, or makes something else of it, and `ServerUnavailable`.
    """
    metadata, issuer = provider.metadata, provider.issuer
    url = metadata.get("registration_endpoint")
    if url is None:
        message = f"{issuer} registers no programs by itself; register this one there, and pass it as client="
        raise ConfigurationError(message)
    supported = metadata.get("token_endpoint_auth_methods_supported")
    known = supported if isinstance(supported, list) else ["client_secret_basic"]  # RFC 8414 section 2
    usable = [method for method in known if method in _METHODS]
    method = "none" if "none" in usable else next(iter(usable), None)
    if method is None:
        message = (
            f"{issuer} wants clients to prove themselves by a key; register this one there, and pass it as client="
        )
        raise ConfigurationError(message)
    asked = {
        "client_name": wanted.name,
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": "native",
        "scope": scope,
    }
    request = Request(
        to=f"the registration endpoint of {issuer}",
        url=str(url),
        headers={"Content-Type": "application/json"},
        body=json.dumps({name: value for name, value in asked.items() if value is not None}),
        repeatable=False,
    )
    reply = await send(request, provider.transport)
    return _registered(_Answer(reply, issuer, without_query(str(url))), redirect_uri, method)


class _Answer:
    """An answer, as an object: no frame shows the secret in it."""

    def __init__(self, reply: Reply, issuer: str, at: str) -> None:
        self._reply = reply
        self.issuer = issuer
        self._at = at
        self.members: Mapping[str, Any] = read_object(reply.body) or {}

    def failure(self) -> ConfigurationError | ServerUnavailable | None:
        """Return what is wrong with it, None if nothing is."""
        status = self._reply.status
        if status in {_CREATED, _OK} and self.text("client_id") is not None:
            return None
        said = ": ".join(filter(None, (quoted(self.members.get(name)) for name in ("error", "error_description"))))
        what = f"the registration endpoint {self._at} answered {status}{f' ({said})' if said else ''}"
        if status == _TOO_MANY or status >= _SERVER:
            return ServerUnavailable(f"{what}; try again later")
        return ConfigurationError(f"{what}; register the program at {self.issuer} by hand, and pass it as client=")

    def text(self, name: str) -> str | None:
        """Return a member if it is text that can stand in a request."""
        value = self.members.get(name)
        return value if isinstance(value, str) and len(value) <= _MOST and _SHOWN.fullmatch(value) else None

    def expires_at(self) -> float | None:
        """Return when the secret ends; 0 says never (RFC 7591 section 3.2.1)."""
        value = self.members.get("client_secret_expires_at")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            return None
        return float(min(value, _LATEST))


def _registered(answer: _Answer, redirect_uri: str, asked: str) -> Registration:
    """Return what was registered; servers may make something else of what was asked (RFC 7591 section 3.2.1)."""
    if (failure := answer.failure()) is not None:
        raise failure
    addresses = answer.members.get("redirect_uris")
    if isinstance(addresses, list) and redirect_uri not in addresses:
        message = f"{answer.issuer} registered the program with other redirect addresses than {redirect_uri}; "
        message += "register it by hand, and pass it as client="
        raise ConfigurationError(message)
    method = answer.text("token_endpoint_auth_method") or asked
    if method != "none" and (method not in _METHODS or answer.text("client_secret") is None):
        message = (
            f"{answer.issuer} registered the program to prove itself by {quoted(method)}, without a secret for it; "
        )
        message += "register it by hand, and pass it as client="
        raise ConfigurationError(message)
    return Registration(
        issuer=answer.issuer,
        client_id=answer.text("client_id") or "",
        redirect_uri=redirect_uri,
        method=method,
        secret=answer.text("client_secret") if method != "none" else None,
        expires_at=answer.expires_at() if method != "none" else None,
    )
