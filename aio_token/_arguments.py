"""Constructors judge their arguments: what cannot work is refused at once, and not in a renewal hours later."""

from __future__ import annotations

from aio_token._errors import ConfigurationError


def demand(given: object, method: str, wanted: str) -> None:
    """Raise `ConfigurationError` unless `given` is an object with that method; `wanted` says what is expected."""
    if isinstance(given, type):
        message = f"{wanted}, not the class {given.__name__}: call it"
        raise ConfigurationError(message)
    if not callable(getattr(given, method, None)):
        message = f"{wanted}, not a {type(given).__name__}"
        raise ConfigurationError(message)


def demand_kind(given: object, kind: type | tuple[type, ...], wanted: str) -> None:
    """Raise `ConfigurationError` unless `given` is of that class, or one of those."""
    if not isinstance(given, kind):
        message = f"{wanted}, not a {type(given).__name__}"
        raise ConfigurationError(message)


def demand_count(given: object, name: str) -> None:
    """Raise `ConfigurationError` unless `given` is a whole number from 1."""
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        message = f"{name} is a whole number, 1 or more"
        raise ConfigurationError(message)


def demand_seconds(given: object, name: str) -> None:
    """Raise `ConfigurationError` unless `given` is a number of seconds from 0; one without an end is a number too."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0:
        what = given if isinstance(given, int | float) else f"a {type(given).__name__}"
        message = f"{name} is a number of seconds, 0 or more, not {what}"
        raise ConfigurationError(message)


def demand_one_of(given: object, choices: tuple[str, ...], name: str) -> None:
    """Raise `ConfigurationError` unless `given` is one of those words."""
    if given not in choices:
        message = f"{name} is one of {', '.join(map(repr, choices))}"
        raise ConfigurationError(message)
