"""The errors, sorted by what their reader should do about them.

`str(error)` is one plain sentence that can be shown to a user. It never holds a token, a secret, a response body or
unfiltered text of a server. None of them is an `aiohttp.ClientError`: aiohttp runs its middlewares again on some of
its own errors, and a token request must never be repeated without knowing that it was sent before. The middleware alone
makes `ServerUnavailable` one of those on which aiohttp does not, for libraries that know no other errors (law D10).
"""

from __future__ import annotations

from aio_token._ground import TYPE_CHECKING
from aio_token._ground.public import public, public_in

if TYPE_CHECKING:
    from typing import Literal, NoReturn, Self


@public
class TokenError(Exception):
    """There is no token; the subclass says what to do.

    With `about` a grant says what the server's answer, or its silence, was about; None if the server was not asked. A
    refusal of the grant or the client is not repeated for a minute, then for two, up to an hour. What is about the
    client or the server concerns every account. The repository takes it off again: its callers have other servers.
    """

    about: Literal["refresh token", "grant", "client", "server"] | None = None

    def again(self) -> Self:
        """Return a fresh exception that says the same.

        Callers who wait for one renewal share its outcome, and each of them raises an object of its own: an exception
        raised twice carries the traceback of both.
        """
        clone = type(self).__new__(type(self), *self.args)
        clone.__dict__.update(self.__dict__)
        clone.__cause__ = self.__cause__
        return clone


def unforeseen(cause: Exception) -> TokenError:
    """Wrap an error of another kind, such as a bug in a store or a grant; its traceback stays with it."""
    error = TokenError(f"the renewal failed with an unexpected error ({type(cause).__name__}); see its cause")
    error.__cause__ = cause
    return error


@public
class SignInRequired(TokenError):
    """Send the user to sign in: nothing usable is stored, and retrying cannot help."""


@public
class GrantRefused(SignInRequired):
    """Send the user to sign in: the authorization server refused the grant (`invalid_grant`, RFC 6749 5.2)."""


@public
class ConfigurationError(TokenError):
    """Fix the configuration or the client's registration; neither waiting nor signing in helps."""


@public
class ServerUnavailable(TokenError):
    """Try later: the authorization server cannot be reached, is overloaded, or gave no usable answer.

    `retry_after` is the number of seconds to wait before the next attempt, None if that is not known.
    `outcome_unknown` tells that the request was sent and no whole answer came, so that the server may have acted.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


@public
class StoreError(TokenError):
    """Fix the storage: the stored credential cannot be read or written; the message names the way out."""


@public_in("stores")
class StoreCorrupt(StoreError):
    """What is stored is not a credential, and it could not be moved aside."""


@public_in("stores")
class KeyUnavailable(StoreError):
    """The stored credential is encrypted and its key cannot be read now; what is stored stays untouched."""


@public_in("stores")
class LockTimeout(StoreError):
    """Another process held the credential's lock for too long."""


@public_in("stores")
class Superseded(StoreError):
    """Another host has written the credential since it was read here; nothing was written over it."""


def without_frames(error: BaseException) -> BaseException:
    """Take the tracebacks and notes off a foreign error and off everything that led to it.

    The frames of an HTTP client hold the request's body, and error reporters print the locals of frames. Notes quote
    what was worked on: since Python 3.14 `json` names the member that it could not write. What is left, the types and
    messages, is enough to understand a cause.
    """
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        link = pending.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = None
            vars(link).pop("__notes__", None)
            pending += [link.__cause__, link.__context__]
    return error


def raise_alone(error: BaseException, because: BaseException | None = None) -> NoReturn:
    """Raise an error, and let nothing show of another one that is being handled.

    Python would keep that one as the context: its text may quote a secret, and its frames may hold one. `because`
    becomes the cause, without its frames; without it the error keeps the cause that it has.
    """
    cause = error.__cause__ if because is None else without_frames(because)
    try:
        raise error from cause
    finally:
        error.__context__ = None
