"""Whatever only listens: logging, OpenTelemetry, and the log of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._ground.public import lazily

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.observe.log import log_event as log_event
    from aio_token.observe.otel import OpenTelemetryObserver as OpenTelemetryObserver
    from aio_token.observe.request_log import RequestLog as RequestLog

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazily(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "log": ("log_event",),
        "otel": ("OpenTelemetryObserver",),
        "request_log": ("RequestLog",),
    },
)
