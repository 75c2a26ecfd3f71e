"""What an account may be called, and what stands for its name in file names and keys (law I4)."""

from __future__ import annotations

import hashlib
from unicodedata import category

from aio_token._errors import ConfigurationError

LONGEST_NAME = 256
"""Characters."""

KEY_LENGTH = 32
"""Hex digits."""

_UNSPEAKABLE = {"Cc", "Cs"}  # control characters, and halves of surrogate pairs, which are no text


def checked_name(name: object) -> str:
    """Return the name of an account. Raises `ConfigurationError` for what is none, which it does not quote."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or _UNSPEAKABLE & set(map(category, name)):
        message = f"an account's name is a text of 1 to {LONGEST_NAME} characters without control characters"
        raise ConfigurationError(message)
    return name


def account_key(name: str) -> str:
    """Return what stands for an account's name in a file's name, a key or an address: 32 hex digits of its SHA-256.

    Names that differ in anything have keys that differ, also where a file system takes `Alice` for `alice`, and a key
    leads nowhere, as `../x` would. Raises `ConfigurationError` for what is no name.
    """
    return hashlib.sha256(checked_name(name).encode()).hexdigest()[:KEY_LENGTH]
