"""The credential: an immutable value, what is kept between runs. It never leaves the repository and its store."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from aio_token._errors import StoreError, TokenError
from aio_token._public import public, public_in
from aio_token._token import Token, Unpicklable, fingerprint

SCHEMA_VERSION = 1
_LATEST = 1e15  # POSIX seconds; also keeps NaN, infinity and integers beyond any float out


@public_in("grants")
@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedBy:
    """Where a credential comes from, and what was asked for.

    `scope` and `audience` None mean that the asker takes any; the empty string, that none was asked for.
    """

    token_endpoint: str
    client_id: str
    scope: str | None = None
    audience: str | None = None

    def same_client(self, other: IssuedBy) -> bool:
        """Whether the other's refresh token may be shown to this endpoint, as this client (law E4)."""
        return (self.token_endpoint, self.client_id) == (other.token_endpoint, other.client_id)

    def covers(self, other: IssuedBy) -> bool:
        """Whether the other's token is one that this asker would be given."""
        return (
            self.same_client(other)
            and (self.scope is None or set(self.scope.split()) == set((other.scope or "").split()))
            and (self.audience is None or self.audience == (other.audience or ""))
        )


@public
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credential(Unpicklable):
    """A token, the refresh token behind it, and what is known about trouble.

    `obtained_at`, `refresh_expires_at` and `retry_at` are POSIX seconds: when the token was asked for, when the
    refresh token ends (None: not known, or never), and before when the server is not to be asked again. `refused` is
    the fingerprint of a refresh token that the server will not take. `failures` counts failed renewals in a row.
    """

    token: Token | None = None
    obtained_at: float | None = None
    refresh_token: str | None = None
    refresh_expires_at: float | None = None
    issued_by: IssuedBy | None = None
    refused: str | None = None
    retry_at: float | None = None
    failures: int = 0

    @property
    def is_refused(self) -> bool:
        """Whether the server has already said no to this very refresh token."""
        return self.refresh_token is not None and self.refused == fingerprint(self.refresh_token)

    def __repr__(self) -> str:
        name = fingerprint(self.refresh_token) if self.refresh_token else None
        return f"<Credential token={self.token!r} refresh_token={name} failures={self.failures}>"

    def to_json(self) -> bytes:
        """Write the credential as UTF-8 JSON, secrets included."""
        token = self.token
        members = {
            "version": SCHEMA_VERSION,
            "token": token
            and {
                "access_token": token.access_token,
                "token_type": token.token_type,
                "expires_at": token.expires_at,
                "scope": token.scope,
                "extra": dict(token.extra),
            },
            "obtained_at": self.obtained_at,
            "refresh_token": self.refresh_token,
            "refresh_expires_at": self.refresh_expires_at,
            "issued_by": self.issued_by and asdict(self.issued_by),
            "refused": self.refused,
            "retry_at": self.retry_at,
            "failures": self.failures,
        }
        return json.dumps(members, indent=2).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Credential:
        """Read what `to_json` wrote.

        Raises ValueError, with no part of the text in it, if it is something else, and `StoreError` if a newer version
        of this package wrote it.
        """
        try:
            members = json.loads(text)
        except (ValueError, RecursionError):
            message = "it is not JSON"
            raise ValueError(message) from None  # the parser's error quotes the text
        return _Reader(members).credential()


@public_in("grants")
class Rescued(TokenError):
    """A grant's answer cannot be used, but it carries a new refresh token (law D2).

    Raised by `Grant.obtain`: whoever asked saves `credential` first and raises `error` then.
    """

    def __init__(self, credential: Credential, error: TokenError) -> None:
        super().__init__(str(error))
        self.credential = credential
        self.error = error


class _Reader:
    """Reads the members of a stored credential, each with its type; its own repr shows none of them."""

    __slots__ = ("_members",)

    def __init__(self, members: object) -> None:
        if not isinstance(members, dict):
            message = "it is not a JSON object"
            raise ValueError(message)  # noqa: TRY004  "corrupt" is one thing to its reader, whatever the detail
        self._members: dict[str, Any] = members

    def members(self) -> dict[str, Any]:
        return self._members

    def credential(self) -> Credential:
        version = self._members.get("version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            known = f"schema {version}, this one reads {SCHEMA_VERSION}"
            message = f"it was written by a newer aio_token ({known}); upgrade aio_token"
            raise StoreError(message)
        if version != SCHEMA_VERSION:
            message = "it has no schema version"
            raise ValueError(message)
        issued_by, token = self._part("issued_by"), self._part("token")
        return Credential(
            token=token.token() if token is not None else None,
            obtained_at=self._time("obtained_at"),
            refresh_token=self._text("refresh_token"),
            refresh_expires_at=self._time("refresh_expires_at"),
            issued_by=issued_by.issued_by() if issued_by is not None else None,
            refused=self._text("refused"),
            retry_at=self._time("retry_at"),
            failures=self._count("failures"),
        )

    def token(self) -> Token:
        extra = self._part("extra")
        return Token(
            access_token=self._text("access_token") or "",
            token_type=self._text("token_type") or "Bearer",
            expires_at=self._time("expires_at"),
            scope=self._text("scope"),
            extra=extra.members() if extra else {},
        )

    def issued_by(self) -> IssuedBy:
        return IssuedBy(
            token_endpoint=self._text("token_endpoint") or "",
            client_id=self._text("client_id") or "",
            scope=self._text("scope"),
            audience=self._text("audience"),
        )

    def _part(self, name: str) -> _Reader | None:
        return None if self._members.get(name) is None else _Reader(self._members[name])

    def _text(self, name: str) -> str | None:
        value = self._members.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong(name)

    def _count(self, name: str) -> int:
        value = self._members.get(name, 0)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise self._wrong(name)

    def _time(self, name: str) -> float | None:
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LATEST:
            return value
        raise self._wrong(name)

    def _wrong(self, name: str) -> ValueError:
        return ValueError(f"its {name} is not what it should be")
