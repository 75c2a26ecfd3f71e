"""The credential: an immutable value, what is kept between runs. It never leaves the repository and its store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aio_token._errors import StoreError, TokenError
from aio_token._ground.public import public, public_in
from aio_token._ground.value import Value, field, replace
from aio_token._token import Token, Unpicklable, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 2
_OLDEST_VERSION = 1
_LATEST = 1e15  # POSIX seconds; also keeps NaN, infinity and integers beyond any float out
_TOKEN_MEMBERS = ("access_token", "token_type", "expires_at", "scope", "extra")


@public_in("grants")
class IssuedBy(Value):
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
class Credential(Unpicklable, Value):
    """A token, the refresh token behind it, and what is known about trouble.

    `obtained_at`, `refresh_expires_at`, `refresh_not_before` and `retry_at` are POSIX seconds: when the token was asked
    for, when the refresh token ends (None: not known, or never), before when it may not be presented (None: at once),
    and before when the server is not to be asked again. `refused` is
    the fingerprint of a refresh token that the server will not take. `failures` counts failed renewals in a row.

    `spending_since` (POSIX seconds) says that the refresh token was about to be presented and that the outcome is not
    known; `reusable`, that the server answered a renewal with the same refresh token. `first` is the fingerprint of the
    refresh token that a grant was given to begin with and has presented.

    The last failure, for other processes and the next one: `failed_at` (POSIX seconds), `failure`, the name of its
    error's class, and `sentence`, what it said. `proof` tells whether the client proves itself with something else now.

    Members of a stored record that only a later release knows are kept, out of sight, and written back (law F3): those
    of the token and of `issued_by` for as long as the part that they stand in is the same. Two credentials that differ
    in such a member are not equal.
    """

    token: Token | None = None
    obtained_at: float | None = None
    refresh_token: str | None = None
    refresh_expires_at: float | None = None
    refresh_not_before: float | None = None
    issued_by: IssuedBy | None = None
    refused: str | None = None
    retry_at: float | None = None
    failures: int = 0
    spending_since: float | None = None
    reusable: bool = False
    first: str | None = None
    failed_at: float | None = None
    failure: str | None = None
    sentence: str | None = None
    proof: str | None = None
    _unknown: Mapping[str, Mapping[str, object]] | None = field(default=None, hash=False, repr=False)

    def __post_init__(self) -> None:
        if self._unknown is not None:
            homes = _homes(self.token, self.issued_by)
            kept = {home: self._unknown[home] for home in homes if self._unknown.get(home)}
            object.__setattr__(self, "_unknown", kept or None)

    @property
    def is_refused(self) -> bool:
        """Whether the server has already said no to this very refresh token."""
        return self.refresh_token is not None and self.refused == fingerprint(self.refresh_token)

    @property
    def is_trouble_alone(self) -> bool:
        """Whether there was never anything but failures; then it may belong to a client that was misspelt."""
        return self.token is None and not self.refresh_token and self.failures > 0

    @property
    def refusal(self) -> str:
        """What the server said when it refused the refresh token, as far as that is known."""
        if self.failure == "GrantRefused" and self.sentence:
            return self.sentence
        return "the authorization server has refused the stored refresh token; sign in again"

    def without_trouble(self) -> Credential:
        """Return the credential without what failures left on it; a refused refresh token stays marked."""
        return replace(self, retry_at=None, failures=0, failed_at=None, failure=None, sentence=None, proof=None)

    def beside(self, before: Credential | None) -> Credential:
        """Return the credential with what a later release noted in the record before it, if it has none (law F3)."""
        noted = before._unknown if before is not None else None  # noqa: SLF001  of its own class
        return self if noted is None or self._unknown is not None else replace(self, _unknown=noted)

    def __repr__(self) -> str:
        name = fingerprint(self.refresh_token) if self.refresh_token else None
        return f"<Credential token={self.token!r} refresh_token={name} failures={self.failures}>"

    def to_json(self) -> bytes:
        """Write the credential as UTF-8 JSON, secrets included."""
        unknown = self._unknown or {}
        record, in_token, in_issued_by = (unknown.get(home, {}) for home in _homes(self.token, self.issued_by))
        token = self.token
        members = {
            "version": SCHEMA_VERSION,
            "token": token
            and {**{name: getattr(token, name) for name in _TOKEN_MEMBERS}, "extra": dict(token.extra), **in_token},
            "obtained_at": self.obtained_at,
            "refresh_token": self.refresh_token,
            "refresh_expires_at": self.refresh_expires_at,
            "refresh_not_before": self.refresh_not_before,
            "issued_by": self.issued_by and {**self.issued_by.members(), **in_issued_by},
            "refused": self.refused,
            "retry_at": self.retry_at,
            "failures": self.failures,
            "spending_since": self.spending_since,
            "reusable": self.reusable,
            "first": self.first,
            "failed_at": self.failed_at,
            "failure": self.failure,
            "sentence": self.sentence,
            "proof": self.proof,
        }
        return json.dumps({**members, **record}, separators=(",", ":")).encode()

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


_MEMBERS = tuple(Credential().members())
_ISSUED_BY_MEMBERS = ("token_endpoint", "client_id", "scope", "audience")


@public_in("grants")
class Rescued(TokenError):
    """A grant's answer cannot be used, but it carries a new refresh token (law D2).

    Raised by `Grant.obtain`: the caller saves `credential` first and raises `error` then.
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

    def unknown(self, *known: str) -> dict[str, object]:
        return {name: value for name, value in self._members.items() if name not in known}

    def credential(self) -> Credential:
        version = self._members.get("version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            known = f"schema {version}, this one reads {SCHEMA_VERSION}"
            message = f"it was written by a newer aio_token ({known}); upgrade aio_token"
            raise StoreError(message)
        if not isinstance(version, int) or isinstance(version, bool) or version < _OLDEST_VERSION:
            message = "it has no schema version"
            raise ValueError(message)
        in_issued_by, in_token = self._part("issued_by"), self._part("token")
        issued_by = in_issued_by.issued_by() if in_issued_by is not None else None
        token = in_token.token() if in_token is not None else None
        unknown = (
            self.unknown("version", *_MEMBERS),
            in_token.unknown(*_TOKEN_MEMBERS) if in_token is not None else {},
            in_issued_by.unknown(*_ISSUED_BY_MEMBERS) if in_issued_by is not None else {},
        )
        return Credential(
            token=token,
            obtained_at=self._time("obtained_at"),
            refresh_token=self._text("refresh_token"),
            refresh_expires_at=self._time("refresh_expires_at"),
            refresh_not_before=self._time("refresh_not_before"),
            issued_by=issued_by,
            refused=self._text("refused"),
            retry_at=self._time("retry_at"),
            failures=self._count("failures"),
            spending_since=self._time("spending_since"),
            reusable=self._flag("reusable"),
            first=self._text("first"),
            failed_at=self._time("failed_at"),
            failure=self._text("failure"),
            sentence=self._text("sentence"),
            proof=self._text("proof"),
            _unknown=dict(zip(_homes(token, issued_by), unknown, strict=True)) if any(unknown) else None,
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

    def _flag(self, name: str) -> bool:
        value = self._members.get(name, False)
        if isinstance(value, bool):
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


def _homes(token: Token | None, issued_by: IssuedBy | None) -> tuple[str, str, str]:
    """Name the parts that members may stand in: the record, this very token, this very issuer."""
    return "record", f"token {token and token.fingerprint}", f"issued_by {fingerprint(repr(issued_by))}"
