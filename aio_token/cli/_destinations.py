"""Where a profile's token may go: to the origins that were named, and nowhere else (law A1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token.cli import _profile_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yarl import URL


def parsed(text: str) -> URL | None:
    """Read an address, None if it is none."""
    from yarl import URL

    try:
        url = URL(text)
        url.origin()
    except ValueError:
        return None
    return url


def may_go(url: URL, origins: Sequence[str]) -> bool:
    """Whether the address is of one of the origins."""
    from aio_token._edge.origins import allowed_origins

    return bool(origins) and url.raw_authority in allowed_origins(origins, plain_http=False).get(url.scheme, ())


def profile_for(text: str) -> str | None:
    """Return the profile whose token may go to the address, the default one first; None if there is none.

    Raises `TokenError` if a profile cannot be used: it may be the one that is meant.
    """
    url, default = parsed(text), _profile_files.chosen()
    for name in sorted(_profile_files.names(), key=lambda name: name != default):
        if url is not None and may_go(url, _profile_files.need(name).origins):
            return name
    return None
