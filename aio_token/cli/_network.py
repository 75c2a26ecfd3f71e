"""How a profile's requests leave: through its proxy, else the environment's; trusting its certificates too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError, without_frames

if TYPE_CHECKING:
    from ssl import SSLContext

    from aio_token.cli._profile import Profile
    from aio_token.oauth.transport import Transport


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
    """Return how requests leave. Raises `ConfigurationError`."""
    from aio_token.oauth.transport import Transport

    return Transport(trust_env=True, proxy=proxy, ssl=certificates(ca_file) or True)


def transport_of(profile: Profile) -> Transport:
    """Return how the requests of a profile leave. Raises `ConfigurationError`."""
    return transport(profile.ca_file, profile.proxy)


def certificates(ca_file: str | None) -> SSLContext | None:
    """Return what trusts the file's certificates beside the system's; None without a file."""
    if ca_file is None:
        return None
    import ssl

    trusting = ssl.create_default_context()
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
