"""What is kept in a store, looked at from outside: no server is asked, and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._freshness import CachedToken
from aio_token._limits import failure_of, read
from aio_token._lineage import served
from aio_token._status import Status, status_of

if TYPE_CHECKING:
    from aio_token._clock import Clock
    from aio_token._credential import IssuedBy
    from aio_token._freshness import Windows
    from aio_token._interfaces import TokenStore
    from aio_token._limits import Limits


async def look_at(
    store: TokenStore, issued_by: IssuedBy | None, *, name: str, limits: Limits, windows: Windows, clock: Clock
) -> Status:
    """Return the status of what the store keeps; a store that cannot be read is its trouble."""
    try:
        credential = await read(store, store, limits)
    except Exception as error:  # noqa: BLE001  whatever a stranger's store raises
        return status_of(None, None, known=False, trouble=failure_of(store, error), name=name)
    cached = None
    if credential is not None and served(credential, issued_by) is not None:
        cached = CachedToken.of(credential, windows, clock, renewal_took=None, jitter=0.0)
    return status_of(credential, cached, name=name)
