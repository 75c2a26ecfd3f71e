"""Events as OpenTelemetry sees them: a span for each renewal, counters, and the token's age."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aio_token._public import public
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
    """An observer that measures; give each repository one of its own, with a `name` (extra `otel`).

    A renewal is a span, `aio_token.renewal`, a root of its own as it serves many callers. Metrics, all with the
    attribute `aio_token.name`: `aio_token.renewals` by reason and outcome; `aio_token.coalesced_callers`, the callers
    that waited for a renewal together; `aio_token.renewal.duration` and `aio_token.wait`, of each
    caller, in seconds; `aio_token.events` by event;
    `aio_token.token.age` and `aio_token.token.expires_in`, in seconds, while there is a token.

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
            message = "OpenTelemetry is not installed: pip install aio_token[otel]"
            raise ModuleNotFoundError(message, name="opentelemetry") from error
        self._failed = trace.StatusCode.ERROR
        self._observation = metrics.Observation
        self._attributes = {"aio_token.name": name}
        self._held_since: float | None = None
        self._expires_at: float | None = None
        self._tracer = trace.get_tracer("aio_token", tracer_provider=tracer_provider)
        self._measure(metrics.get_meter("aio_token", meter_provider=meter_provider))

    def _measure(self, meter: Meter) -> None:
        self._events = meter.create_counter("aio_token.events", "{event}", "events, by their name")
        self._renewals = meter.create_counter("aio_token.renewals", "{renewal}", "renewals, by reason and outcome")
        self._callers = meter.create_counter(
            "aio_token.coalesced_callers", "{caller}", "callers that waited for a renewal together"
        )
        self._duration = meter.create_histogram(
            "aio_token.renewal.duration", "s", "what a renewal took", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._waits = meter.create_histogram(
            "aio_token.wait", "s", "what a caller waited for a token", explicit_bucket_boundaries_advisory=_SECONDS
        )
        meter.create_observable_gauge("aio_token.token.age", [self._age], "s", "since the token is held here")
        meter.create_observable_gauge("aio_token.token.expires_in", [self._expires_in], "s", "until the token's end")

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        self._events.add(1, {**self._attributes, "event": type(event).__name__})
        match event:
            case Renewed() | RenewalFailed():
                self._renewal(event)
            case SignedOut():
                self._held_since = self._expires_at = None
        if isinstance(event, Loaded | Adopted | Renewed | SignedIn) and event.fingerprint is not None:
            self._held_since, self._expires_at = event.at, event.expires_at

    def _renewal(self, event: Renewed | RenewalFailed) -> None:
        outcome = "renewed" if isinstance(event, Renewed) else event.remedy
        attributes = {**self._attributes, "reason": event.reason, "outcome": outcome}
        self._renewals.add(1, attributes)
        self._callers.add(event.waiters, self._attributes)
        for seconds in event.waits:
            self._waits.record(seconds, self._attributes)
        self._duration.record(event.duration, attributes)
        span = self._tracer.start_span(
            "aio_token.renewal",
            attributes={**attributes, "waiters": event.waiters},
            start_time=int((event.at - event.duration) * _NANOSECONDS),
        )
        if isinstance(event, Renewed):
            span.set_attribute("fingerprint", event.fingerprint)
        else:
            span.set_status(self._failed, event.message)
        span.end(int(event.at * _NANOSECONDS))

    def _age(self, options: CallbackOptions) -> Iterable[Observation]:  # noqa: ARG002  OpenTelemetry's signature
        if self._held_since is not None:
            yield self._observation(time.time() - self._held_since, self._attributes)

    def _expires_in(self, options: CallbackOptions) -> Iterable[Observation]:  # noqa: ARG002
        if self._expires_at is not None:
            yield self._observation(self._expires_at - time.time(), self._attributes)
