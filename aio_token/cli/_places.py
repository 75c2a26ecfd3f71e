"""Where this user's files are: XDG's places, and what other systems have in their stead."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_XDG = {"linux"}  # Android says so too, and has other places


def configuration() -> Path:
    """Return the directory of what a person has chosen."""
    return _place("XDG_CONFIG_HOME", ".config") or _elsewhere("config")


def state() -> Path:
    """Return the directory of what programs remember, secrets included."""
    return _place("XDG_STATE_HOME", ".local/state") or _elsewhere("state")


def _place(variable: str, usual: str) -> Path | None:
    """Apply the XDG base directory specification, at none of the cost of importing a library that knows all systems."""
    if sys.platform not in _XDG or "ANDROID_ROOT" in os.environ:
        return None
    named = os.environ.get(variable, "")
    return Path(named if named.strip() else os.path.expanduser(f"~/{usual}"), "aio-token")  # noqa: PTH111  raises nothing


def _elsewhere(kind: str) -> Path:
    import platformdirs

    return Path(
        {"config": platformdirs.user_config_path, "state": platformdirs.user_state_path}[kind](
            "aio-token", appauthor=False
        )
    )
