"""Shows a client's certificate to the servers that are named, and to no other (RFC 8705 section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token.oauth.arguments import check_kind, judged
from aio_token.oauth.certificate import ClientCertificate
from aio_token.oauth.url import problem_with

if TYPE_CHECKING:
    import aiohttp

_TLS = frozenset({"https", "wss"})


@public
@judged
class CertificateMiddleware:
    """Shows a client's certificate to APIs, for tokens that are bound to it: a client middleware for aiohttp.

        ClientSession(middlewares=(bearer, CertificateMiddleware(certificate, "https://api.example")))

    It stands behind the `BearerMiddleware`, so that a request that is sent again with a new token shows the certificate
    of that moment. Like a token, the certificate goes to the origins that are named, on each hop of a redirect; any
    other server is met as the session says. Connections are not shared by different certificates.

    Raises `ConfigurationError` for what is no https origin.
    """

    __slots__ = ("_certificate", "_origins")

    def __init__(self, certificate: ClientCertificate, *origins: str) -> None:
        check_kind("certificate", certificate, (ClientCertificate,), "a ClientCertificate")
        self._certificate = certificate
        self._origins = frozenset(_place(_origin(text)) for text in origins)
        if not origins:
            message = "name at least one origin that the certificate is shown to, such as https://api.example"
            raise ConfigurationError(message)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send the request, over a connection with the certificate if it is for one of the origins."""
        if request.url.scheme in _TLS and _place(request.url) in self._origins:
            request._ssl = await self._certificate.ssl_context()  # noqa: SLF001  aiohttp takes it with a request only
        return await handler(request)


def _origin(text: str) -> URL:
    if problem_with(text, plain_http=False) is None:
        url = URL(text)
        if url.scheme == "https" and str(url.origin()) == str(url).rstrip("/"):
            return url
    message = "an origin that a certificate is shown to is written like https://api.example"
    raise ConfigurationError(message)


def _place(url: URL) -> tuple[str | None, int | None]:
    return url.raw_host, url.port
