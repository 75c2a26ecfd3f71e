"""What the exit codes say: they sort failures by what helps, as the errors do."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from aio_token._trouble import remedy

if TYPE_CHECKING:
    from aio_token._errors import TokenError


class Exit(IntEnum):
    """The exit codes; `exec` has its command's own."""

    DONE = 0
    OTHER = 1
    USAGE = 2
    SIGN_IN = 3
    LATER = 4
    STORE = 5
    INTERRUPTED = 130


_BY_REMEDY = {"sign in": Exit.SIGN_IN, "wait": Exit.LATER, "storage": Exit.STORE}


def exit_for(error: TokenError) -> Exit:
    """Return the exit code of an error."""
    return _BY_REMEDY.get(remedy(error), Exit.OTHER)
