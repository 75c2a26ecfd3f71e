"""Clients that prove who they are by a certificate, in TLS (RFC 8705)."""

from __future__ import annotations

from ssl import SSLContext
from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._pacing.proof import digest
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_text, judged
from aio_token.oauth.authlib_half import prepared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.form import Request
    from aio_token.oauth.transport import Transport


@public
@judged
class MutualTLS(Unpicklable, Value, kw_only=False):
    """`tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 section 2): the certificate proves the client.

    The request itself says the client's id alone. The certificate is the transport's: `Transport(certificate=...)`.
    """

    client_id: str

    def __post_init__(self) -> None:
        check_text("the client's id", self.client_id)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of the id; the endpoint adds the certificate's."""
        return digest(salt, type(self).__name__, self.client_id)

    async def authenticate(self, request: Request, audience: str) -> Request:  # noqa: ARG002  see the protocol
        """Put the id into the body."""
        return prepared(request, "none", self.client_id)


def shows_certificate(client: ClientAuthentication, transport: Transport, urls: Iterable[str | None]) -> bool:
    """Tell whether requests to these addresses show a client certificate, so that aliases count (section 5).

    Raises `ConfigurationError` if they should and cannot.
    """
    proves = isinstance(client, MutualTLS)
    own = isinstance(transport.ssl, SSLContext) or transport.connector is not None  # which may have one
    if proves and transport.certificate is None and not own:
        message = "MutualTLS proves the client by a certificate; pass transport=Transport(certificate=...)"
        raise ConfigurationError(message)
    if not proves and transport.certificate is None:
        return False
    if any(url is not None and url.lower().startswith("http:") for url in urls):
        message = "a client certificate is shown in TLS alone; use https addresses, or leave the certificate out"
        raise ConfigurationError(message)
    return True
