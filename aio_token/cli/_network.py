"""How a profile's requests leave: through its proxy, else the environment's; trusting its certificates too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError, without_frames

if TYPE_CHECKING:
    from ssl import SSLContext
    from typing import Protocol

    from aio_token.cli._profile import Profile
    from aio_token.oauth.certificate import ClientCertificate
    from aio_token.oauth.transport import Transport

    class Way(Protocol):
        """What options or a profile say of the way of requests."""

        @property
        def ca_file(self) -> str | None: ...
        @property
        def proxy(self) -> str | None: ...
        @property
        def certificate(self) -> str | None: ...
        @property
        def certificate_key(self) -> str | None: ...


def proxy_option(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Take a proxy's address; one with a password is a secret, which a profile does not hold."""
    if text is None:
        return None
    if "@" in text:
        message = "it has a password, which a profile does not hold; set HTTPS_PROXY instead"
        raise click.BadParameter(message, context, parameter)
    try:
        transport(proxy=text)
    except ConfigurationError:
        message = "write the address of a proxy that speaks HTTP, with its port, like http://proxy.example:3128"
        raise click.BadParameter(message, context, parameter) from None
    return text


def transport(ca_file: str | None = None, proxy: str | None = None) -> Transport:
    """Return how requests leave that show no certificate of the client's. Raises `ConfigurationError`."""
    from aio_token.oauth.transport import Transport

    return Transport(trust_env=True, proxy=proxy, ssl=certificates(ca_file) or True)


def transport_of(given: Way) -> Transport:
    """Return how the requests of a profile leave. Raises `ConfigurationError`."""
    from aio_token.oauth.transport import Transport

    shown = certificate_of(given)
    if shown is None:
        return transport(given.ca_file, given.proxy)
    return Transport(trust_env=True, proxy=given.proxy, certificate=shown)


def certificate_of(given: Way) -> ClientCertificate | None:
    """Return the certificate that the client shows in TLS (RFC 8705), and to whom: those that the file says."""
    if given.certificate is None:
        return None
    from aio_token.oauth.certificate import ClientCertificate

    return ClientCertificate(given.certificate, given.certificate_key, make_context=partial(_trusting, given.ca_file))


def certificates(ca_file: str | None) -> SSLContext | None:
    """Return what trusts the file's certificates beside the system's; None without a file."""
    return None if ca_file is None else _trusting(ca_file)


def _trusting(ca_file: str | None) -> SSLContext:
    import ssl

    trusting = ssl.create_default_context()
    if ca_file is None:
        return trusting
    try:
        trusting.load_verify_locations(ca_file)
    except OSError as error:  # an error of TLS is one, too
        why = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else str(error.strerror)
        message = f"the certificates of {ca_file} cannot be trusted: {why}; check --ca-file at the sign-in"
        raise ConfigurationError(message) from without_frames(error)
    return trusting


def proxy_for(profile: Profile, url: str) -> str | None:
    """Return the proxy on the way. With aiohttp's `trust_env` passwords would come from ~/.netrc as well."""
    try:
        return transport_of(profile).proxy_for(url)
    except ValueError:
        message = "the proxy of the environment does not speak HTTP; check HTTPS_PROXY, or pass --proxy at the sign-in"
        raise ConfigurationError(message) from None
