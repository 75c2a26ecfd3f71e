"""What went wrong on the way to an authorization server, in plain words and by its remedy."""

from __future__ import annotations

import socket
import ssl

import aiohttp

from aio_token._errors import ConfigurationError, ServerUnavailable, TokenError, without_frames
from aio_token.oauth.departure import NoConnection
from aio_token.oauth.private import PrivateAddress
from aio_token.oauth.remedies import PASSES

# How the alerts end that tell of a client's certificate (RFC 8446 section 6.2); the last is that of TLS 1.2 for none.
_OF_THE_CERTIFICATE = (
    *("CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REQUIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN"),
    *("UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE"),
)


def _why_not(error: OSError) -> str:
    """Say what failed, and what helps: a name, a door that is shut, and one behind which TLS is not spoken differ."""
    match error:
        case socket.gaierror():
            return "its name is not known (DNS); check the address and the network, or try again later"
        case ssl.SSLError():
            return "TLS is not spoken there; check the address, its port, and what stands between"
        case ConnectionRefusedError():
            return "it refuses connections; check the port, or try again later"
        case _:
            return f"{error.strerror or type(error).__name__}; try again later"


def _what_to_set_right(error: aiohttp.ClientConnectionError) -> str | None:
    """Say what no waiting helps against: another certificate of this client is wanted, or the address is not public."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, PrivateAddress):
        return (
            f"is not asked, as {cause} and the resource that names it is on a public one; see who names it, and make a "
            "TokenEndpoint yourself if it shall be so"
        )
    alert = str(cause).partition("_ALERT_")[2].partition("]")[0]
    if alert.endswith(_OF_THE_CERTIFICATE):
        said = alert.replace("_", " ").lower()
        return f"does not take this client's TLS certificate, or its having none ({said}); check `certificate`"
    return None


def _is_of_the_proxy(error: aiohttp.ClientConnectorError, *, by_proxy: bool) -> bool:
    """Whether it is the proxy that cannot be reached, or whose name is not known."""
    return by_proxy and isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientConnectorDNSError)


def _said_by_proxy(status: int, to: str, unknown: str) -> TokenError:
    """Say what a proxy's own answer means; nothing was sent to the server then."""
    if status == 407:  # noqa: PLR2004  RFC 9110 section 15.5.8
        return ConfigurationError(f"the proxy on the way to {to} wants other credentials; check `proxy`")
    if 400 <= status < 500 and status not in PASSES:  # noqa: PLR2004
        return ConfigurationError(f"the proxy on the way to {to} answered {status}; check `proxy`, and what it allows")
    return ServerUnavailable(
        f"the proxy on the way to {to} answered {status}{unknown}; try again later", outcome_unknown=bool(unknown)
    )


def translated(error: Exception, to: str, *, dropped: bool, by_proxy: bool) -> TokenError:
    """Say in plain words what went wrong; `dropped` tells that the server may have acted on the request.

    `by_proxy` tells that only the proxy's name was looked up here.
    """
    failure: TokenError
    unknown = "; whether it acted on the request is unknown" if dropped else ""
    match error:
        case aiohttp.ClientConnectionError() if (why := _what_to_set_right(error)) is not None:
            failure = ConfigurationError(f"{to} {why}")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ServerFingerprintMismatch():
            failure = ConfigurationError(f"{to} shows a certificate that is not trusted; check the address and `ssl`")
        case aiohttp.ClientHttpProxyError():
            failure = _said_by_proxy(error.status, to, unknown)
        case aiohttp.ClientConnectorError():
            what = f"the proxy on the way to {to}" if _is_of_the_proxy(error, by_proxy=by_proxy) else to
            failure = ServerUnavailable(
                f"{what} cannot be reached: {_why_not(error.os_error)}{unknown}", outcome_unknown=dropped
            )
        case NoConnection():
            failure = ServerUnavailable(
                f"{to} cannot be reached: {error}{unknown}; check the address and what stands between, or try again "
                "later",
                outcome_unknown=dropped,
            )
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            failure = ServerUnavailable(f"{to} dropped the connection{unknown}; try again later", outcome_unknown=True)
        case TypeError() | ValueError():
            failure = ConfigurationError(
                f"a request to {to} cannot be made; check the address, `ssl` and the proxy, which must speak HTTP"
            )
        case _:
            failure = ServerUnavailable(
                f"{to} gave no usable answer ({type(error).__name__}); try again later", outcome_unknown=True
            )
    of_the_way = aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | aiohttp.ClientHttpProxyError
    if isinstance(error, of_the_way) and isinstance(failure, ServerUnavailable):
        failure.about = "server"
    # The system's own error tells enough: aiohttp's shows a proxy's password, and others quote what the server sent.
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError):
        failure.__cause__ = without_frames(cause)
    return failure
