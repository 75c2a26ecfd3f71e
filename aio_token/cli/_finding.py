"""What `aio-token doctor` finds, a line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aio_token.cli._exits import Exit, exit_for

if TYPE_CHECKING:
    from aio_token._errors import TokenError

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found; `exit` is the exit code if it is a failure."""

    level: Level
    subject: str
    text: str
    exit: Exit = Exit.DONE


def failure(subject: str, error: TokenError) -> Finding:
    """Return what an error says."""
    return Finding(level="fail", subject=subject, text=str(error), exit=exit_for(error))
