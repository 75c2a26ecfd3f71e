"""Which servers a token may go to: scheme, host and port, exactly (law A1); https, or loopback (law A2)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from yarl import URL

from aio_token._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

Origin = tuple[str, str | None, int | None]
"""Scheme, host as it stands in a request, port."""

_WEBSOCKET = {"http": "ws", "https": "wss"}


def is_loopback(host: str | None) -> bool:
    """Whether what is sent to the host stays on this machine; no name is looked up."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def allowed_origins(origins: Iterable[str | URL], *, plain_http: bool) -> frozenset[Origin]:
    """Return what the origins' requests look like, their WebSocket handshakes included.

    Raises `ConfigurationError` for what is not an origin, and for http to another machine unless `plain_http`.
    """
    allowed: set[Origin] = set()
    for text in origins:
        url = _parsed(text)
        if (
            url is None
            or url.scheme not in _WEBSOCKET
            or url.raw_host is None
            or str(url.origin()) != str(url).rstrip("/")
        ):
            message = f"{_shown(url)} is not an origin; write it like https://api.example or https://api.example:8443"
            raise ConfigurationError(message)
        if url.scheme == "http" and not plain_http and not is_loopback(url.host):
            message = f"{_shown(url)} would send the token in clear; use https"
            raise ConfigurationError(message)
        allowed |= {(scheme, url.raw_host, url.port) for scheme in (url.scheme, _WEBSOCKET[url.scheme])}
    if not allowed:
        message = "name at least one origin that the token may be sent to, such as https://api.example"
        raise ConfigurationError(message)
    return frozenset(allowed)


def _parsed(text: str | URL) -> URL | None:
    try:
        return URL(text)
    except ValueError:
        return None


def _shown(url: URL | None) -> str:
    # Without user, password and query: people put secrets there. Where no host is found, any part may be one of them.
    if url is None or not url.absolute:
        return "this"
    return str(url.with_user(None).with_query(None).with_fragment(None))
