"""What is asked for beyond "a token": of a grant as a `Wish`, of a source as a `Rejection`."""

from __future__ import annotations

from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._token import Token, Unpicklable


@public
class Wish(Value):
    """What the next access token should be like; None and empty members leave it to the grant and the server.

    `scope` is a space-separated list (RFC 6749 section 3.3), `resource` the addresses that the token is for (RFC 8707),
    `audience` their name (RFC 8693). `claims` is the JSON text of a claims request, `acr_values` and `max_age`
    (seconds) say how, and how recently, the person shall have signed in (OpenID Connect Core 3.1.2.1, RFC 9470).
    """

    scope: str | None = None
    resource: tuple[str, ...] = ()
    audience: str | None = None
    claims: str | None = None
    acr_values: str | None = None
    max_age: int | None = None


NO_WISH = Wish()
"""Any token that the grant gives."""


@public
class Rejection(Unpicklable, Value):
    """An API rejected this token: the question for another one.

    `origin` is the API's (scheme, host and port), None where it is not known; `wish` is what its challenge asked for.
    """

    token: Token
    origin: str | None = None
    wish: Wish = NO_WISH
