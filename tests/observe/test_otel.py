"""Renewals as spans and metrics, read back from OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import aio_token
from aio_token import ClientCredentialsGrant, ClientSecretBasic, ServerUnavailable, TokenEndpoint, TokenRepository
from aio_token.events import Loaded, Rejected, RenewalFailed, SignedIn, SignedOut
from aio_token.observe import OpenTelemetryObserver
from aio_token.testing import AuthorizationServer, Broken, ManualClock
from tests.support.doubles import RotatingGrant
from tests.support.exposure import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator


class Telemetry:
    """An observer with the SDK behind it, and what came out there."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._metrics], shutdown_on_exit=False)
        self.observer = OpenTelemetryObserver("orders", tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def spans(self) -> tuple[Any, ...]:
        """The spans that have ended."""
        return self._spans.get_finished_spans()

    def points(self, name: str) -> list[Any]:
        """Return a metric's points."""
        data = self._metrics.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """Return a metric's values by their attributes."""
        return {
            tuple(str(value) for key, value in sorted(point.attributes.items()) if key != "aio_token.name"): point.value
            for point in self.points(name)
        }


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Collect in memory."""
    yield (collected := Telemetry())
    collected.tracers.shutdown()
    collected.meters.shutdown()


async def test_a_renewal_is_a_span_and_counts_its_callers(telemetry: Telemetry) -> None:
    """Many callers are one span; it says why, how it went and how many waited."""
    clock = ManualClock()
    tokens = TokenRepository(RotatingGrant(clock), observer=telemetry.observer, clock=clock)
    await asyncio.gather(*(tokens.token() for _ in range(10)))
    (wait,) = telemetry.points("aio_token.caller.wait.duration")
    assert (wait.count, dict(wait.attributes)) == (10, {"aio_token.name": "orders"})
    (span,) = telemetry.spans
    assert span.name == "aio_token.renewal"
    assert span.parent is None
    assert span.end_time == clock.time() * 1e9
    attributes = dict(span.attributes)
    assert (span.kind, span.instrumentation_scope.version) == (SpanKind.CLIENT, aio_token.__version__)
    assert len(attributes.pop("aio_token.token.fingerprint")) == 8
    measured = {"aio_token.name": "orders", "aio_token.renewal.reason": "absent"}
    assert attributes == {**measured, "aio_token.renewal.waiters": 10}
    (point,) = telemetry.points("aio_token.renewal.duration")
    assert (point.count, dict(point.attributes)) == (1, measured)


async def test_a_failure_is_a_span_with_an_error(telemetry: Telemetry) -> None:
    """Its status has the sentence that a user may read, and its outcome is the remedy."""
    clock = ManualClock()
    tokens = TokenRepository(grant := RotatingGrant(clock), observer=telemetry.observer, clock=clock)
    grant.errors = [ServerUnavailable("the server is away", retry_after=30)]
    with pytest.raises(ServerUnavailable):
        await tokens.token()
    (span,) = telemetry.spans
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "the server is away")
    assert span.attributes["error.type"] == "wait"
    (point,) = telemetry.points("aio_token.renewal.duration")
    assert point.attributes["error.type"] == "wait"


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ("https://id.example", {"server.address": "id.example", "server.port": 443}),
        ("http://127.0.0.1:8080", {"server.address": "127.0.0.1", "server.port": 8080}),
        ("https://[::1", {}),
        ("unix:", {}),
    ],
)
def test_a_renewal_says_which_server_was_asked(telemetry: Telemetry, server: str, place: dict[str, object]) -> None:
    """Address and port go by the names of the semantic conventions; an address that is none says nothing."""
    failed = RenewalFailed(
        at=1.0, reason="absent", duration=0.1, waits=(), remedy="sign in", message="", retry_at=None, server=server
    )
    telemetry.observer(failed)
    (span,) = telemetry.spans
    assert {name: value for name, value in span.attributes.items() if name.startswith("server.")} == place
    assert span.attributes["error.type"] == "sign_in"


async def test_the_server_is_the_grant_s_own(telemetry: Telemetry) -> None:
    """A renewal and one that fails name the origin of the token endpoint, and nothing of its path."""
    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(
            server.token_url, ClientSecretBasic(server.client.client_id, server.client.secret or "")
        )
        tokens = TokenRepository(ClientCredentialsGrant(endpoint), observer=telemetry.observer)
        await tokens.token()
        server.inject(Broken(status=500), times=1)
        with pytest.raises(ServerUnavailable):
            await tokens.renew()
        ports = [span.attributes["server.port"] for span in telemetry.spans]
        assert ports == [urlsplit(server.url).port] * 2


class SlowGrant(RotatingGrant):
    """A grant that takes three seconds, and then does what it was told."""

    async def obtain(self, credential: Any, wish: Any) -> Any:
        """Let the time pass."""
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(3)
        return await super().obtain(credential, wish)


@pytest.mark.parametrize("fails", [False, True])
async def test_what_a_renewal_took_is_measured(telemetry: Telemetry, fails: bool) -> None:
    """Span and histogram have the seconds that callers waited, whether it helped or not."""
    clock = ManualClock()
    tokens = TokenRepository(grant := SlowGrant(clock), observer=telemetry.observer, clock=clock)
    grant.errors = [ServerUnavailable("the server is away")] if fails else []
    await asyncio.gather(tokens.token(), return_exceptions=True)
    (span,) = telemetry.spans
    (point,) = telemetry.points("aio_token.renewal.duration")
    assert span.end_time - span.start_time == pytest.approx(3e9, rel=1e-6)
    assert (point.count, point.sum) == (1, 3)
    assert 5.0 in point.explicit_bounds


def test_the_token_s_age_is_a_gauge(telemetry: Telemetry) -> None:
    """While a token is held its age and the time to its end can be read; before and after there is nothing to read."""
    now = time.time()
    assert telemetry.points("aio_token.token.age") == []
    telemetry.observer(Loaded(at=now, fingerprint=None, expires_at=None))
    assert telemetry.points("aio_token.token.age") == []
    telemetry.observer(SignedIn(at=now - 10, fingerprint="ba7816bf", expires_at=now + 50))
    assert telemetry.values("aio_token.token.age")[()] == pytest.approx(10, abs=5)
    assert telemetry.values("aio_token.token.time_to_live")[()] == pytest.approx(50, abs=5)
    telemetry.observer(SignedIn(at=now, fingerprint="ba7816bf", expires_at=None))
    assert telemetry.points("aio_token.token.time_to_live") == []
    telemetry.observer(SignedOut(at=now, revoked=True, message=None))
    assert telemetry.points("aio_token.token.age") == []


def test_an_event_s_name_goes_before_the_observer_s(telemetry: Telemetry) -> None:
    """One observer serves several repositories that have names, and keeps them apart."""
    now = time.time()
    for name, fingerprint in (("alice", "ba7816bf"), ("bob", "ca978112"), (None, "3e23e816")):
        telemetry.observer(SignedIn(at=now, name=name, fingerprint=fingerprint, expires_at=now + 60))
    telemetry.observer(SignedOut(at=now, name="bob", revoked=True, message=None))
    told = {point.attributes["aio_token.name"] for point in telemetry.points("aio_token.token.age")}
    assert told == {"alice", "orders"}
    counted = {
        (point.attributes["aio_token.name"], point.attributes["aio_token.event.type"]): point.value
        for point in telemetry.points("aio_token.event.count")
    }
    assert counted == {
        ("alice", "SignedIn"): 1,
        ("bob", "SignedIn"): 1,
        ("orders", "SignedIn"): 1,
        ("bob", "SignedOut"): 1,
    }


def test_every_event_is_counted(telemetry: Telemetry) -> None:
    """Whatever happens is countable by its name, also what has no metric of its own."""
    for _ in range(2):
        telemetry.observer(Rejected(at=1.0, origin="https://api.example", fingerprint="ba7816bf"))
    assert telemetry.values("aio_token.event.count") == {("Rejected",): 2}
    assert telemetry.spans == ()


async def test_no_secret_is_measured(telemetry: Telemetry) -> None:
    """Law G1: neither spans nor metrics hold one."""
    clock = ManualClock()
    await TokenRepository(RotatingGrant(clock), observer=telemetry.observer, clock=clock).token()
    told = "".join(span.to_json() for span in telemetry.spans) + repr(telemetry.points("aio_token.event.count"))
    assert not SECRETS.search(told)


def test_without_a_provider_nothing_is_recorded() -> None:
    """OpenTelemetry's global providers are the default; where none are set up, measuring costs nothing and works."""
    OpenTelemetryObserver()(Rejected(at=1.0, origin="https://api.example", fingerprint="ba7816bf"))


def test_without_opentelemetry_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'aio-token\[otel\]'"):
        OpenTelemetryObserver()
