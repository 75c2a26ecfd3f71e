"""Credentials that aiohttp fills in by itself: with `trust_env`, what ~/.netrc has for a host (law A4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp.hdrs import AUTHORIZATION
from aiohttp.helpers import basicauth_from_netrc, netrc_from_env

if TYPE_CHECKING:
    from aiohttp import ClientRequest


async def filled_in_by_client(request: ClientRequest, header: str) -> bool:
    """Whether the request's header is netrc's entry for its host and not the caller's own.

    aiohttp does not tell the two apart, so they are compared. It reads the file for every such request, and so does
    this, in a thread as well.
    """
    host = request.url.host
    if header is not AUTHORIZATION or not request.session.trust_env or host is None:
        return False
    return await asyncio.to_thread(_from_netrc, host) == request.headers[AUTHORIZATION]


def _from_netrc(host: str) -> str | None:
    try:
        return basicauth_from_netrc(netrc_from_env(), host).encode()
    except LookupError:
        return None
