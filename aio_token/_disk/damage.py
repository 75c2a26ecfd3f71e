"""What is stored is no credential."""

from __future__ import annotations


class Damaged(Exception):
    """What is stored is not what was written; the message tells nothing of it.

    Not a ValueError: a key that cannot be had must never pass for damage, whatever its source raises (law F3).
    """
