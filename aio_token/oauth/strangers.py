"""Calls functions that users give, and says in a sentence what went wrong in them, and nothing of what they hold."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

from aio_token._errors import ConfigurationError, TokenError, raise_alone, without_frames

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def called(name: str, call: Callable[[], _T]) -> _T:
    """Return what the function returns; `name` is what messages call it.

    Raises the `TokenError` that it raises, and `ConfigurationError` for any other error. That one's own text is not
    shown, nor are the frames: both may hold what the function was given.
    """
    try:
        return call()
    except TokenError as error:
        del call
        without_frames(error)
        raise_alone(error)
    except Exception as error:  # noqa: BLE001  it is another party's function
        message = f"{name} failed with {_kind_and_place(error)}; correct the function"
        del call, error  # frames would show them
        raise_alone(ConfigurationError(message))


def _kind_and_place(error: Exception) -> str:
    """Name the error's class, and the line of the function that it came through."""
    frame = error.__traceback__
    for _ in range(2):  # ours, and the call that was given
        frame = frame.tb_next if frame is not None else None
    kind = type(error).__name__
    if frame is None:
        return kind
    return f"{kind} at line {frame.tb_lineno} of {PurePath(frame.tb_frame.f_code.co_filename).name}"
