"""The refused response that another one replaces: read if it is small, so that its connection is free (law B5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import ClientError
from aiohttp.hdrs import CONTENT_ENCODING

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_SMALL_BODY = 65_536  # bytes; a refused response up to this size is read, so that its connection can be used again
_BODY_PATIENCE = 0.25  # seconds


async def read_if_small(response: ClientResponse) -> bool:
    """Read a refused response that is short and at hand, and tell whether it was; its connection is free then."""
    length = response.content_length
    if length is None or length > _SMALL_BODY or CONTENT_ENCODING in response.headers:  # compressed: of any size
        return False
    patience = asyncio.timeout(_BODY_PATIENCE)
    try:
        async with patience:
            await response.read()
    except TimeoutError:
        if not patience.expired():  # it is the caller's own ClientTimeout
            raise
        return False
    except ClientError:
        return False
    return True
