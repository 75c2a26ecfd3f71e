"""The repository of one account, and what outlives it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from aio_token._errors import GrantRefused, SignInRequired, UnknownAccount, raise_alone
from aio_token._repository import TokenRepository
from aio_token.events import Event, RenewalFailed

if TYPE_CHECKING:
    from aio_token._freshness import Question
    from aio_token._interfaces import Grant, TokenStore
    from aio_token._token import Token

_EventT = TypeVar("_EventT", bound=Event)

_DIGITS = 8
"""Hex digits of a fingerprint."""


class Estate:
    """What stays when the repository of an account is let go, and the repositories that may not be (law I3).

    `unsaved` are those whose credential is in memory only. Which refresh tokens are spent is kept as bytes, four for
    each of the last fifty, so that a backup that is put back is still known for what it is.
    """

    __slots__ = ("_spent", "unsaved")

    def __init__(self) -> None:
        self.unsaved: set[Account] = set()
        self._spent: dict[str, bytes] = {}

    def spent(self, name: str) -> tuple[str, ...]:
        """Return the fingerprints of an account's spent refresh tokens."""
        digits = self._spent.get(name, b"").hex()
        return tuple(digits[begin : begin + _DIGITS] for begin in range(0, len(digits), _DIGITS))

    def note(self, account: Account) -> None:
        """Keep what has to be kept of an account to which something has just happened."""
        spent = bytes.fromhex("".join(account.spent))
        if spent:
            self._spent[account.key] = spent
        else:
            self._spent.pop(account.key, None)
        if account.is_unsaved:
            self.unsaved.add(account)
        else:
            self.unsaved.discard(account)


class Account(TokenRepository):
    """A repository among others: it remembers what one of the same name knew, and says whose account is not there."""

    __slots__ = ("_estate", "key")

    def __init__(self, grant: Grant, store: TokenStore, estate: Estate, name: str, **options: Any) -> None:  # noqa: ANN401  those of every repository
        super().__init__(grant, store, name=name, **options)
        self._estate = estate
        self.key = name
        keeper = self._keeper
        keeper._lineage = replace(keeper._lineage, spent=estate.spent(name))  # noqa: SLF001  no other repository is begun in the middle

    @property
    def spent(self) -> tuple[str, ...]:
        """The fingerprints of refresh tokens whose successor this process has held."""
        return self._keeper._lineage.spent  # noqa: SLF001  no one else asks

    @property
    def is_unsaved(self) -> bool:
        """Whether the credential is in memory only."""
        return self._keeper.unsaved

    @property
    def is_flying(self) -> bool:
        """Whether a renewal is under way."""
        return self._flights.in_the_air

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is kept of this account, as far as this process has looked."""
        return self._keeper.known and self._keeper.credential is None

    async def catch_up(self) -> None:
        """Take over what was put into the store by another way."""
        if await self._keeper.catch_up(self._flights.here().lock):
            self._trouble.clear()

    async def _ask(self, question: Question) -> Token:
        try:
            return await super()._ask(question)
        except SignInRequired as error:
            if isinstance(error, GrantRefused) or not self.is_unknown:
                raise
            raise_alone(UnknownAccount(f"no one is signed in as {self.key!r}; sign in"))

    def _tell(self, kind: type[_EventT], **members: Any) -> _EventT:  # noqa: ANN401  each event has its own
        if kind is RenewalFailed and members["remedy"] == "sign in" and self.is_unknown:
            # Anyone may ask for any name: that is no trouble of this service's, and must not fill its log.
            return kind(at=self._time(), name=self.key, **members)
        event = super()._tell(kind, **members)
        self._estate.note(self)
        return event
