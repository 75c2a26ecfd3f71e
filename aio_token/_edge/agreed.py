"""A person's yes to more scope: a session of its own, for the origin that asked (law B9).

Theory of operation. What the server does not widen by itself, a person may agree to, by the repository's
`sign_in_with=`. That is another session, with a refresh token of its own. It does not take the place of the
repository's, or every other origin would get the wider token at the next renewal, but stands beside it in its record,
and ends with it. Two repositories share it. One may ask the person, and is asked when an API has just wanted the scope;
the other one may not, and serves the origin from then on: a page that does without the scope waits for no person.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aio_token._errors import SignInRequired
from aio_token._ground.value import replace
from aio_token._sessions.beside import StoreBeside

if TYPE_CHECKING:
    from aio_token._token import Token
    from aio_token._wish import Wish


class Agreed:
    """The session that a person may agree to, beside that of a repository."""

    def __init__(self, session: Any, wish: Wish, grant: Any, person: Any) -> None:  # noqa: ANN401  a repository, which is above
        self._session, self._wish, self._grant = session, wish, grant
        self._asking, self._serving = self._repository(person), self._repository(None)

    @classmethod
    def by_the_person_of(cls, source: Any, scope: str) -> Agreed | None:  # noqa: ANN401  the same
        """Return it where the repository has a person to ask, and a grant that goes on from what comes; else None."""
        session = source._of_the_session  # noqa: SLF001  of one house
        begun_anew = getattr(session._grant, "_of_another_session", None)  # noqa: SLF001
        if session._person is None or begun_anew is None:  # noqa: SLF001
            return None
        return cls(session, replace(source._wish, scope=scope), begun_anew(), session._person.grant)  # noqa: SLF001

    @property
    def has_ended(self) -> bool:
        """Whether only the person can go on, as the server has said."""
        return isinstance(self._serving._trouble.error, SignInRequired)  # noqa: SLF001  of one house

    async def source(self) -> tuple[Token, Any]:
        """Ask the person, unless the store has the session; return the token, and what serves it without asking.

        Raises what the person's grant raises.
        """
        ended = self._serving._keeper.cached if self.has_ended else None  # noqa: SLF001  the same
        token = await self._asking.token(rejected=ended and ended.token)
        self._serving = self._repository(None)  # it knows of no trouble
        return token, self._serving

    def _repository(self, person: Any) -> Any:  # noqa: ANN401  the same
        wish = self._wish
        store = StoreBeside(self._session._store, json.dumps([wish.scope, wish.resource, wish.audience]))  # noqa: SLF001
        return self._session._apart(store, self._grant, person, wish)  # noqa: SLF001
