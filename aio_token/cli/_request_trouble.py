"""Why a request of the user's own got no answer, in the words that requests to the token endpoint have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from aio_token._errors import ConfigurationError, ServerUnavailable, TokenError
from aio_token.oauth.trouble import translated

if TYPE_CHECKING:
    from yarl import URL

_REDIRECTS = {301, 302, 303, 307, 308}  # 304 is another thing
_WANT_A_TOKEN = {401, 403}
_FAILED = 400  # and above


def failure_of(error: Exception, origin: str, *, by_proxy: bool) -> TokenError:
    """Return what the error of a request to this origin means: which of name, port, TLS and proxy it was."""
    match error:
        case aiohttp.TooManyRedirects():
            return ConfigurationError(f"{origin} redirects in a circle; look at where it leads, without --location")
        case aiohttp.RedirectClientError():
            return ConfigurationError(
                f"{origin} redirects to what is no http address; look at where it leads, without --location"
            )
        case TimeoutError():
            return ServerUnavailable(f"{origin} cannot be reached: it does not answer; try again later")
    return translated(error, origin, dropped=False, by_proxy=by_proxy)


def remark_on(status: int, url: URL, *, followed: bool, receives_token: bool) -> str | None:
    """Return what a person is told of an answer; None if it needs no word."""
    if status in _REDIRECTS and not followed:
        return f"{status}, a redirect; --location follows it"
    if status < _FAILED:
        return None
    if status in _WANT_A_TOKEN and not receives_token:
        return (
            f"the answer is {status}, from {url.origin()}, which the token did not go to; if it may, pass "
            f"--send-token-to {url.origin()}"
        )
    return f"the answer is {status}"


def is_failure(status: int) -> bool:
    """Whether an answer means that the request was not done."""
    return status >= _FAILED
