"""What constructors say of arguments that cannot work: one sentence, at once, that shows nothing of what was given.

What cannot work is a `ConfigurationError`: a part in the place of another, a number out of range, a name that is taken,
a secret that is not there. A text, a function or a mapping of another type is a TypeError, as everywhere in Python.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

from aio_token._errors import ConfigurationError, raise_alone

_T = TypeVar("_T", bound=type)
_MAX_PORT = 65_535


def judged(cls: _T) -> _T:
    """Let the errors of a class's constructor show none of its arguments (law G1).

    Error reporters print the variables of frames, and the frames of a constructor hold a password, or a client's secret
    that was given in the place of the client.
    """
    construct: Any = cls.__init__  # type: ignore[misc]  # every class has one

    @wraps(construct)
    def __init__(self: object, *given: object, **named: object) -> None:  # noqa: N807
        try:
            construct(self, *given, **named)
        except (ConfigurationError, TypeError) as error:
            del self, given, named
            raise_alone(error.with_traceback(None))

    cls.__init__ = __init__  # type: ignore[misc]
    return cls


def check_kind(name: str, value: object, kinds: tuple[type, ...], said: str) -> None:
    """Refuse what is not of one of these kinds, which are `said` in words."""
    if not isinstance(value, kinds):
        message = f"{name} is {said}, not {_kind(value)}"
        del value  # the frame of an exception would show it
        raise TypeError(message)


def check_text(name: str, value: object, *, optional: bool = False) -> None:
    """Refuse what is not a text, or an empty one unless it is optional."""
    if optional and value is None:
        return
    check_kind(name, value, (str,), "a text")
    if not value and not optional:
        message = f"{name} is empty"
        raise ConfigurationError(message)


def check_scope(value: object) -> None:
    """Refuse a scope that is not one text (RFC 6749 section 3.3)."""
    if value is not None and not isinstance(value, str):
        message = f'scope is one text with spaces between its words, such as scope="a b", not {_kind(value)}'
        raise TypeError(message)


def check_several(name: str, value: object) -> None:
    """Refuse what is neither a text nor several."""
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, Sequence) or not all(isinstance(one, str) for one in value):
        message = f"{name} is a text, or a list of texts"
        raise TypeError(message)


def check_seconds(name: str, value: object, *, zero: bool = False) -> None:
    """Refuse what is not a positive, finite number of seconds; `zero` says that 0 is one as well."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and (number > 0 or (zero and number == 0))):
        message = f"{name} is a positive number of seconds, not {_kind(value)}"
        raise ConfigurationError(message)


def check_port(value: object) -> None:
    """Refuse what is not a port; 0 is any that is free."""
    if isinstance(value, bool) or not (isinstance(value, int) and 0 <= value <= _MAX_PORT):
        message = f"port is a number from 0 (any that is free) to {_MAX_PORT}, not {_kind(value)}"
        raise ConfigurationError(message)


def check_function(name: str, value: object, *, optional: bool = False) -> None:
    """Refuse what cannot be called."""
    if not callable(value) and not (optional and value is None):
        message = f"{name} is a function, not {_kind(value)}"
        raise TypeError(message)


def check_secret(name: str, value: object, kinds: tuple[type, ...] = (str,)) -> None:
    """Refuse what is neither a secret nor a function that returns one; what a function returns is judged later."""
    if not callable(value) and not (isinstance(value, kinds) and value):
        message = f"{name} is missing, empty or of the wrong type; is the variable set that it comes from?"
        raise ConfigurationError(message)


def check_client(value: object) -> None:
    """Refuse what is not a client authentication."""
    if isinstance(value, str):
        message = (
            "the client of a TokenEndpoint says how it proves who it is: pass ClientSecretBasic(client_id, secret), or "
            "PublicClient(client_id) if it has no secret, not a text"
        )
        raise ConfigurationError(message)
    if isinstance(value, type) or not callable(getattr(value, "authenticate", None)):
        message = f"the client of a TokenEndpoint is a client authentication, such as PublicClient, not {_kind(value)}"
        raise ConfigurationError(message)
    check_text("the client's id", getattr(value, "client_id", None))


def check_endpoint(value: object) -> None:
    """Refuse what is not a token endpoint. Its class is not asked for, since it brings an HTTP client with it."""
    if isinstance(value, type) or not callable(getattr(value, "check_issued_here", None)):
        message = f"a grant asks a TokenEndpoint, not {_kind(value)}; make one by Provider.discover, or by its address"
        raise ConfigurationError(message)


def check_header(value: object) -> None:
    """Refuse what are no members of a JWT's header, and those that the library writes."""
    check_kind("header", value, (Mapping,), "a mapping of a JWT's header members by their names")
    if isinstance(value, Mapping) and (taken := {"alg", "kid", "typ"} & {*value}):
        message = f"the header member {min(taken)!r} is written by the library; alg= and kid= say it"
        raise ConfigurationError(message)


def check_parameters(value: object, reserved: Iterable[str], remedy: str) -> None:
    """Refuse parameters that are not texts by their names, and names that are written by the library itself."""
    if value is not None and not isinstance(value, Mapping):
        message = f"parameters are texts by their names, a mapping, not {_kind(value)}"
        raise TypeError(message)
    for name, given in (value or {}).items():
        if not isinstance(name, str) or given is None:
            message = "the names and values of parameters are texts"
            raise TypeError(message)
        check_several(f"the parameter {name!r}", given)
        if name in reserved:
            message = f"the parameter {name!r} is written by the library; {remedy}"
            raise ConfigurationError(message)


def _kind(value: object) -> str:
    """Name a thing without showing it; a number is no secret."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, int | float):
        return str(value)
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
