"""Where in a request the token goes: a header, and what stands before the token in it (laws A3, A7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp.hdrs import AUTHORIZATION
from multidict import istr

from aio_token._arguments import demand_kind
from aio_token._bound.token import DPoPToken
from aio_token._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._token import Token

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PREFIX = re.compile(r"[\x21-\x7e]*")
_SPOKEN_FOR = frozenset(
    {"connection", "content-length", "content-type", "cookie", "expect", "host", "te", "transfer-encoding", "upgrade"}
)


def header_named(name: str) -> istr:
    """Return the header's name. Raises `ConfigurationError` for what is none, or is HTTP's own."""
    demand_kind(name, str, "header is the name of one, such as X-Api-Token")
    if not _NAME.fullmatch(name) or name.lower() in _SPOKEN_FOR:
        message = "a token cannot be sent in that header; header is a name such as X-Api-Token"
        raise ConfigurationError(message)
    return AUTHORIZATION if name.lower() == AUTHORIZATION.lower() else istr(name)


def value_after(prefix: str) -> Callable[[Token], str]:
    """Return what makes the header's value of a token. Raises `ConfigurationError` for what cannot stand in it."""
    demand_kind(prefix, str, 'prefix is a word such as token, or "" for the token alone')
    if not _PREFIX.fullmatch(prefix):
        message = 'prefix is a word of visible ASCII characters such as token, or "" for the token alone'
        raise ConfigurationError(message)
    if prefix == "Bearer":
        return lambda token: token.authorization
    before = f"{prefix} " if prefix else ""
    return lambda token: token.authorization if isinstance(token, DPoPToken) else before + token.access_token
