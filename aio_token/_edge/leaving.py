"""What may leave the middleware: on some errors of its own aiohttp runs all middlewares again (law D10)."""

from __future__ import annotations

from aio_token._errors import TokenError, unforeseen, without_frames


def as_token_error(error: Exception) -> TokenError:
    """Return the error that is raised instead: a `TokenError` as it is, anything else wrapped in one."""
    if isinstance(error, TokenError):
        return error
    without_frames(error)
    return unforeseen(error)
