"""What is sent to an authorization server, as values whose repr shows no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aio_token._errors import ConfigurationError, raise_alone
from aio_token._ground.public import public
from aio_token._ground.value import Value, field
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_several, judged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPEN = frozenset(
    {
        "acr_values",
        "actor_token_type",
        "audience",
        "claims",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "grant_type",
        "max_age",
        "redirect_uri",
        "requested_token_type",
        "resource",
        "response_type",
        "scope",
        "subject_token_type",
        "token_type_hint",
    }
)


@public
@judged
class Form(Unpicklable):
    """The members of a form; None and empty ones count as left out (RFC 6749 section 3.2), a sequence as repeated.

    Raises TypeError for a member that is not text.
    """

    __slots__ = ("_members",)

    def __init__(self, /, **members: str | Sequence[str] | None) -> None:
        for name, given in members.items():
            check_several(f"the member {name!r} of a form", given)
        self._members = tuple(
            (name, value)
            for name, given in members.items()
            for value in ((given,) if isinstance(given, str) else given or ())
            if value
        )

    def __repr__(self) -> str:
        return f"<Form {' '.join(name for name, _ in self._members)}>"

    @property
    def members(self) -> list[tuple[str, str]]:
        """All members, in order."""
        return list(self._members)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that no message may repeat: all but those whose name says that they are no secret."""
        return tuple(value for name, value in self._members if name not in _OPEN)

    def values(self, name: str) -> list[str]:
        """Return the values of a member, none if it is left out."""
        return [value for member, value in self._members if member == name]

    def over(self, other: Form) -> Form:
        """Return a form with the other's members as well, where this one has none of that name."""
        own = {name for name, _ in self._members}
        form = Form()
        form._members = (*self._members, *(member for member in other._members if member[0] not in own))
        return form

    def written_for(self, to: str) -> str:
        """Return the body of a request (application/x-www-form-urlencoded); `to` is what messages call its receiver.

        Raises `ConfigurationError` for a text that cannot be written: half of a surrogate pair.
        """
        try:
            return urlencode(self._members)
        except UnicodeError:  # it quotes the text
            message = f"a parameter for {to} is not text; check what the grant and the endpoint were given"
            raise_alone(ConfigurationError(message))


@public
class Request(Unpicklable, Value):
    """An HTTP request; `to` is what messages call its receiver. `secrets` are texts that no message may repeat.

    `repeatable` False sends it once only, even if the connection is dropped (law D7). `sent_at` is when it is sent, in
    POSIX seconds of the server's clock as far as that is known; None for this machine's.
    """

    to: str
    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    secrets: tuple[str, ...] = ()
    repeatable: bool = True
    sent_at: float | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} to {self.to}>"
