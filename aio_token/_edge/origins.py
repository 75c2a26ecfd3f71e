"""Which servers a token may go to: scheme, host and port, exactly (law A1); https, or loopback (law A2)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from yarl import URL

from aio_token._arguments import demand_kind
from aio_token._errors import ConfigurationError
from aio_token.oauth.url import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

Origins = defaultdict[str, set[str]]
"""Scheme to authorities, as they stand in the URLs of requests: two look-ups tell whether a URL is of them.

A defaultdict, since the hot path looks into it by every request's scheme: `get` with a default costs a call more.
"""

_WEBSOCKET = {"http": "ws", "https": "wss"}
_WEB = {socket: scheme for scheme, socket in _WEBSOCKET.items()}
_PLAIN = frozenset({"http", "ws"})


def allowed_origins(origins: Iterable[str | URL], *, plain_http: bool) -> Origins:
    """Return what the origins' requests look like, their WebSocket handshakes included.

    Raises `ConfigurationError` for what is not an origin, and for http to another machine unless `plain_http`.
    """
    allowed: Origins = defaultdict(set)
    for text in origins:
        demand_kind(text, (str, URL), "name the origins one by one, as text such as https://api.example")
        url = _parsed(text)
        if (
            url is None
            or url.scheme not in _WEBSOCKET
            or (host := url.host_subcomponent) is None
            or str(url.origin()) != str(url).rstrip("/")
        ):
            message = f"{_shown(url)} is not an origin; write it like https://api.example or https://api.example:8443"
            raise ConfigurationError(message)
        if "*" in host:
            message = f"{_shown(url)} can never match, since there are no wildcards; name each origin"
            raise ConfigurationError(message)
        if url.scheme == "http" and not plain_http and not is_loopback(url.host):
            message = f"{_shown(url)} would send the token in clear; use https"
            raise ConfigurationError(message)
        authorities = {host, f"{host}:{url.port}"} if url.is_default_port() else {f"{host}:{url.port}"}
        for scheme in (url.scheme, _WEBSOCKET[url.scheme]):
            allowed[scheme] |= authorities
    if not allowed:
        message = "name at least one origin that the token may be sent to, such as https://api.example"
        raise ConfigurationError(message)
    return allowed


def origin_asked(url: URL) -> str:
    """Return the origin of a request, the same for a WebSocket's handshake as for any other to the same server."""
    origin = url.origin()
    return str(origin.with_scheme(_WEB[origin.scheme]) if origin.scheme in _WEB else origin)


def refuse_proxy(url: URL) -> None:
    """Raise `ConfigurationError` if a request that goes through a proxy is plain http.

    The proxy would read the token (law A2), and http to this machine is meant to stay on it. Through https a proxy
    sees nothing.
    """
    if url.scheme in _PLAIN:
        origin = _shown(url.origin())
        message = (
            f"a proxy stands between this session and {origin}, and would read the token; "
            f"use https, or make an exception of {url.host} (NO_PROXY, or a session without `proxy`)"
        )
        raise ConfigurationError(message)


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
