"""What a person is asked to agree to, in detail (RFC 9396)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from authlib.oauth2.rfc6749 import OAuth2Error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.testing.ledger import Details


class InvalidDetailsError(OAuth2Error):
    """Authorization details that are none, or that were not granted (RFC 9396 section 5)."""

    error: str | None = "invalid_authorization_details"


def details_in(asked: Mapping[str, str]) -> Details:
    """Return the authorization details of a request. Raises `InvalidDetailsError` for what are none (RFC 9396)."""
    text = asked.get("authorization_details")
    if text is None:
        return None
    try:
        details = json.loads(text)
    except ValueError:
        raise InvalidDetailsError from None
    if not isinstance(details, list) or not all(isinstance(one, dict) and one.get("type") for one in details):
        raise InvalidDetailsError
    return details
