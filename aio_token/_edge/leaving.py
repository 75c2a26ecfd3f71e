"""What may leave the middleware: on some errors of its own aiohttp runs all middlewares again (law D10)."""

from __future__ import annotations

from functools import cache
from typing import Any

from aiohttp import ClientConnectionError

from aio_token._errors import ServerUnavailable, TokenError, unforeseen, without_frames


def as_token_error(error: Exception) -> TokenError:
    """Return the error that is raised instead: a `TokenError`, in which anything else is wrapped.

    `ServerUnavailable` is an `aiohttp.ClientConnectionError` then as well, which aiohttp does not repeat: libraries
    that connect again after aiohttp's errors know no other ones, and would end for good.
    """
    if not isinstance(error, TokenError):
        without_frames(error)
        return unforeseen(error)
    if not isinstance(error, ServerUnavailable) or ClientConnectionError in type(error).__mro__:
        return error
    kind: Any = type(error)
    known: type[ServerUnavailable] = _known_to_aiohttp(kind)
    told = known.__new__(known, *error.args)
    told.__dict__.update(error.__dict__)
    told.__cause__ = error.__cause__
    return told


@cache
def _known_to_aiohttp(kind: Any) -> Any:  # noqa: ANN401  typing knows no such thing
    """Return the class under its own name, with aiohttp's among its bases."""
    return type(kind.__name__, (kind, ClientConnectionError), {"__module__": kind.__module__, "__doc__": kind.__doc__})
