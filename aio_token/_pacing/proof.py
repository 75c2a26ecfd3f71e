"""Whether a client proves itself with the same as before: told by a digest that is of no use to whoever reads it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError
from aio_token._interfaces import Fingerprinting
from aio_token._limits import within

if TYPE_CHECKING:
    from aio_token._interfaces import Grant

_SALT = 8
"""Bytes."""

_KEPT = 4
"""Hex digits of the digest that are kept. They confirm no guess: of a million likely passwords, fifteen fit them."""


def digest(salt: bytes, *parts: object) -> str:
    """Return the HMAC-SHA256 of the parts, keyed with the salt, in hex digits."""
    import hmac  # noqa: PLC0415  needed after a failure only

    return hmac.new(salt, repr(parts).encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()


async def proof_of(grant: Grant, *, seconds: float, like: str | None = None) -> str:
    """Return the proof of what a grant presents now, with the salt of another proof that it is to be compared with.

    A secret that cannot be read within so many seconds is as good as another one: reading it again may help.
    """
    salt = os.urandom(_SALT) if like is None else _salt_of(like)
    presented = ""
    if isinstance(grant, Fingerprinting):
        try:
            async with within(seconds, ConfigurationError("what the client proves itself with could not be read")):
                presented = await grant.fingerprint(salt)
        except Exception:  # noqa: BLE001  it is looked at because of another failure, which matters more
            presented = "unreadable"
    return f"{salt.hex()}:{digest(salt, grant.issued_by, presented)[:_KEPT]}"


def _salt_of(proof: str) -> bytes:
    try:
        return bytes.fromhex(proof.partition(":")[0])
    except ValueError:  # what is stored may hold anything; then the proofs differ
        return b""
