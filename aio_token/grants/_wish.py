"""Writes a wish as a server reads it, and notes what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._token import fingerprint
from aio_token.oauth.form import Form
from aio_token.oauth.server_text import quoted

if TYPE_CHECKING:
    from aio_token._credential import IssuedBy
    from aio_token._wish import Wish
    from aio_token.oauth.endpoint import TokenEndpoint


def written(wish: Wish) -> Form:
    """Return the members of a token request: scope, resource (RFC 8707), audience (RFC 8693) and claims.

    `acr_values` and `max_age` are not among them: no server reads them but where a person signs in.
    """
    return Form(scope=wish.scope, resource=wish.resource, audience=wish.audience, claims=wish.claims)


def written_for_a_person(wish: Wish) -> Form:
    """Return the parameters of an authorization request (OpenID Connect Core 3.1.2.1, RFC 9470)."""
    max_age = None if wish.max_age is None else str(wish.max_age)
    return Form(acr_values=wish.acr_values, max_age=max_age).over(written(wish))


def sign_in_wanted(wish: Wish) -> str:
    """Say which sign-in of a person is wished for, "" if none: no other request can bring it about (RFC 9470)."""
    kind = f" with acr_values {quoted(wish.acr_values)}" if wish.acr_values else ""
    age = f" no longer than {wish.max_age} s ago" if wish.max_age is not None else ""
    return f"the API wants a sign-in{kind}{age}" if kind or age else ""


def issued_for(endpoint: TokenEndpoint, asked: Form) -> IssuedBy:
    """Return what a credential carries that was asked for by these members: "" for what was not asked.

    Authorization details are a part of the audience, by a fingerprint: a token for others is not used in its place.
    """
    details = [f"authorization_details:{fingerprint(text)}" for text in asked.values("authorization_details")]
    audience = " ".join(asked.values("audience") + asked.values("resource") + details)
    return endpoint.issued_by(scope=" ".join(asked.values("scope")), audience=audience)
