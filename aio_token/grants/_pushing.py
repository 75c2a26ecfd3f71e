"""Where a person's browser is sent with an authorization request: with all of it, or with a reference to it (RFC 9126).

A request that is pushed goes to the server first, by the client itself and with its proof. So no one who sees the
browser's address can read or change it. What comes back is good once and for a short time, 30 seconds at some servers:
a request is pushed when a browser is there that is sent on at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError, ServerUnavailable
from aio_token.grants._again import asked_again_over_a_blip
from aio_token.oauth.form import Form
from aio_token.oauth.url import origin_of

if TYPE_CHECKING:
    from aio_token.oauth.answer import Answer
    from aio_token.oauth.endpoint import TokenEndpoint

_PUSHED = "pushed authorization request"
_LONGEST = 2_048  # characters of a reference (law H1)


def check_way(endpoint: TokenEndpoint) -> None:
    """Raise `ConfigurationError` if an address is missing that a browser's sign-in needs."""
    endpoint.address("authorization")
    if endpoint.push_authorization:
        try:
            endpoint.address(_PUSHED)
        except ConfigurationError:
            message = (
                "authorization requests are to be pushed to the server (RFC 9126), and no address for that is known; "
                "pass pushed_authorization_request_url, or push_authorization=False if the server takes others as well"
            )
            raise ConfigurationError(message) from None


async def way(endpoint: TokenEndpoint, request: Form) -> str:
    """Return the address that a browser is sent to now; the request is pushed first where that is wanted.

    Raises what is wrong with the request by what the server says, and `ServerUnavailable`.
    """
    return address_of(endpoint, await _pushed(endpoint, request) if endpoint.push_authorization else request)


def address_of(endpoint: TokenEndpoint, request: Form) -> str:
    """Return the authorization endpoint's address with a request, or with a reference to one, in its query."""
    address = endpoint.address("authorization")
    written = endpoint.dialect.spoken(request).written_for("the authorization endpoint")
    return f"{address}{'&' if '?' in address else '?'}{written}"


async def _pushed(endpoint: TokenEndpoint, request: Form) -> Form:
    """Push a request, and return what the browser carries instead of it (RFC 9126 section 4)."""

    async def push() -> Answer:
        return await endpoint.ask(_PUSHED, request)

    answer = await asked_again_over_a_blip(push, None)
    failure, reference = answer.failure(), answer.members.get("request_uri")
    if failure is not None:
        raise failure
    if not (isinstance(reference, str) and 0 < len(reference) <= _LONGEST and reference.isprintable()):
        at = origin_of(endpoint.address(_PUSHED))
        message = f"the {_PUSHED} endpoint of {at} gave no request_uri that can be used; try again later"
        raise ServerUnavailable(message)
    return Form(client_id=endpoint.client_id, request_uri=reference)
