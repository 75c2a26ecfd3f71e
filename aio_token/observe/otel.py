"""Events as OpenTelemetry sees them: a span for each renewal, counters, and the token's age."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aio_token._ground.public import public
from aio_token._ground.version import __version__
from aio_token.events import Adopted, Loaded, RenewalFailed, Renewed, SignedIn, SignedOut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
    from opentelemetry.trace import TracerProvider

    from aio_token.events import Event

_NANOSECONDS = 1_000_000_000
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@public
class OpenTelemetryObserver:
    """An observer that measures (extra `otel`).

    What it records has the attribute `aio_token.name`: the event's `name`, which is its repository's, or else the
    observer's. Repositories that share an observer need a name each. Names follow the semantic conventions:
    `server.address`, `server.port` and, on a failure, `error.type`. What is its own begins with `aio_token.`.

    A renewal is a span of kind CLIENT, `aio_token.renewal`, a root of its own as it serves many callers. Metrics:
    `aio_token.renewal.duration`, in seconds, by reason, server and failure, which counts renewals too;
    `aio_token.caller.wait.duration` of each caller that waited; `aio_token.event.count` by event; `aio_token.token.age`
    and `aio_token.token.time_to_live`, in seconds, while there is a token.

    The providers are OpenTelemetry's global ones unless others are given. Raises ModuleNotFoundError without the extra.
    """

    def __init__(
        self,
        name: str = "default",
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415  an extra
        except ModuleNotFoundError as error:
            message = "OpenTelemetry is not installed; run: pip install 'aio-token[otel]'"
            raise ModuleNotFoundError(message, name="opentelemetry") from error
        self._client, self._failed = trace.SpanKind.CLIENT, trace.StatusCode.ERROR
        self._observation = metrics.Observation
        self._name = name
        self._held: dict[str, tuple[float, float | None]] = {}  # by name: since when, and until when
        self._tracer = trace.get_tracer("aio_token", __version__, tracer_provider=tracer_provider)
        self._measure(metrics.get_meter("aio_token", __version__, meter_provider=meter_provider))

    def _measure(self, meter: Meter) -> None:
        self._events = meter.create_counter("aio_token.event.count", "{event}", "events, by their type")
        self._duration = meter.create_histogram(
            "aio_token.renewal.duration", "s", "how long a renewal took", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._waits = meter.create_histogram(
            "aio_token.caller.wait.duration",
            "s",
            "how long a caller waited for a token",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        meter.create_observable_gauge("aio_token.token.age", [self._age], "s", "since the token is held here")
        meter.create_observable_gauge("aio_token.token.time_to_live", [self._left], "s", "until the token's end")

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        name = event.name if event.name is not None else self._name
        attributes: dict[str, str | int] = {"aio_token.name": name}
        self._events.add(1, {**attributes, "aio_token.event.type": type(event).__name__})
        match event:
            case Renewed() | RenewalFailed():
                self._renewal(event, attributes)
            case SignedOut():
                self._held.pop(name, None)
        if isinstance(event, Loaded | Adopted | Renewed | SignedIn) and event.fingerprint is not None:
            self._held[name] = event.at, event.expires_at

    def _renewal(self, event: Renewed | RenewalFailed, named: dict[str, str | int]) -> None:
        attributes = {**named, "aio_token.renewal.reason": event.reason, **_place(event.server)}
        if isinstance(event, RenewalFailed):
            attributes["error.type"] = event.remedy.replace(" ", "_")
        for seconds in event.waits:
            self._waits.record(seconds, named)
        self._duration.record(event.duration, attributes)
        span = self._tracer.start_span(
            "aio_token.renewal",
            kind=self._client,
            attributes={**attributes, "aio_token.renewal.waiters": event.waiters},
            start_time=int((event.at - event.duration) * _NANOSECONDS),
        )
        if isinstance(event, Renewed):
            span.set_attribute("aio_token.token.fingerprint", event.fingerprint)
        else:
            span.set_status(self._failed, event.message)
        span.end(int(event.at * _NANOSECONDS))

    def _age(self, options: CallbackOptions) -> Iterable[Observation]:  # noqa: ARG002  OpenTelemetry's signature
        for name, (since, _) in tuple(self._held.items()):
            yield self._observation(time.time() - since, {"aio_token.name": name})

    def _left(self, options: CallbackOptions) -> Iterable[Observation]:  # noqa: ARG002
        for name, (_, expires_at) in tuple(self._held.items()):
            if expires_at is not None:
                yield self._observation(expires_at - time.time(), {"aio_token.name": name})


def _place(server: str | None) -> dict[str, str | int]:
    """Return a server's address and port, each if it is known."""
    try:
        parts = urlsplit(server or "")
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:  # an address of a grant that is not ours
        return {}
    known = {"server.address": parts.hostname, "server.port": port}
    return {name: value for name, value in known.items() if value is not None}
