"""An authorization server as its own metadata describes it (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

from aio_token._errors import ConfigurationError, ServerUnavailable
from aio_token._ground.public import public
from aio_token.oauth.endpoint import TokenEndpoint
from aio_token.oauth.exchange import BODY_CAP
from aio_token.oauth.form import Request
from aio_token.oauth.reading import read_object
from aio_token.oauth.secret import Revealed
from aio_token.oauth.sending import send
from aio_token.oauth.server_text import MAX_QUOTED, quoted
from aio_token.oauth.transport import DIRECT, check_transport
from aio_token.oauth.url import origin_of, problem_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from aio_token._clock import Clock
    from aio_token._errors import TokenError
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.dialect import Dialect
    from aio_token.oauth.transport import Transport


@public
class EndpointOptions(TypedDict, total=False):
    """What `TokenEndpoint` takes besides its addresses."""

    parameters: Mapping[str, str | Sequence[str]] | None
    refresh_url: str | None
    dialect: Dialect
    revocation_ends_grant: bool
    rotation_grace: float
    transport: Transport
    send_secrets_over_plain_http: bool
    clock: Clock


@public
@dataclass(frozen=True, slots=True, repr=False)
class Provider:
    """What an issuer says about itself; `Provider.discover` asks it.

    `metadata` is all of it. `transport` and `send_secrets_over_plain_http` are what its token endpoint is reached with.
    """

    issuer: str
    metadata: Mapping[str, Any] = field(hash=False)
    transport: Transport = field(default=DIRECT, kw_only=True)
    send_secrets_over_plain_http: bool = field(default=False, kw_only=True)

    @classmethod
    async def discover(
        cls, issuer: str, *, transport: Transport = DIRECT, send_secrets_over_plain_http: bool = False
    ) -> Provider:
        """Read the issuer's metadata; its token endpoint will be reached in the same way.

        Raises `ConfigurationError` if there is none, if it is another issuer's (RFC 8414 section 3.3), or if an address
        in it is not https (law A2), and `ServerUnavailable` if the issuer cannot be reached.
        """
        check_transport(transport)
        held = Revealed(issuer)
        del issuer  # the frame of an exception would show the password in it
        _check_issuer(held, plain_http=send_secrets_over_plain_http)
        metadata = await _metadata_of(held.value, transport)
        _check_addresses(metadata, held.value, plain_http=send_secrets_over_plain_http)
        return cls(
            held.value,
            MappingProxyType(metadata),
            transport=transport,
            send_secrets_over_plain_http=send_secrets_over_plain_http,
        )

    def __repr__(self) -> str:
        return f"<Provider {self.issuer}>"

    @property
    def token_endpoint_url(self) -> str:
        """Where tokens are issued (RFC 6749 section 3.2)."""
        return str(self.metadata["token_endpoint"])

    @property
    def authorization_endpoint(self) -> str | None:
        """Where a person's browser is sent (RFC 6749 section 3.1)."""
        return self.metadata.get("authorization_endpoint")

    @property
    def device_authorization_endpoint(self) -> str | None:
        """Where a device asks for a code to show (RFC 8628)."""
        return self.metadata.get("device_authorization_endpoint")

    @property
    def revocation_endpoint(self) -> str | None:
        """Where tokens are revoked (RFC 7009)."""
        return self.metadata.get("revocation_endpoint")

    @property
    def introspection_endpoint(self) -> str | None:
        """Where an API asks about a token (RFC 7662)."""
        return self.metadata.get("introspection_endpoint")

    @property
    def userinfo_endpoint(self) -> str | None:
        """Where a token tells its user (OpenID Connect Core section 5.3)."""
        return self.metadata.get("userinfo_endpoint")

    @property
    def jwks_uri(self) -> str | None:
        """Where the issuer's public keys are (RFC 7517)."""
        return self.metadata.get("jwks_uri")

    def token_endpoint(self, client: ClientAuthentication, **options: Unpack[EndpointOptions]) -> TokenEndpoint:
        """Return the token endpoint for a client, with what is beside it; `options` win over those of `discover`."""
        merged: EndpointOptions = {
            "transport": self.transport,
            "send_secrets_over_plain_http": self.send_secrets_over_plain_http,
            **options,
        }
        return TokenEndpoint(
            self.token_endpoint_url,
            client,
            authorization_url=self.authorization_endpoint,
            device_authorization_url=self.device_authorization_endpoint,
            introspection_url=self.introspection_endpoint,
            revocation_url=self.revocation_endpoint,
            issuer=self.issuer,
            names_issuer=self.metadata.get("authorization_response_iss_parameter_supported") is True,
            **merged,
        )


def _check_issuer(held: Revealed[str], *, plain_http: bool) -> None:
    problem = problem_with(held.value, plain_http=plain_http)
    if problem is None and "?" in held.value:
        problem = "has a query, which RFC 8414 (section 2) forbids"
    if problem is not None:
        message = f"the issuer's address {problem}"
        raise ConfigurationError(message)


def _addresses(issuer: str) -> tuple[str, str]:
    """Return where the metadata may be: RFC 8414 puts the well-known part before the path, OpenID Connect behind it."""
    path = urlsplit(issuer).path.rstrip("/")
    before = f"{origin_of(issuer)}/.well-known/oauth-authorization-server{path}"
    return before, f"{issuer.rstrip('/')}/.well-known/openid-configuration"


async def _metadata_of(issuer: str, transport: Transport) -> dict[str, Any]:
    problems: list[TokenError] = []
    for url in _addresses(issuer):
        reply = await send(Request(to=f"the issuer {issuer}", url=url, method="GET"), transport)
        metadata = read_object(reply.body) if reply.status == 200 else None  # noqa: PLR2004  RFC 8414 section 3.2
        if reply.is_cut:
            message = f"the issuer {issuer} answered with more than {BODY_CAP} bytes; try again later"
            problems.insert(0, ServerUnavailable(message))
        if metadata is None:
            if reply.status == 429 or reply.status >= 500:  # noqa: PLR2004  it has trouble, and may be asked later
                message = f"the issuer {issuer} answered {reply.status}; try again later"
                problems.insert(0, ServerUnavailable(message))
        elif metadata.get("issuer") != issuer:
            message = (
                f"the metadata of {issuer} is for another issuer, {_shown(metadata.get('issuer'))!r}; "
                "pass that one, letter by letter, if it is the right one"
            )
            problems.append(ConfigurationError(message))
        else:
            return metadata
    message = f"the issuer {issuer} publishes no metadata; check its address, or make a TokenEndpoint yourself"
    raise next(iter(problems), ConfigurationError(message))


def _shown(issuer: object) -> str:
    """Show the name that an issuer gives itself, whole if it is an address, since it has to be copied."""
    is_address = problem_with(issuer, plain_http=True) is None and "?" not in str(issuer)
    if is_address and str(issuer).isprintable() and len(str(issuer)) <= MAX_QUOTED:
        return str(issuer)
    return quoted(issuer)


def _check_addresses(metadata: dict[str, Any], issuer: str, *, plain_http: bool) -> None:
    """Refuse addresses that no secret may go to, and http below an issuer of https, on this machine too (law H4)."""
    only_https = not plain_http and issuer.lower().startswith("https:")
    for name, url in {"token_endpoint": None, **metadata}.items():
        if name == "token_endpoint" or (url is not None and (name.endswith("_endpoint") or name == "jwks_uri")):
            problem = problem_with(url, plain_http=plain_http)
            if problem is None and only_https and not str(url).lower().startswith("https:"):
                problem = "is not https, though the issuer is; say send_secrets_over_plain_http=True if it shall be so"
            if problem is not None:
                message = f"the issuer's {quoted(name)} {problem}"
                raise ConfigurationError(message)
