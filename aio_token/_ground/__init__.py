"""What everything stands on: values, the names that users write, the version."""

from __future__ import annotations

TYPE_CHECKING = False
"""As of `typing`, which takes a tenth of the time of `aio-token token` to import; checkers go by the name."""
