"""The ways to sign in: which one suits this machine, and what a person is shown."""

from __future__ import annotations

import shutil
import sys
import webbrowser
from dataclasses import dataclass
from string import punctuation
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import quote, urlsplit

import click

from aio_token._errors import ConfigurationError, SignInRequired
from aio_token.cli._terminal import draw, has_browser, in_ci, is_interactive, say, shows_text

if TYPE_CHECKING:
    from aio_token._interfaces import Grant
    from aio_token.cli._profile import Profile
    from aio_token.grants.device_code import DevicePrompt
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.provider import Provider

Flow = Literal["browser", "device", "service-account"]
"""The authorization code with a browser of this machine, a code for any device, or no person at all."""
SERVICE_ACCOUNT: Literal["service-account"] = "service-account"

_BLOCKS = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
"""By which of the two, the upper and the lower one, is dark: a terminal writes light on dark, as a rule."""
_LOOPBACK: tuple[Literal["127.0.0.1", "::1", "localhost"], ...] = ("127.0.0.1", "::1", "localhost")
_MARGIN = 2  # modules; four are the rule (ISO 18004), and OpenCV and ZXing read it with two, on black as well


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the browser comes back to on this machine; port 0 is any that is free."""

    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: int = 0
    path: str = "/callback"

    @classmethod
    def of(cls, uri: str | None) -> Self:
        """Read a redirect URI, as it is registered. Raises ValueError for one that leads elsewhere."""
        if uri is None:
            return cls()
        parts = urlsplit(uri)
        host = next((host for host in _LOOPBACK if host == parts.hostname), None)
        plain = parts.scheme == "http" and not (parts.query or parts.fragment or "@" in parts.netloc)
        if host is None or not plain:
            raise ValueError
        return cls(host, parts.port or 0, parts.path or "/")


def require_person(name: str, flow: Flow | None) -> None:
    """Raise `SignInRequired` if the way needs a person and none is there.

    A way that was named needs no terminal: the person who named it looks elsewhere. In CI there is never one.
    """
    if flow == SERVICE_ACCOUNT or (not in_ci() and (flow is not None or is_interactive())):
        return
    message = (
        f"no person is here to sign in: {'this is CI' if in_ci() else 'there is no terminal'}; "
        f"run: aio-token login {name} in a terminal, or use --service-account"
    )
    raise SignInRequired(message)


def choose_flow(provider: Provider) -> Flow:
    """Choose for a person at a terminal: the browser where one would appear, else a code for another device.

    Raises `ConfigurationError` if the issuer offers neither.
    """
    if provider.authorization_endpoint and (has_browser() or not provider.device_authorization_endpoint):
        return "browser"
    if provider.device_authorization_endpoint:
        return "device"
    message = (
        "the issuer offers people no way to sign in, neither by browser nor by device; use --service-account, "
        "or say where they do: --authorization-url or --device-url"
    )
    raise ConfigurationError(message)


def grant_for(flow: Flow, endpoint: TokenEndpoint, profile: Profile, *, port: int) -> Grant:
    """Return what obtains the first token."""
    if flow == SERVICE_ACCOUNT:
        from aio_token.grants.client_credentials import ClientCredentialsGrant

        return ClientCredentialsGrant(
            endpoint,
            scope=profile.scope,
            audience=profile.audience,
            resource=profile.resource,
            authorization_details=profile.details,
        )
    if flow == "device":
        from aio_token.grants.device_code import DeviceGrant

        return DeviceGrant(
            endpoint,
            scope=profile.scope,
            audience=profile.audience,
            resource=profile.resource,
            authorization_details=profile.details,
            show=show_code,
        )
    from aio_token.grants.authorization_code import AuthorizationCodeGrant

    back = Redirect.of(profile.redirect_uri)
    return AuthorizationCodeGrant(
        endpoint,
        scope=profile.scope,
        resource=profile.resource,
        authorization_details=profile.details,
        browser=open_browser if has_browser() else None,
        show=show_address,
        host=back.host,
        port=port or back.port,
        path=back.path,
        parameters={"audience": profile.audience} if profile.audience else None,
    )


def open_browser(page: str) -> bool:
    """Open the page in the person's browser, and show the address that it leads to, in case that nothing appears."""
    address = _plain(getattr(page, "leads_to", page))
    say(f"A browser opens for you to sign in. If none does, open this address on this machine:\n{address}")
    webbrowser.open(page)
    return True


def show_address(address: str) -> None:
    """Show where to sign in, where no browser can be opened."""
    say(f"To sign in, open this address with a browser on this machine:\n{_plain(address)}")


def show_code(prompt: DevicePrompt) -> None:
    """Show the address and the code, and the complete address as a QR code too if it fits the terminal."""
    say(str(prompt))
    if prompt.verification_uri_complete and shows_text() and _shows_blocks():
        lines = qr_code(prompt.verification_uri_complete).splitlines()
        if lines and len(lines[0]) <= shutil.get_terminal_size().columns:
            draw(click.style(line, fg="bright_white", bg="black") for line in lines)
    say(f"Waiting for up to {prompt.expires_in / 60:.0f} minutes; Ctrl-C gives up.")


def qr_code(text: str) -> str:
    """Return the QR code of a text, lines of equal length, two rows of it in each; "" if no code holds so much."""
    import segno

    try:
        code = segno.make_qr(text, error="l")
    except segno.DataOverflowError:
        return ""
    rows = [tuple(map(bool, row)) for row in code.matrix_iter(border=_MARGIN)]
    rows += [(False,) * len(rows[0])] * (len(rows) % 2)
    lines = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(_BLOCKS[pair] for pair in zip(*line, strict=True)) for line in lines)


def _plain(address: str) -> str:
    """Return the address as a terminal can show it: a part of it is the issuer's own text."""
    return quote(address, safe=f"{punctuation}")


def _shows_blocks() -> bool:
    try:
        "█▀▄".encode(sys.stderr.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
