"""How the library's own requests leave: one value, wherever there are requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ssl import SSLContext
from types import MappingProxyType, NoneType
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token._ground.value import Value, field
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_function, check_kind, check_seconds, check_text, judged
from aio_token.oauth.certificate import ClientCertificate

_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # of a header (RFC 9110 section 5.6.2)
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # RFC 9110 section 5.5

# Headers that belong to the request, its body or the connection.
_RESERVED = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "dpop",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def _is_http_proxy(proxy: str) -> bool:
    try:
        parts = URL(proxy if "://" in proxy else f"http://{proxy}")
        return parts.scheme in {"http", "https"} and bool(parts.host) and parts.port is not None
    except ValueError:
        return False


def _checked_headers(headers: object) -> Mapping[str, str]:
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        message = "headers are texts by their names, a mapping"
        raise TypeError(message)
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            message = f"the header {name!r} has a name or a value that cannot stand in a request"
            raise ConfigurationError(message)
        if name.lower() in _RESERVED:
            message = f"the header {name!r} is written by the library; how the client proves who it is says its class"
            raise ConfigurationError(message)
    return MappingProxyType(dict(headers))


@public
@judged
class Transport(Unpicklable, Value):
    """How the library's own requests leave: those for tokens, for metadata and for what is beside them.

    `ssl` and `proxy` are as aiohttp takes them, `trust_env` takes the proxy from the environment. `timeout` (seconds)
    bounds a request with all its attempts, `connect_timeout` each connection, through a proxy and TLS: nothing is sent
    before. `connector` is a function that returns an aiohttp connector, for SOCKS, a UNIX socket or a source address: a
    new one for each request, which is closed with it. `headers` go with every request, such as a gateway's key; the
    `User-Agent` is `aio_token/<version>` unless it is among them. `certificate` is the client's own, for servers that
    ask for one (RFC 8705); its `make_context` then says what is trusted.

    Raises `ConfigurationError` for what cannot work.
    """

    ssl: SSLContext | aiohttp.Fingerprint | bool = True
    proxy: str | None = None
    trust_env: bool = False
    timeout: float = 15.0
    connect_timeout: float = 5.0
    connector: Callable[[], aiohttp.BaseConnector] | None = None
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    certificate: ClientCertificate | None = None

    def __post_init__(self) -> None:
        check_kind("ssl", self.ssl, (SSLContext, aiohttp.Fingerprint, bool), "an SSLContext, a Fingerprint or a bool")
        check_text("proxy", self.proxy, optional=True)
        if self.proxy is not None and not _is_http_proxy(self.proxy):
            message = "proxy is the address of a proxy that speaks HTTP; for SOCKS, pass connector= instead"
            raise ConfigurationError(message)
        check_seconds("timeout", self.timeout)
        check_seconds("connect_timeout", self.connect_timeout)
        check_function("connector", self.connector, optional=True)
        object.__setattr__(self, "headers", _checked_headers(self.headers))
        check_kind("certificate", self.certificate, (ClientCertificate, NoneType), "a ClientCertificate")
        if self.certificate is not None and self.ssl is not True:
            message = "a ClientCertificate brings its own context; pass it make_context= instead of `ssl` here"
            raise ConfigurationError(message)

    def __repr__(self) -> str:  # the address of a proxy may hold a password, and a header a key
        return f"<Transport timeout={self.timeout}>"

    async def tls(self) -> SSLContext | aiohttp.Fingerprint | bool:
        """Return what aiohttp takes as `ssl` for a connection now. Raises `ConfigurationError`."""
        return self.ssl if self.certificate is None else await self.certificate.ssl_context()

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy's URL, None for none. Raises ValueError for a proxy that does not speak HTTP.

        aiohttp's own `trust_env` would read ~/.netrc as well and refuse the request if it finds the server there,
        since the request brings an Authorization of its own.
        """
        proxy = self.proxy
        parts = URL(url)
        if proxy is None and self.trust_env and not proxy_bypass(parts.authority):
            proxies = getproxies()
            proxy = proxies.get(parts.scheme) or proxies.get("all")
        if proxy is not None and "://" not in proxy:
            proxy = f"http://{proxy}"
        if proxy is not None and not proxy.lower().startswith(("http://", "https://")):
            raise ValueError
        return proxy


DIRECT = Transport()
"""To the server itself, with the system's certificates."""


def check_transport(value: object) -> None:
    """Refuse what is not a transport."""
    if not isinstance(value, Transport):
        message = "transport is a Transport, such as Transport(timeout=10)"
        raise ConfigurationError(message)
