"""The origins that a token may be sent to, as somebody wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence


def origins(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> tuple[str, ...]:
    """Take origins, of https or of this machine (laws A1 and A2)."""
    if given:
        from aio_token._origins import allowed_origins  # noqa: PLC0415  brings yarl

        try:
            allowed_origins(given, plain_http=False)
        except ConfigurationError as error:
            raise click.BadParameter(str(error), context, parameter) from None
    return tuple(given)
