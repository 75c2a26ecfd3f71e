"""Authorization details (RFC 9396): what is asked for, in more words than a scope has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aio_token._errors import ConfigurationError, raise_alone

_MOST = 100  # objects of a server's, of which the types are looked at (law H1)


def details_text(details: object) -> str | None:
    """Return what a request says for them, None for none.

    Raises TypeError for what is no list of objects that JSON can say, and `ConfigurationError` for one without a type.
    """
    if details is None:
        return None
    if isinstance(details, str) or not isinstance(details, Sequence):
        message = "authorization_details is a list of mappings, each with a type"
        raise TypeError(message)
    for one in details:
        if not isinstance(one, Mapping) or not isinstance(one.get("type"), str) or not one["type"]:
            message = "each of the authorization_details is a mapping that names its type (RFC 9396 section 2)"
            raise ConfigurationError(message)
    try:
        return json.dumps([dict(one) for one in details], separators=(",", ":")) if details else None
    except (TypeError, ValueError, RecursionError):  # its text may show a part of them
        raise_alone(TypeError("authorization_details are what JSON can say: texts, numbers, lists and mappings"))


def types_in(granted: object) -> list[str]:
    """Return the types of what a server has granted, or says so."""
    several = granted[:_MOST] if isinstance(granted, list) else []
    kinds = (one.get("type") for one in several if isinstance(one, Mapping))
    return [kind for kind in kinds if isinstance(kind, str)]
