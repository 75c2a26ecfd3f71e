"""What a repository does about the other access tokens of its session: nothing, unless there are any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aio_token._narrowing.narrowed import Family, needs_no_session, over, refuse_without_session, wish_for
from aio_token._wish import NO_WISH, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from aio_token._credential import Credential
    from aio_token._freshness import Question
    from aio_token._interfaces import Grant, TokenStore
    from aio_token._keeper import Keeper
    from aio_token._limits import Limits
    from aio_token.events import Observer


class Narrowable:
    """A part of `TokenRepository`, whose members these are."""

    __slots__ = ()

    _family: Family | None
    _grant: Grant
    _keeper: Keeper
    _limits: Limits
    _name: str | None
    _observer: Observer | None
    _wish: Wish

    if TYPE_CHECKING:

        def _tell(self, kind: Any, **members: Any) -> Any: ...  # noqa: ANN401

    def narrowed(
        self, *, scope: str | None = None, resource: str | Sequence[str] = (), audience: str | None = None
    ) -> Self:
        """Return the repository of another access token of this session, the same one for the same arguments.

        `scope` is a space-separated list, no more than was granted; `resource` the address of the API that the token is
        for, or several (RFC 8707); `audience` its name. The refresh token is shared, and its renewals are in order. The
        store keeps sixteen such tokens. To sign in or out is to do so with the session. A server that ends one token
        when it gives another is told of by an event, once; its tokens are renewed a second apart at least.

        Raises `ConfigurationError` if nothing is asked for, and for a grant that needs no session: give each token a
        repository of its own then.
        """
        wish = wish_for(scope, resource, audience)
        refuse_without_session(self._grant)
        return self._beside(wish)

    def _beside(self, wish: Wish) -> Self:
        family = self._family or Family(self)
        narrowed: Self = family.member(wish)
        return narrowed

    def _widened(self, scope: str) -> Self:
        """Return the repository of a token like this one with that scope, whatever the grant needs (law B9)."""
        return self._beside(over(self._wish, wish_for(scope, (), None)))

    @property
    def _scope_asked(self) -> str | None:
        """The scope that was asked for, as far as is known; what is granted if the server does not say another."""
        credential = self._keeper.credential
        issued_by = credential.issued_by if credential is not None else None
        return self._wish.scope or (issued_by.scope if issued_by is not None else None)

    @property
    def _needs_no_session(self) -> bool:
        """Whether the grant obtains each token anew, so that no person can help."""
        return needs_no_session(self._grant)

    def _another(self, store: TokenStore, observer: Observer) -> Any:  # noqa: ANN401  a repository, whose class is above
        """Make a repository like this one, over another store."""
        return self._made(store, observer=observer, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        """What a repository like this one is made with."""
        keeper = self._keeper
        return {
            "windows": keeper._windows,  # noqa: SLF001  its own keeper
            "limits": self._limits,
            "pace": keeper._pace,  # noqa: SLF001
            "unwritable": "serve" if keeper._serves_unsaved else "refuse",  # noqa: SLF001
            "clock": keeper.clock,
        }

    def _apart(self, store: TokenStore, grant: Grant, person: Grant | None, wish: Wish) -> Any:  # noqa: ANN401  the same
        """Make a repository of another session, which is closed and ends with this one."""
        options = {**self._options, "grant": grant, "sign_in_with": person, "observer": self._observer}
        made = Narrowable._made(self, store, **options)  # no account: that is this one
        made._wish = wish  # noqa: SLF001  of its own kind
        (self._family or Family(self)).keep(made)
        return made

    def _made(self, store: TokenStore, **options: Any) -> Any:  # noqa: ANN401
        repository: Any = next(cls for cls in type(self).__mro__ if Narrowable in cls.__bases__)
        return repository(options.pop("grant", self._grant), store, name=self._name, **options)

    async def _close_those_beside(self) -> None:
        """Close the narrowed ones of this session, as far as anything holds them; of a narrowed one, none."""
        for other in self._family.beside(self) if self._family is not None else ():
            await other.aclose()

    @property
    def _of_the_session(self) -> Self:
        """The repository of the session itself."""
        session: Self = self if self._family is None else self._family.parent
        return session

    @property
    def _whole(self) -> Credential | None:
        """The credential, if its token is meant to have all that was granted."""
        return self._keeper.credential if self._wish is NO_WISH else None

    def _begin_anew(self) -> None:
        """Let go the tokens beside this one: their session ends here and now."""
        if self._family is not None:
            self._family.begin_anew()

    def _asked(self, question: Question) -> Question:
        """Return the question for this very token."""
        return question if self._wish is NO_WISH else replace(question, wish=over(self._wish, question.wish))

    async def _in_order(self, question: Question) -> None:
        """Wait until the session's other tokens let this one be renewed. Raises `StoreError`."""
        if self._family is not None:
            await self._family.in_order(self, question)
