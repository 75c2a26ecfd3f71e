"""Times as people write them."""

from __future__ import annotations

import math
import re

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def duration(text: str) -> float | None:
    """Return the seconds of a time such as `90`, `90s`, `5m`, `1h` or `1d`, None for what is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    found = float(match[1]) * _UNITS[match[2]] if match else math.inf
    return found if math.isfinite(found) else None
