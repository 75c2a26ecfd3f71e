"""Arguments and options that several commands take."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from aio_token._errors import ConfigurationError
from aio_token._wish import Wish
from aio_token.cli import _profile_files
from aio_token.cli._durations import duration
from aio_token.cli._profile import PROFILE_VARIABLE, is_name
from aio_token.cli._store_address import is_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    _Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def checked_name(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """Refuse a name that would lead elsewhere, since it becomes a part of a path."""
    if name is not None and not is_name(name):
        where = ""
        if parameter.name and context.get_parameter_source(parameter.name) is click.core.ParameterSource.ENVIRONMENT:
            where = f", and {PROFILE_VARIABLE} in the environment is {name!r}"
        message = f"a profile is named by up to 64 letters, digits, dots, dashes and underscores{where}"
        raise click.BadParameter(message, context, parameter)
    return name


def _checked_name_or_store(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    return name if name is not None and is_address(name) else checked_name(context, parameter, name)


def completed_name(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's
    """Offer the profiles that begin with what was typed."""
    return [name for name in _profile_files.names() if name.startswith(incomplete)]


def seconds(context: click.Context, parameter: click.Parameter, text: str) -> float:
    """Read a time such as `90`, `90s`, `5m`, `1h` or `1d`."""
    found = duration(text)
    if found is None:
        message = f"{text!r} is not a duration; write it like 90s, 5m or 1h"
        raise click.BadParameter(message, context, parameter)
    return found


def profile_argument(
    *, default: Callable[[], str] | None = _profile_files.chosen, or_store: bool = False
) -> _Decorator:
    """Take the profile's name, by default that of the environment, else the one that was chosen; or a store."""
    return click.argument(
        "profile",
        metavar="[PROFILE | STORE]" if or_store else None,
        callback=_checked_name_or_store if or_store else checked_name,
        shell_complete=completed_name,
        envvar=PROFILE_VARIABLE,
        default=default,
        required=False,
    )


def profile_option() -> _Decorator:
    """Take the profile's name as an option, where the arguments are something else."""
    return click.option(
        "--profile",
        "-p",
        metavar="PROFILE",
        callback=checked_name,
        shell_complete=completed_name,
        envvar=PROFILE_VARIABLE,
        default=_profile_files.chosen,
        help="Whose token to use.",
    )


def min_valid_option() -> _Decorator:
    """Take how long the token must remain valid."""
    return click.option(
        "--min-valid",
        metavar="DURATION",
        callback=seconds,
        default="0",
        help="Renew the token first if it is valid for less than this, such as 90s, 5m or 1h.",
    )


def origins(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> tuple[str, ...]:
    """Take origins that the token may be sent to: of https, or of this machine (laws A1 and A2)."""
    if given:
        from aio_token._edge.origins import allowed_origins

        try:
            allowed_origins(given, plain_http=False)
        except ConfigurationError as error:
            raise click.BadParameter(str(error), context, parameter) from None
    return tuple(given)


def wish_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take what this one token shall be for, as the argument `wish`."""

    @wraps(command)
    def wished(
        *context: Any,  # noqa: ANN401  click's, where the command takes it
        scope: Sequence[str],
        audience: str | None,
        resource: Sequence[str],
        **others: Any,  # noqa: ANN401  whatever else the command takes
    ) -> int | None:
        wish = Wish(scope=" ".join(scope) or None, audience=audience, resource=tuple(resource))
        code: int | None = command(*context, wish=wish, **others)
        return code

    for option in (
        click.option("--resource", multiple=True, metavar="URL", help="The API's address, this time (RFC 8707)."),
        click.option("--audience", metavar="NAME", help="The API's name, this time."),
        click.option("--scope", multiple=True, metavar="SCOPE", help="A scope, this time; may be repeated."),
    ):
        wished = option(wished)
    return wished
