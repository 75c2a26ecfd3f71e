"""What a secret of a test looks like, and all that an exception shows to the most curious error reporter."""

from __future__ import annotations

import re
from pathlib import Path
from traceback import StackSummary, TracebackException
from typing import TYPE_CHECKING

from aio_token.testing.registered_client import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRETS = re.compile(
    rf"kit-(?:access|code|device|refresh|secret)-[\w-]+"  # what the kit's authorization server issues
    rf"|\b(?:access|refresh)-\d+\b"  # what the stand-ins give
    rf"|canary-[\w-]+|{re.escape(SECRET)}"
)
"""Every secret of a test, by its shape."""

_TESTS = str(Path(__file__).parents[1])


def exposure(error: BaseException) -> str:
    """Return all that an error and whatever led to it show: text, arguments, attributes, every frame's variables.

    A test's own frames are left out: its variables are its own affair.
    """
    return "\n".join(part for link in _chain(error, set()) for part in _parts(link))


def _parts(link: BaseException) -> Iterator[str]:
    shown = TracebackException(type(link), link, link.__traceback__, capture_locals=True)
    shown.stack = StackSummary.from_list([frame for frame in shown.stack if not frame.filename.startswith(_TESTS)])
    yield from shown.format(chain=False)
    yield from (repr(link), str(link), repr(link.args), repr(vars(link)))


def _chain(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        yield from _chain(error.__cause__, seen)
        yield from _chain(error.__context__, seen)
        inner = getattr(error, "error", None)  # a Rescued carries one
        yield from _chain(inner if isinstance(inner, BaseException) else None, seen)
