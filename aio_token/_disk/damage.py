"""What is stored is not what was written."""

from __future__ import annotations

from aio_token._ground.public import public_in


@public_in("stores")
class Damaged(Exception):
    """What is stored is not what was written. Raised by a codec's `decode`; the message tells nothing of the content.

    Not a ValueError: a key that is missing must never pass for damage, whatever its source raises (law F3).
    """
