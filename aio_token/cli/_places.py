"""Where this user's files are: XDG's places, and what other systems have in their stead."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aio_token._errors import ConfigurationError

_XDG = {"linux"}  # Android says so too, and has other places


def configuration() -> Path:
    """Return the directory of what a person has chosen. Raises `ConfigurationError`."""
    return _place("XDG_CONFIG_HOME", ".config") or _elsewhere("config")


def state() -> Path:
    """Return the directory of what programs remember, secrets included. Raises `ConfigurationError`."""
    return _place("XDG_STATE_HOME", ".local/state") or _elsewhere("state")


def home() -> Path | None:
    """Return this user's home directory; None for a user of a container whom no one has named, and without `HOME`."""
    found = os.path.expanduser("~") if os.environ.get("HOME", "not set") else ""  # noqa: PTH111  Path's raises
    at = Path(found)
    return at if at.is_absolute() else None


def absolute(path: str | Path) -> Path:
    """Return what a person has written as a path from the root; the `~` of a user that is not known is a name."""
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111  Path's raises for such a user


def _place(variable: str, usual: str) -> Path | None:
    """Apply the XDG base directory specification, at none of the cost of importing a library that knows all systems.

    A relative path is no place: it would be another one in each directory. The specification has it passed over.
    """
    if sys.platform not in _XDG or "ANDROID_ROOT" in os.environ:
        return None
    named = Path(os.environ.get(variable, ""))
    if named.is_absolute():
        return named / "aio-token"
    at = home()
    if at is None:
        message = (
            "there is no place for this user's files: HOME is not the absolute path of a directory; set it, or "
            "XDG_CONFIG_HOME and XDG_STATE_HOME"
        )
        raise ConfigurationError(message)
    return at / usual / "aio-token"


def _elsewhere(kind: str) -> Path:
    import platformdirs

    return Path(
        {"config": platformdirs.user_config_path, "state": platformdirs.user_state_path}[kind](
            "aio-token", appauthor=False
        )
    )
