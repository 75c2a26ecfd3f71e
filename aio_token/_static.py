"""A token source for a token that is kept elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token._token import Token, Unpicklable

if TYPE_CHECKING:
    from aio_token._wish import Rejection


@public
class StaticToken(Unpicklable):
    """Always supplies the same token, for it has no other: a personal access token, an API key sent as Bearer.

    Raises `ConfigurationError` for what is no text, and for a text that cannot stand in a header.
    """

    def __init__(self, access_token: str) -> None:
        problem = "the access token is missing, or no text; is the variable set that it comes from?"
        try:
            if isinstance(access_token, str):
                self._token = Token(access_token=access_token)
                return
        except ValueError as error:
            problem = str(error)
        finally:
            del access_token  # the frame of an exception would show it
        raise ConfigurationError(problem)

    def __repr__(self) -> str:
        return "<StaticToken>"  # it is also shown by the frame of an `__init__` that fails

    async def token(self, *, rejected: Rejection | Token | None = None, min_valid_for: float = 0.0) -> Token:  # noqa: ARG002  the seam's arguments
        """Return the token, even if it is the one that was rejected."""
        return self._token

    def token_at_hand(self) -> Token:
        """Return the token."""
        return self._token
