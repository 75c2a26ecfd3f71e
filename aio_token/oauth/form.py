"""What is sent to an authorization server, as values whose repr shows no secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aio_token._public import public
from aio_token._token import Unpicklable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPEN = frozenset(
    {
        "actor_token_type",
        "audience",
        "client_id",
        "grant_type",
        "redirect_uri",
        "requested_token_type",
        "resource",
        "scope",
        "subject_token_type",
        "token_type_hint",
    }
)


@public
class Form(Unpicklable):
    """The members of a form; None and empty ones count as left out (RFC 6749 section 3.2), a sequence as repeated."""

    __slots__ = ("_members",)

    def __init__(self, /, **members: str | Sequence[str] | None) -> None:
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
    def single(self) -> dict[str, str]:
        """The members that occur once."""
        return {name: value for name, value in self._members if self._count(name) == 1}

    @property
    def repeated(self) -> list[tuple[str, str]]:
        """The members that occur several times."""
        return [(name, value) for name, value in self._members if self._count(name) > 1]

    def over(self, other: Form) -> Form:
        """Return a form with the other's members as well, where this one has none of that name."""
        form = Form()
        form._members = (*self._members, *(member for member in other._members if not self._count(member[0])))
        return form

    def _count(self, name: str) -> int:
        return sum(name == member for member, _ in self._members)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that no message may repeat: all but those whose name says that they are no secret."""
        return tuple(value for name, value in self._members if name not in _OPEN)


@public
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Request(Unpicklable):
    """An HTTP request; `to` is what messages call its receiver. `secrets` are texts that no message may repeat.

    `repeatable` False sends it once only, even if the connection is dropped (law D7).
    """

    to: str
    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    secrets: tuple[str, ...] = ()
    repeatable: bool = True

    def __repr__(self) -> str:
        return f"<Request {self.method} to {self.to}>"
