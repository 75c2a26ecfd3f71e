"""The repository of one account, and what outlives it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from aio_token._accounts.unknown import UnknownAccount
from aio_token._errors import GrantRefused, SignInRequired, raise_alone
from aio_token._freshness import Freshness, Question
from aio_token._repository import TokenRepository
from aio_token._token import fingerprint
from aio_token.events import Event, RenewalFailed, Renewed
from aio_token.stores.many.record import is_there

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._interfaces import Grant, TokenStore
    from aio_token._token import Token

_EventT = TypeVar("_EventT", bound=Event)

_DIGITS = 8
"""Hex digits of a fingerprint."""

_MOST = 50
"""Fingerprints that are kept of an account."""


class Estate:
    """What stays when the repository of an account is let go, and the repositories that may not be (law I3).

    `unsaved` are those whose credential is in memory only; those in use are held too while they are kept fresh, and
    `notices` says within how many seconds a use is noticed. Which refresh tokens are spent is kept as bytes, four for
    each of the last fifty, so that a backup that is put back is still known for what it is.
    """

    __slots__ = ("_active", "_monotonic", "_spent", "notices", "unsaved")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.unsaved: set[Account] = set()
        self._spent: dict[str, bytes] = {}
        self._monotonic = monotonic
        self.notices: float | None = None
        self._active: dict[Account, float] = {}

    def spent(self, name: str) -> tuple[str, ...]:
        """Return the fingerprints of an account's spent refresh tokens."""
        digits = self._spent.get(name, b"").hex()
        return tuple(digits[begin : begin + _DIGITS] for begin in range(0, len(digits), _DIGITS))

    def notice(self, seconds: float | None) -> None:
        """Hold the accounts in use from now on, noticing a use within so many seconds; None: hold none any more."""
        self.notices = seconds
        self._active.clear()

    def idle(self) -> list[tuple[Account, float]]:
        """Return the accounts in use, each with the seconds since its last use was noticed."""
        now = self._monotonic()
        return [(account, now - at) for account, at in list(self._active.items())]

    def let_go(self, account: Account) -> None:
        """Hold an account no longer for its use."""
        self._active.pop(account, None)

    def used(self, account: Account) -> None:
        """Note a use."""
        if self.notices is not None:
            self._active[account] = self._monotonic()

    def note(self, account: Account, alive: str | None) -> None:
        """Keep what has to be kept of an account to which something has just happened.

        `alive` is the fingerprint of a refresh token that the server has just given. Of the repositories of narrowed
        tokens each knows what it has spent itself.
        """
        known = account.spent
        if account.is_one_of_several:
            known = tuple(one for one in dict.fromkeys((*self.spent(account.key), *known)) if one != alive)[-_MOST:]
        spent = bytes.fromhex("".join(known))
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
        keeper.account = hash(name)  # it stays the same one when it is let go and made anew
        keeper._lineage = replace(keeper._lineage, spent=estate.spent(name))  # noqa: SLF001  no other repository is begun in the middle

    @property
    def spent(self) -> tuple[str, ...]:
        """The fingerprints of refresh tokens whose successor this process has held."""
        return self._keeper._lineage.spent  # noqa: SLF001  no one else asks

    @property
    def is_one_of_several(self) -> bool:
        """Whether the session has repositories of narrowed tokens, or this is one."""
        return self._family is not None

    @property
    def is_unsaved(self) -> bool:
        """Whether the credential is in memory only."""
        return self._keeper.unsaved

    @property
    def is_flying(self) -> bool:
        """Whether a renewal is under way."""
        beside = self._family.beside(self) if self._family is not None else ()
        flights = (flight for one in (self, *beside) for _, flight in list(one._flights._flights))  # noqa: SLF001  no one else asks
        return any(flight.in_the_air for flight in flights)

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is kept of this account, as far as this process has looked."""
        return self._keeper.known and not is_there(self._keeper.credential)

    async def catch_up(self) -> None:
        """Take over what was put into the store by another way."""
        if await self._keeper.catch_up(self._flights.here().lock):
            self._trouble.clear()

    @property
    def needs_a_person(self) -> bool:
        """Whether nothing is renewed any more before someone signs in."""
        return isinstance(self._trouble.error, SignInRequired)

    def look_after(self) -> None:
        """Renew a token that is about to end, while no one waits for it."""
        cached = self._keeper.cached
        if (cached is None or cached.freshness is not Freshness.FRESH) and self._trouble.is_over(self._monotonic()):
            flight = self._flights.here()
            flight.start(partial(self._fly, flight, self._asked(Question())))
        self._have_uses_noticed()

    async def renew_ahead(self) -> None:
        """Renew although the token is good, for its refresh token may not be. Raises `TokenError`."""
        await super()._ask(Question(min_valid_for=math.inf))

    async def _ask(self, question: Question) -> Token:
        try:
            token = await super()._ask(question)
        except SignInRequired as error:
            if isinstance(error, GrantRefused) or not self.is_unknown:
                raise
            raise_alone(UnknownAccount(f"no one is signed in as {self.key!r}; sign in"))
        self._estate.used(self)
        self._have_uses_noticed()
        return token

    def _have_uses_noticed(self) -> None:
        """Have memory left once in a while, where that is wanted: what uses a token tells no one."""
        cached, seconds = self._keeper.cached, self._estate.notices
        if seconds is not None and cached is not None and cached.fresh_until > self._monotonic() + seconds:
            cached.look_again_in(seconds)

    def _tell(self, kind: type[_EventT], **members: Any) -> _EventT:  # noqa: ANN401  each event has its own
        if kind is RenewalFailed and members["remedy"] == "sign in" and self.is_unknown:
            # Anyone may ask for any name: that is no trouble of this service's, and must not fill its log.
            return kind(at=self._time(), name=self.key, **members)
        event = super()._tell(kind, **members)
        alive = self._keeper.credential if kind is Renewed else None
        self._estate.note(self, fingerprint(alive.refresh_token) if alive and alive.refresh_token else None)
        return event

    def _made(self, store: TokenStore, **options: Any) -> Account:  # noqa: ANN401  those of every repository
        return Account(self._grant, store, self._estate, self.key, **options)
