"""How long to leave a server alone that could not help."""

from __future__ import annotations

import random

LONGEST_PAUSE = 60.0
"""Seconds; what failures alone add up to."""

LONGEST_RETRY_AFTER = 3600.0
"""Seconds; what a server may ask for while there is a token that is good."""

LONGEST_RETRY_AFTER_WITHOUT_A_TOKEN = 300.0
"""Seconds; what a server may ask for when there is none: one wrong header must not stop a service for an hour."""

LONGEST_REFUSAL = 3600.0
"""Seconds; how rarely a server is asked that refuses."""


LOOKS_APART = 1.0
"""Seconds between two looks at the store while a caller waits: other processes write there and tell no one."""


def pause(failures: int) -> float:
    """Return 1, 2, 4 ... 60 seconds for the first, second, third ... failure in a row."""
    return min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 6))


def refusal_pause(failures: int) -> float:
    """Return 1, 2, 4 ... 60 minutes, in seconds, for the first, second, third ... refusal in a row (law E1)."""
    return min(LONGEST_REFUSAL, 60 * 2.0 ** min(failures - 1, 6))


def chance() -> float:
    """Return a number from 0 to 1 that keeps a fleet from doing things at once."""
    return random.random()  # noqa: S311  it hides nothing


def jittered_pause(failures: int, *, jitter: float, retry_after: float | None = None) -> float:
    """Return the pause with equal jitter (half of it is by chance; `jitter` is from 0 to 1), or longer if asked to."""
    whole = pause(failures)
    return max(whole / 2 * (1 + jitter), min(retry_after or 0.0, LONGEST_RETRY_AFTER))
