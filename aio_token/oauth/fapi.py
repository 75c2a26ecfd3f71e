"""What the FAPI 2.0 Security Profile asks of a client, as far as a configuration can fall below it."""

from __future__ import annotations

from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Protocol

from aio_token._errors import ConfigurationError
from aio_token.oauth.certificate import verifies
from aio_token.oauth.client_auth import PrivateKeyJWT
from aio_token.oauth.dialect import PLAIN
from aio_token.oauth.mutual_tls import MutualTLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.transport import Transport

ALGORITHMS = ("PS256", "ES256", "Ed25519", "EdDSA")
"""What JWTs may be signed with (section 5.4.1)."""


class _Described(Protocol):
    """What is known of a server: a `Provider`."""

    @property
    def issuer(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, Any]: ...
    @property
    def is_discovered(self) -> bool: ...


def check_fapi2(provider: _Described, client: ClientAuthentication, options: Mapping[str, Any]) -> None:
    """Raise `ConfigurationError` for what falls below the profile, and say what to do instead.

    `options` are those of an endpoint, with `transport` and `send_secrets_over_plain_http` in any case.
    """
    below = next(_below(provider, client, options), None)
    if below is not None:
        message = f"this falls below the FAPI 2.0 Security Profile: {below}"
        raise ConfigurationError(message)


def _below(provider: _Described, client: ClientAuthentication, options: Mapping[str, Any]) -> Iterator[str]:
    """Say what is below the profile, one after another."""
    yield from _of_the_server(provider, options)
    yield from _of_the_client(provider, client)
    yield from _of_the_tokens(provider, options)
    yield from _of_the_way(options["transport"])
    if options.get("dialect", PLAIN) != PLAIN:
        yield "a dialect leaves the standard; leave it out"


def _of_the_server(provider: _Described, options: Mapping[str, Any]) -> Iterator[str]:
    if not provider.is_discovered:
        yield "addresses come from the issuer's own metadata; use Provider.discover"
    if options["send_secrets_over_plain_http"] or not provider.issuer.lower().startswith("https:"):
        yield "the server is reached over https alone, also on this machine"
    if provider.metadata.get("issuer") != provider.issuer:
        yield "the issuer is named by its metadata letter by letter; ask for one tenant"
    if options.get("push_authorization") is False:
        yield "authorization requests are pushed; leave push_authorization out"
    if "refresh_url" in options:
        yield "addresses come from the issuer's own metadata; leave refresh_url out"


def _of_the_client(provider: _Described, client: ClientAuthentication) -> Iterator[str]:
    if isinstance(client, PrivateKeyJWT):
        if client.alg not in ALGORITHMS:
            yield f"a JWT is signed with one of {', '.join(ALGORITHMS)}; pass alg="
        if client.audience not in {None, provider.issuer}:
            yield "a client's JWT is for the issuer; leave audience out"
    elif not isinstance(client, MutualTLS):
        yield "a client proves itself by PrivateKeyJWT or MutualTLS"


def _of_the_tokens(provider: _Described, options: Mapping[str, Any]) -> Iterator[str]:
    dpop, shows = options.get("dpop"), options["transport"].certificate is not None
    says = provider.metadata.get("tls_client_certificate_bound_access_tokens") is True
    if dpop is not None and not dpop.required:
        yield "a token without a binding is no answer; leave required=False out"
    if dpop is not None and dpop.alg not in ALGORITHMS:
        yield f"a proof is signed with one of {', '.join(ALGORITHMS)}; leave alg out"
    if dpop is None and not shows:
        yield "tokens are bound to their client; pass dpop=DPoP(), or transport=Transport(certificate=...)"
    if dpop is None and shows and not says:
        yield "this server does not say that it binds tokens to certificates; pass dpop=DPoP()"


def _of_the_way(transport: Transport) -> Iterator[str]:
    own = transport.ssl
    if isinstance(own, SSLContext):
        if not verifies(own):
            yield "TLS is of version 1.2 at least and verifies the server, its name included; make another `ssl`"
    elif own is not True:
        yield "the server's certificate is verified; leave `ssl` out, or pass an SSLContext that does so"
    elif transport.connector is not None and transport.certificate is None:
        yield "what a connector makes of TLS is not seen; pass `ssl=` an SSLContext, too"
