"""Resources that describe themselves (RFC 9728): from the address of an API to its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._ground.public import lazily

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.resources._resource import ProtectedResource as ProtectedResource
    from aio_token.resources._resource import RepositoryOptions as RepositoryOptions
    from aio_token.resources._registration import ClientMetadata as ClientMetadata

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazily(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {"_resource": ("ProtectedResource", "RepositoryOptions"), "_registration": ("ClientMetadata",)},
)
