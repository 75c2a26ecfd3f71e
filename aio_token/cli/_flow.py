"""How somebody signs in: which way, and what they are shown."""

from __future__ import annotations

import shutil
import sys
import webbrowser
from string import punctuation
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from aio_token._errors import ConfigurationError, SignInRequired
from aio_token.cli._people import has_desktop, in_ci, say, shows_text, somebody_is_there
from aio_token.cli._wishes import ACCOUNT

if TYPE_CHECKING:
    from aio_token._interfaces import Grant
    from aio_token.cli._profile import Profile
    from aio_token.cli._wishes import Flow
    from aio_token.grants.device_code import DevicePrompt
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.provider import Provider


def expect_somebody(name: str, flow: Flow | None) -> None:
    """Raise `SignInRequired` if a person would be waited for who is not there.

    Who names a way has arranged for somebody, on a terminal or not; in CI nobody can have.
    """
    if flow == ACCOUNT or (not in_ci() and (flow is not None or somebody_is_there())):
        return
    message = (
        f"nobody is here to sign in: this is {'CI' if in_ci() else 'no terminal'}; run: aio-token login {name} "
        "in a terminal, or use --service-account"
    )
    raise SignInRequired(message)


def chosen(provider: Provider) -> Flow:
    """Choose for a person at a terminal: the browser where one would appear, else a code for another device.

    Raises `ConfigurationError` if the issuer offers neither.
    """
    if provider.authorization_endpoint and (has_desktop() or not provider.device_authorization_endpoint):
        return "browser"
    if provider.device_authorization_endpoint:
        return "device"
    message = "the issuer lets no person sign in, neither by browser nor by device; use --service-account"
    raise ConfigurationError(message)


def grant_for(flow: Flow, endpoint: TokenEndpoint, profile: Profile, *, port: int) -> Grant:
    """Return what obtains the first token."""
    if flow == ACCOUNT:
        from aio_token.grants.client_credentials import ClientCredentialsGrant  # noqa: PLC0415

        return ClientCredentialsGrant(endpoint, scope=profile.scope, audience=profile.audience)
    if flow == "device":
        from aio_token.grants.device_code import DeviceGrant  # noqa: PLC0415

        return DeviceGrant(endpoint, scope=profile.scope, audience=profile.audience, show=show_code)
    from aio_token.grants.authorization_code import AuthorizationCodeGrant  # noqa: PLC0415

    return AuthorizationCodeGrant(
        endpoint,
        scope=profile.scope,
        browser=open_browser if has_desktop() else None,
        show=show_address,
        port=port,
        parameters={"audience": profile.audience} if profile.audience else None,
    )


def open_browser(address: str) -> bool:
    """Open the address in the person's browser, and show it in case that nothing appears."""
    say(f"A browser opens for you to sign in. If none does, open this address on this machine:\n{_plain(address)}")
    webbrowser.open(_plain(address))
    return True


def show_address(address: str) -> None:
    """Show where to sign in, where no browser can be opened."""
    say(f"To sign in, open this address with a browser on this machine:\n{_plain(address)}")


def show_code(prompt: DevicePrompt) -> None:
    """Show the address and the code, and the complete address as a QR code too if it fits the terminal."""
    say(str(prompt))
    if prompt.verification_uri_complete and shows_text() and _has_blocks():
        from aio_token.cli._qr import qr_code  # noqa: PLC0415

        lines = qr_code(prompt.verification_uri_complete).splitlines()
        if len(lines[0]) <= shutil.get_terminal_size().columns:
            say("\n".join(click.style(line, fg="bright_white", bg="black") for line in lines))
    say(f"Waiting for up to {prompt.expires_in / 60:.0f} minutes; Ctrl-C gives up.")


def _plain(address: str) -> str:
    """Return the address as a terminal can show it: a part of it is the issuer's own text."""
    return quote(address, safe=f"{punctuation}")


def _has_blocks() -> bool:
    try:
        "█▀▄".encode(sys.stderr.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
