"""Dates as HTTP writes them (RFC 9110 section 5.6.7): all of them are GMT, those too that do not say so."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

_LONGEST = 100  # characters (law H1)


def moment_of(text: str) -> float | None:
    """Return the POSIX seconds of a date in a header, None if it is none; this machine's time zone counts for nothing.

    The form of C's `asctime` names no zone, and servers leave it out of the usual one.
    """
    try:
        date = parsedate_to_datetime(text if len(text) <= _LONGEST else "")
    except (ValueError, TypeError, OverflowError):
        return None
    return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
