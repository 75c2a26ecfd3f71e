"""An authorization server as its own metadata describes it (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict

from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token.oauth.discovery import Sought, is_template
from aio_token.oauth.endpoint import TokenEndpoint
from aio_token.oauth.fapi import check_fapi2
from aio_token.oauth.secret import Revealed
from aio_token.oauth.server_text import quoted
from aio_token.oauth.transport import DIRECT, check_transport
from aio_token.oauth.url import problem_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Unpack

    from aio_token._clock import Clock
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.dialect import Dialect
    from aio_token.oauth.dpop import DPoP
    from aio_token.oauth.transport import Transport


@public
class EndpointOptions(TypedDict, total=False):
    """What `TokenEndpoint` takes besides its addresses."""

    parameters: Mapping[str, str | Sequence[str]] | None
    refresh_url: str | None
    push_authorization: bool
    dialect: Dialect
    dpop: DPoP | None
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
    `is_discovered` tells that the issuer itself was asked.
    """

    issuer: str
    metadata: Mapping[str, Any] = field(hash=False)
    transport: Transport = field(default=DIRECT, kw_only=True)
    send_secrets_over_plain_http: bool = field(default=False, kw_only=True)
    is_discovered: bool = field(default=False, kw_only=True)

    @classmethod
    async def discover(
        cls,
        issuer: str,
        *,
        metadata_url: str | None = None,
        transport: Transport = DIRECT,
        send_secrets_over_plain_http: bool = False,
    ) -> Provider:
        """Read the issuer's metadata; its token endpoint will be reached in the same way.

        It is looked for where RFC 8414 and OpenID Connect Discovery want it; `metadata_url` is for an issuer that has
        it elsewhere. The address of the metadata itself may be passed in the place of the issuer, too. Redirects are
        followed within the origin.

        The metadata has to name the issuer letter by letter (RFC 8414 section 3.3), but for a placeholder in the place
        of a part of the path, such as `https://login.example/{tenantid}/v2.0`: a server for several tenants.

        Raises `ConfigurationError` if there is none, if it is another issuer's, or if an address in it is not https
        (laws A2 and H4), and `ServerUnavailable` if the issuer cannot be reached.
        """
        check_transport(transport)
        plain_http = send_secrets_over_plain_http
        held = Revealed((issuer, metadata_url))
        del issuer, metadata_url  # the frame of an exception would show the password in them
        sought = Sought(*held.value, plain_http=plain_http)
        name, metadata = await sought.found(transport)
        _check_addresses(metadata, name, plain_http=plain_http)
        return cls(
            name,
            MappingProxyType(metadata),
            transport=transport,
            send_secrets_over_plain_http=send_secrets_over_plain_http,
            is_discovered=True,
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
    def pushed_authorization_request_endpoint(self) -> str | None:
        """Where an authorization request is sent before the browser is (RFC 9126)."""
        return self.metadata.get("pushed_authorization_request_endpoint")

    @property
    def userinfo_endpoint(self) -> str | None:
        """Where a token tells its user (OpenID Connect Core section 5.3)."""
        return self.metadata.get("userinfo_endpoint")

    @property
    def jwks_uri(self) -> str | None:
        """Where the issuer's public keys are (RFC 7517)."""
        return self.metadata.get("jwks_uri")

    def token_endpoint(
        self, client: ClientAuthentication, *, fapi2: bool = False, **options: Unpack[EndpointOptions]
    ) -> TokenEndpoint:
        """Return the token endpoint for a client, with what is beside it; `options` win over those of `discover`.

        Authorization requests are pushed where the metadata demands it; `push_authorization` has the last word.

        With `fapi2` whatever falls below the FAPI 2.0 Security Profile is refused: here, by a `ConfigurationError` that
        says what to do, and by the grants that are made of the endpoint.
        """
        merged: EndpointOptions = {
            "push_authorization": fapi2 or self.metadata.get("require_pushed_authorization_requests") is True,
            "transport": self.transport,
            "send_secrets_over_plain_http": self.send_secrets_over_plain_http,
            **options,
        }
        if fapi2:
            check_fapi2(self, client, merged)
        # Who asks for several tenants learns from the answers alone which issuer it was.
        several = is_template(self.metadata.get("issuer"))
        aliases = self.metadata.get("mtls_endpoint_aliases")
        names_issuer = self.metadata.get("authorization_response_iss_parameter_supported") is True
        endpoint = TokenEndpoint(
            self.token_endpoint_url,
            client,
            authorization_url=self.authorization_endpoint,
            device_authorization_url=self.device_authorization_endpoint,
            introspection_url=self.introspection_endpoint,
            pushed_authorization_request_url=self.pushed_authorization_request_endpoint,
            revocation_url=self.revocation_endpoint,
            mtls_aliases=aliases if isinstance(aliases, dict) else None,
            issuer=None if several else self.issuer,
            names_issuer=(names_issuer or fapi2) and not several,
            **merged,
        )
        endpoint.fapi2 = fapi2
        return endpoint


def _check_addresses(metadata: dict[str, Any], issuer: str, *, plain_http: bool) -> None:
    """Refuse addresses that no secret may go to, and http below an issuer of https, on this machine too (law H4).

    Those for clients with a certificate (RFC 8705 section 5) are among them.
    """
    only_https = not plain_http and issuer.lower().startswith("https:")
    for name, url in addresses_in(metadata):
        problem = problem_with(url, plain_http=plain_http)
        if problem is None and only_https and not str(url).lower().startswith("https:"):
            problem = "is not https, though the issuer is; say send_secrets_over_plain_http=True if it shall be so"
        if problem is not None:
            message = f"the issuer's {quoted(name)} {problem}"
            raise ConfigurationError(message)


def addresses_in(metadata: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return the addresses that an issuer names, each by its name; the token endpoint's in any case."""
    aliases = metadata.get("mtls_endpoint_aliases")
    named = [*{"token_endpoint": None, **metadata}.items(), *(aliases.items() if isinstance(aliases, dict) else ())]
    for name, url in named:
        if name == "token_endpoint" or (url is not None and (name.endswith("_endpoint") or name == "jwks_uri")):
            yield name, url
