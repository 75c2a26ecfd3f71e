"""A person's sign-in in one go, for those who call a grant without a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._interfaces import StillPending

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from aio_token._interfaces import Interactive
    from aio_token._wish import Wish


async def obtained_in_one(part: Interactive, credential: Credential | None, wish: Wish) -> Credential:
    """Wait for the person, and redeem what they bring back, until it can be redeemed."""
    while True:
        brought = await part.invite(wish)
        try:
            return await brought.obtain(credential, wish)
        except StillPending as pending:
            part = pending.part
