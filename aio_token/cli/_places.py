"""Where things are: profiles among the user's configuration, tokens among the state of programs (XDG, and its kin)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformdirs import user_config_path, user_state_path

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "aio-token"


def profiles_directory() -> Path:
    """Return the directory of the profiles."""
    return user_config_path(_NAME, appauthor=False) / "profiles"


def profile_file(name: str) -> Path:
    """Return the file of a profile, which holds no secret."""
    return profiles_directory() / f"{name}.json"


def token_file(name: str) -> Path:
    """Return the file of a profile's token, and of its refresh token."""
    return user_state_path(_NAME, appauthor=False) / f"{name}.token"


def client_secret_file(name: str) -> Path:
    """Return the file of a client's secret that a person typed in."""
    return user_state_path(_NAME, appauthor=False) / f"{name}.client-secret"
