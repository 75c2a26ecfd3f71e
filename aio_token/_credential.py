"""The credential: an immutable value, what is kept between runs. It never leaves the repository and its store."""

from __future__ import annotations

import json

from aio_token._bound.token import key_in, token_in
from aio_token._errors import StoreError, TokenError
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.public import public, public_in
from aio_token._ground.record import Members
from aio_token._ground.value import Value, field, replace
from aio_token._token import Unpicklable, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token._bound.key import ProofKey
    from aio_token._token import Token

SCHEMA_VERSION = 2
_OLDEST_VERSION = 1
_REMEMBERED_TOKENS = 32
_REMEMBERED_FOR = 90 * 86_400.0  # seconds
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
    refresh token that a grant was given to begin with and has presented; `spent` are those of earlier ones, and of
    sessions that were replaced or removed here.

    `generation` counts what became of the session, so that of two records the older one can be told: two credentials
    that differ in nothing else are equal. 0 is not known. `removed_until` (POSIX seconds) makes the credential a
    tombstone: there is no session any more, and until then that is remembered.

    The last failure, for other processes and the next one: `failed_at` (POSIX seconds), `failure`, the name of its
    error's class, and `sentence`, what it said. `proof` tells whether the client proves itself with something else now.

    `dpop_key` is the private key that the token and the refresh token are bound to (RFC 9449), if they are;
    `spending_key`, the one that they are about to be bound to, for as long as `spending_since` says so.

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
    spent: tuple[str, ...] = ()
    generation: int = field(default=0, compare=False)
    removed_until: float | None = None
    failed_at: float | None = None
    failure: str | None = None
    sentence: str | None = None
    proof: str | None = None
    dpop_key: ProofKey | None = None
    spending_key: ProofKey | None = None
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
    def is_tombstone(self) -> bool:
        """Whether this says only that a session was removed."""
        return self.removed_until is not None

    def tombstone(self, now: float, *, may_lose: bool = False) -> Credential | None:
        """Return what a store keeps in place of the credential when it is deleted, None for nothing (law F9).

        A tombstone holds no secret, only fingerprints of refresh tokens. It is kept until the refresh token would have
        ended, else for 90 days from `now` (POSIX seconds). In a store that may lose writes it tells what was removed
        from what was lost; in any other it is kept where a grant has presented a `first` refresh token, which stays
        where it came from, and where the next session would begin with a lower generation, as after a clock that went
        ahead: who still has this one would take that for older.
        """
        if self.is_tombstone:
            return None if self.has_passed(now) else self
        if not (may_lose or self.begun_with or self.generation > int(now)):
            return None
        until = self.refresh_expires_at
        return Credential(
            first=self.first,
            spent=self.ended,
            generation=self.generation + 1,
            removed_until=until if until is not None and until > now else now + _REMEMBERED_FOR,
        )

    def has_passed(self, now: float) -> bool:
        """Whether this is a tombstone that need not be kept any more."""
        return self.removed_until is not None and self.removed_until <= now

    @property
    def begun_with(self) -> tuple[str, ...]:
        """The fingerprints of the refresh tokens that no grant is to begin with again (law E6)."""
        return self.spent if self.first is None or self.first in self.spent else (*self.spent, self.first)

    @property
    def ended(self) -> tuple[str, ...]:
        """The same, once this session is over."""
        own = fingerprint(self.refresh_token) if self.refresh_token else None
        return (*self.begun_with, *([own] if own and own not in self.begun_with else []))[-_REMEMBERED_TOKENS:]

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
            "spent": self.spent,
            "generation": self.generation,
            "removed_until": self.removed_until,
            "failed_at": self.failed_at,
            "failure": self.failure,
            "sentence": self.sentence,
            "proof": self.proof,
            "dpop_key": self.dpop_key and self.dpop_key.jwk(),
            "spending_key": self.spending_key and self.spending_key.jwk(),
        }
        return json.dumps({**members, **record}, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Credential:
        """Read what `to_json` wrote.

        Raises ValueError, with no part of the text in it, if it is something else, and `StoreError` if a newer version
        of this package wrote it.
        """
        return _read(Members.of(text))


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


def _read(record: Members) -> Credential:
    if record.version > SCHEMA_VERSION:
        known = f"schema {record.version}, this one reads {SCHEMA_VERSION}"
        message = f"it was written by a newer aio_token ({known}); upgrade aio_token"
        raise StoreError(message)
    if record.version < _OLDEST_VERSION:
        message = "it has no schema version"
        raise ValueError(message)
    in_issued_by, in_token = record.part("issued_by"), record.part("token")
    issued_by = _issued_by(in_issued_by) if in_issued_by is not None else None
    key = key_in(record.part("dpop_key"))
    token = token_in(in_token, key) if in_token is not None else None
    unknown = (
        record.beside("version", *_MEMBERS),
        in_token.beside(*_TOKEN_MEMBERS) if in_token is not None else {},
        in_issued_by.beside(*_ISSUED_BY_MEMBERS) if in_issued_by is not None else {},
    )
    return Credential(
        token=token,
        obtained_at=record.time("obtained_at"),
        refresh_token=record.text("refresh_token"),
        refresh_expires_at=record.time("refresh_expires_at"),
        refresh_not_before=record.time("refresh_not_before"),
        issued_by=issued_by,
        refused=record.text("refused"),
        retry_at=record.time("retry_at"),
        failures=record.whole("failures"),
        spending_since=record.time("spending_since"),
        reusable=record.flag("reusable"),
        first=record.text("first"),
        spent=record.texts("spent"),
        generation=record.whole("generation"),
        removed_until=record.time("removed_until"),
        failed_at=record.time("failed_at"),
        failure=record.text("failure"),
        sentence=record.text("sentence"),
        proof=record.text("proof"),
        dpop_key=key,
        spending_key=key_in(record.part("spending_key")),
        _unknown=dict(zip(_homes(token, issued_by), unknown, strict=True)) if any(unknown) else None,
    )


def _issued_by(members: Members) -> IssuedBy:
    return IssuedBy(
        token_endpoint=members.text("token_endpoint") or "",
        client_id=members.text("client_id") or "",
        scope=members.text("scope"),
        audience=members.text("audience"),
    )


def _homes(token: Token | None, issued_by: IssuedBy | None) -> tuple[str, str, str]:
    """Name the parts that members may stand in: the record, this very token, this very issuer."""
    return "record", f"token {token and token.fingerprint}", f"issued_by {fingerprint(repr(issued_by))}"
