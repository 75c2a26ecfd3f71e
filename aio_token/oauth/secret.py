"""Secrets that are given as text or as something to call, read anew for each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, Generic, TypeVar, overload

from aio_token._errors import ConfigurationError, TokenError, raise_alone
from aio_token._ground.public import public

T = TypeVar("T")

Secret = str | Callable[[], str | Awaitable[str]]
"""A secret, or a function (asynchronous or not) that returns it: rotated secrets, mounted files."""


@public
class Revealed(Generic[T]):
    """Carries a secret through frames: tracebacks that show local variables show this object's repr."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value: T = value

    def __repr__(self) -> str:
        return "<Revealed>"


@overload
async def reveal(secret: Secret, name: str) -> Revealed[str]: ...
@overload
async def reveal(secret: object, name: str, *, kinds: tuple[type, ...]) -> Revealed[Any]: ...
async def reveal(secret: object, name: str, *, kinds: tuple[type, ...] = (str,)) -> Revealed[Any]:
    """Read a secret; `name` is what messages call it. A text loses the line break that files end in.

    Raises `ConfigurationError` if it cannot be read, is empty, or is of another type than `kinds`.
    """
    held: Revealed[Any] = Revealed(secret)
    del secret  # the frame of an exception would show it
    try:
        if callable(held.value):
            held.value = held.value()
        if isawaitable(held.value):
            held.value = await held.value
    except TokenError:
        raise
    except Exception as error:  # noqa: BLE001  it is another party's function
        message = f"{name} cannot be read ({type(error).__name__}); see the cause"
        raise_alone(ConfigurationError(message), because=error)
    if isinstance(held.value, str):
        held.value = held.value.rstrip("\r\n")
    if not isinstance(held.value, kinds) or not held.value:
        message = f"{name} is empty or of the wrong type"
        raise ConfigurationError(message)
    return held
