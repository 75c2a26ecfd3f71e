"""A resource that says itself which authorization server it trusts (RFC 9728), and the way from there to a token."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from aio_token._clock import SYSTEM_CLOCK
from aio_token._edge.challenge import parse
from aio_token._errors import ServerUnavailable
from aio_token._ground.public import public
from aio_token._limits import Limits
from aio_token._repository import TokenRepository
from aio_token.grants._show import show_on_stderr
from aio_token.grants.authorization_code import AuthorizationCodeGrant
from aio_token.grants.refresh_token import RefreshTokenGrant
from aio_token.oauth.arguments import check_function, check_kind
from aio_token.oauth.dpop import DPoP
from aio_token.oauth.form import Request
from aio_token.oauth.provider import Provider
from aio_token.oauth.secret import Revealed
from aio_token.oauth.sending import send
from aio_token.oauth.transport import DIRECT, check_transport
from aio_token.oauth.url import origin_of
from aio_token.resources._client import introduced
from aio_token.resources._metadata import SoughtResource, scope_from
from aio_token.resources._registration import ClientMetadata
from aio_token.resources._servers import Surroundings, chosen
from aio_token.stores.memory import MemoryTokenStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from typing import Unpack

    from aio_token._clock import Clock
    from aio_token._freshness import Windows
    from aio_token._interfaces import TokenStore
    from aio_token._pacing.pace import Pace
    from aio_token.events import Observer
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.provider import EndpointOptions
    from aio_token.oauth.transport import Transport

_NAMELESS = ClientMetadata()
_UNAUTHORIZED = 401
_TOKEN_SCHEMES = {"bearer", "dpop"}


@public
class RepositoryOptions(TypedDict, total=False):
    """What `TokenRepository` takes besides its grants, its store and its name."""

    windows: Windows
    limits: Limits
    pace: Pace
    unwritable: Literal["refuse", "serve"]
    observer: Observer | None
    clock: Clock


@public
@dataclass(frozen=True, slots=True, repr=False)
class ProtectedResource:
    """What an API says about itself; `ProtectedResource.discover` asks it.

    `url` is the name that the resource gives itself, `metadata` all that it says, `provider` the authorization server
    that was chosen, and `scope` what is to be asked for: the scope of the resource's challenge, else those that it
    names, None if it says nothing.
    """

    url: str
    metadata: Mapping[str, Any] = field(hash=False)
    provider: Provider
    scope: str | None = None

    @classmethod
    async def discover(
        cls,
        url: str,
        *,
        servers: str | Collection[str] = (),
        agree: Callable[[str], bool | Awaitable[bool]] | None = None,
        metadata_url: str | None = None,
        transport: Transport = DIRECT,
        send_secrets_over_plain_http: bool = False,
    ) -> ProtectedResource:
        """Ask a resource for its metadata, and the authorization server that it names for its own.

        The resource is asked without a token: its 401 says where the metadata is, else it is looked for in the usual
        places. It has to be at the resource's own origin, and to name this very resource (RFC 9728 section 3.3).

        An authorization server is believed if it is one of `servers`, or if `agree`, a function of its address that may
        be asynchronous, returns True: a person's yes. A private address is taken only from a resource that is on one.

        Raises `ConfigurationError` if there is no metadata, or another's, or no server that is believed, and
        `ServerUnavailable`.
        """
        check_transport(transport)
        check_kind("servers", servers, (str, Collection), "the address of an authorization server, or several")
        check_function("agree", agree, optional=True)
        plain_http = send_secrets_over_plain_http
        held = Revealed((url, metadata_url))
        del url, metadata_url  # the frame of an exception would show the password in them
        sought = SoughtResource(held.value[0], plain_http=plain_http)
        around = Surroundings(sought, transport, plain_http=plain_http)
        place, challenged = await _challenge(sought, around.transport)
        given = held.value[1] or place
        metadata = await sought.found(sought.demand_own(given) if given is not None else None, around.transport)
        known = (servers,) if isinstance(servers, str) else servers
        server = await chosen(sought, metadata, around, known, agree)
        provider = await Provider.discover(
            server, transport=around.transport_to(server), send_secrets_over_plain_http=plain_http
        )
        around.demand_public(provider)
        return cls(metadata["resource"], MappingProxyType(metadata), provider, scope_from(metadata, challenged))

    def __repr__(self) -> str:
        return f"<ProtectedResource at {self.origin} of {self.provider.issuer}>"

    @property
    def origin(self) -> str:
        """The origin of the resource, for a `BearerMiddleware`."""
        return origin_of(self.url)

    def token_endpoint(
        self, client: ClientAuthentication, *, send_resource: bool = True, **options: Unpack[EndpointOptions]
    ) -> TokenEndpoint:
        """Return the authorization server's token endpoint for a client.

        Every token request says which resource the token is for (RFC 8707); `send_resource` False leaves that out, for
        servers that refuse it. A resource that takes no tokens but those bound to a key (RFC 9449) gets such. `options`
        are those of `Provider.token_endpoint`.
        """
        if self.metadata.get("dpop_bound_access_tokens_required") is True:
            options = {"dpop": DPoP(), **options}
        if send_resource:
            options["parameters"] = {"resource": self.url, **(options.get("parameters") or {})}
        return self.provider.token_endpoint(client, **options)

    async def tokens(
        self,
        store: TokenStore | None = None,
        *,
        client: ClientAuthentication | ClientMetadata = _NAMELESS,
        scope: str | None = None,
        browser: Callable[[str], object] | None = None,
        show: Callable[[str], object] | None = None,
        send_resource: bool = True,
        name: str | None = None,
        endpoint: EndpointOptions | None = None,
        **options: Unpack[RepositoryOptions],
    ) -> TokenRepository:
        """Return the repository of a person's tokens for this resource.

        A `client` that is only described is registered, once for all processes that share the `store`, and kept there
        with the session: signing out ends both. By default `scope` is the resource's. With `browser` or `show`, as
        `AuthorizationCodeGrant` takes them, a person is asked to sign in when only that helps; without either callers
        get `SignInRequired`. `endpoint` is what `token_endpoint` takes besides, such as `{"dpop": DPoP()}`, and
        `options` are those of `TokenRepository`.

        Raises `ConfigurationError` if the server does not register the program, or if the store holds what belongs to
        another server or client, `ServerUnavailable` and `StoreError`.
        """
        store, wanted, back = store or MemoryTokenStore(), scope or self.scope, _NAMELESS
        clock = options.get("clock", SYSTEM_CLOCK)
        if isinstance(client, ClientMetadata):
            limits = options.get("limits", Limits())
            met = await introduced(client, self.provider, store, scope=wanted, limits=limits, clock=clock)
            client, store, back = met.client, met.store, met.back
        reached: EndpointOptions = {"clock": clock, **(endpoint or {})}
        at = self.token_endpoint(client, send_resource=send_resource, **reached)
        person = None
        if browser is not None or show is not None:
            person = AuthorizationCodeGrant(
                at,
                scope=wanted,
                resource=self.url if send_resource else None,
                browser=browser,
                show=show or show_on_stderr,
                host=back.host,
                port=back.port,
                path=back.path,
            )
        return TokenRepository(RefreshTokenGrant(at), store, name=name, sign_in_with=person, **options)


async def _challenge(sought: SoughtResource, transport: Transport) -> tuple[str | None, str | None]:
    """Ask the resource without a token; return where its 401 says that the metadata is, and which scope it wants.

    Not every resource has an answer to that, and it need not be ready soon.
    """
    request = Request(to=f"the resource {sought.shown}", url=sought.url, method="GET")
    try:
        reply = await send(request, transport)
    except ServerUnavailable:
        return None, None
    lines = [value for name, value in reply.headers.items() if name.lower() == "www-authenticate"]
    for challenge in parse(lines) if reply.status == _UNAUTHORIZED else ():
        if challenge.scheme in _TOKEN_SCHEMES and "resource_metadata" in challenge.parameters:
            return challenge.parameters["resource_metadata"], challenge.parameters.get("scope")
    return None, None
