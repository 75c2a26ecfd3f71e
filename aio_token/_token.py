"""The token: an immutable value, what goes on a request."""

from __future__ import annotations

import re
from functools import wraps
from types import MappingProxyType

from aio_token._errors import raise_alone
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.headers import Headers
from aio_token._ground.public import public
from aio_token._ground.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, NoReturn, Self

    from yarl import URL

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_MAX_LENGTH = 65_536
_NO_EXTRA: Mapping[str, object] = MappingProxyType({})  # one for all the tokens that came with nothing else


def fingerprint(secret: str) -> str:
    """Name a secret without showing any part of it: 8 hex digits of its SHA-256 (law G2)."""
    import hashlib  # noqa: PLC0415  OpenSSL takes 3 ms, and a token that is only handed on needs no name

    # JSON can spell half a surrogate pair, which plain UTF-8 refuses with an error that quotes the text.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()[:8]


class Unpicklable:
    """Refuses to be pickled: a pickle would carry the secret in clear to wherever pickles go (law G1)."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        message = f"a {type(self).__name__} is not pickled, for it holds secrets; share a TokenStore instead"
        raise TypeError(message)


def _refused_alone(cls: type[Token]) -> type[Token]:
    """Let the errors of the constructor show no token: its frame, which error reporters print, holds the text."""
    construct = cls.__init__

    @wraps(construct)
    def __init__(self: Token, **members: Any) -> None:  # noqa: ANN401, N807  they are checked in __post_init__
        try:
            construct(self, **members)
        except (ValueError, TypeError) as error:
            del self, members
            raise_alone(error.with_traceback(None))

    cls.__init__ = __init__  # type: ignore[method-assign]
    return cls


class _OnRequests:
    """What is written once for all the requests that it goes on."""

    __slots__ = ("authorization",)
    authorization: str


@public
@_refused_alone
class Token(_OnRequests, Unpicklable, Value):
    """An access token as RFC 6749 (section 5.1) and RFC 6750 describe it.

    `expires_at` is POSIX seconds, None where the server did not say. `scope` is the server's own text. `extra` holds
    whatever else came with the token (`id_token`, `instance_url`, ...). `authorization` is the value of the HTTP
    header. Raises ValueError for a text that cannot stand in a header and for a `token_type` other than Bearer.
    """

    type_sent: ClassVar[str] = "Bearer"  # before the token, whatever case the server writes it in

    access_token: str
    token_type: str = "Bearer"
    expires_at: float | None = None
    scope: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not _VISIBLE_ASCII.fullmatch(self.access_token):
            message = (
                "the access token is empty or holds characters that cannot stand in a header, such as blanks or line "
                "breaks; pass the token alone, without its type"
            )
            raise ValueError(message)
        if len(self.access_token) > _MAX_LENGTH:
            message = f"the access token is longer than {_MAX_LENGTH} characters"
            raise ValueError(message)
        if self.token_type.lower() != self.type_sent.lower():
            message = f"the token is of a type other than {self.type_sent}, which is the only one that is sent"
            raise ValueError(message)
        object.__setattr__(self, "extra", MappingProxyType(dict(self.extra)) if self.extra else _NO_EXTRA)
        object.__setattr__(self, "authorization", f"{self.type_sent} {self.access_token}")

    @property
    def fingerprint(self) -> str:
        """The token's name in logs and events: 8 hex digits of the SHA-256 of its text."""
        return fingerprint(self.access_token)

    def headers(self, method: str, url: str | URL) -> Mapping[str, str]:  # noqa: ARG002  the same for each, of a bearer token
        """Return the headers that the token puts on a request with this method to this URL (RFC 6750 section 2.1)."""
        return Headers(Authorization=self.authorization)

    def same_as(self, other: Token | None) -> bool:
        """Whether the other token is the same text, whatever else is known about it."""
        return other is not None and self.access_token == other.access_token

    def __repr__(self) -> str:
        return f"<Token {self.fingerprint} scope={self.scope!r} expires_at={self.expires_at}>"
