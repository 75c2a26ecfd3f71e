"""The recipe of docs/prometheus.md: its metrics, and the dashboard, alerts and picture that are made of them."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any, get_args

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from aio_token import ClientCredentialsGrant, ClientSecretBasic, TokenEndpoint, TokenError, TokenRepository, events
from aio_token.testing import AuthorizationServer, Broken
from tests.fleet.dashboard import ALERTS, DASHBOARD
from tests.fleet.dashboard_picture import PICTURE, SERIES, drawn
from tests.fleet.measured_host import PAGE, recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IS_CI = bool(os.environ.get("CI"))
_METRIC = re.compile(r"\baio_token_\w+")
_LABEL = re.compile(r"(\w+)(=~|!=|=)\"([^\"]*)\"")


def exported() -> str:
    """Return what a process shows that has done nothing yet."""
    registry = CollectorRegistry()
    recipe()(registry)
    return generate_latest(registry).decode()


def expressions() -> Iterator[str]:
    """Return each query of the dashboard, and each condition of an alert."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]
    yield from re.findall(r"expr: (?:>-\n)?((?:.+\n)(?:\s{10}.+\n)*)", ALERTS.read_text(encoding="utf-8"))


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Prometheus's own checker."""
    found = shutil.which("promtool")
    if found is None:
        message = "promtool is not installed, and this test needs it; run: apt-get install prometheus"
        if not _IS_CI:
            pytest.skip(message)
        raise RuntimeError(message)
    return subprocess.run([found, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_metric_of_a_query_is_exported(expression: str) -> None:
    """And so is every label, with a value that there is: a panel that is always empty looks like peace."""
    text = exported()
    for metric in _METRIC.findall(expression):
        assert re.search(rf"^{metric}[{{ ]", text, re.MULTILINE), metric
    for label, relation, value in _LABEL.findall(expression):
        if label in {"event", "outcome", "le"}:
            known = set(re.findall(rf'{label}="([^"]*)"', text))
            assert known >= set(value.split("|")), f"{label}{relation}{value}"


def test_every_metric_is_on_the_page_and_in_a_query() -> None:
    """None is measured that is not told."""
    metrics = {re.sub("_(bucket|count|sum)$", "", name) for name in _METRIC.findall(exported())}
    told = set(re.findall(r"^\| `(aio_token_\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == {name for name in metrics if not name.endswith("_created") and f"{name}_total" not in metrics}
    assert told == {
        re.sub("_(bucket|count|sum)$", "", name) for text in expressions() for name in _METRIC.findall(text)
    }


def test_every_alert_and_panel_is_on_the_page() -> None:
    """With what to do, or to look for."""
    page = PAGE.read_text(encoding="utf-8")
    alerts = re.findall(r"alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    assert re.findall(r"^\| `(AioToken\w+)` \|", page, re.MULTILINE) == alerts
    panels = [panel["title"] for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]]
    assert (
        re.findall(r"^\| ([A-Z][\w ]+) \| ", page.partition("## The dashboard")[2], re.MULTILINE)[: len(panels)]
        == panels
    )


async def test_what_happens_is_counted() -> None:
    """A failure by what helps, a renewal by its reason, the callers that waited, and the token's end."""
    registry = CollectorRegistry()
    async with AuthorizationServer(lifetime=600) as server:
        endpoint = TokenEndpoint(
            server.token_url, ClientSecretBasic(server.client.client_id, server.client.secret or "")
        )
        tokens = TokenRepository(ClientCredentialsGrant(endpoint), observer=recipe()(registry))

        def value(name: str, **labels: str) -> Any:
            return registry.get_sample_value(name, labels)

        assert math.isnan(value("aio_token_token_expiry_timestamp_seconds"))
        server.inject(Broken(status=400), times=1)
        with suppress(TokenError):
            await tokens.token()
        assert value("aio_token_renewals_total", reason="absent", outcome="configure") == 1
        token = await tokens.renew()
        assert value("aio_token_renewals_total", reason="absent", outcome="renewed") == 1
        assert value("aio_token_renewal_duration_seconds_count", outcome="renewed") == 1
        assert value("aio_token_caller_wait_seconds_count") == 2
        assert value("aio_token_events_total", event="RenewalFailed") == 1
        assert value("aio_token_token_expiry_timestamp_seconds") == token.expires_at
        await tokens.sign_out()
        assert math.isnan(value("aio_token_token_expiry_timestamp_seconds"))


def test_each_kind_of_trouble_is_an_outcome_from_the_start() -> None:
    """A series that appears with its first 1 shows no increase, and no alert fires."""
    text = exported()
    for reason in get_args(events.Reason):
        for remedy in ("renewed", *get_args(events.Remedy)):
            outcome = remedy.replace(" ", "_")
            assert f'aio_token_renewals_total{{outcome="{outcome}",reason="{reason}"}} 0.0' in text
    assert 'aio_token_events_total{event="RenewalPaused"} 0.0' in text
    assert "_Attempt" not in text


def test_prometheus_takes_the_alerts() -> None:
    """Each rule can be read by promtool."""
    done = promtool("check", "rules", str(ALERTS))
    assert done.returncode == 0, done.stderr
    assert "5 rules found" in done.stdout


def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    """As rules, since promtool reads those without a server."""
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "1m").replace("$job", ".+")}
        for number, text in enumerate(expressions())
        if "label_values" not in text
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stderr


def test_the_alerts_fire_when_they_should(tmp_path: Path) -> None:
    """An outage of a minute wakes no one; an ended session, a store that fails and an outage that lasts do."""

    def series(name: str, values: str, **labels: str) -> dict[str, str]:
        told = ",".join(f'{label}="{value}"' for label, value in {"job": "bot", **labels}.items())
        return {"series": f"{name}{{{told}}}", "values": values}

    def fires(alert: str, at: str, *, severity: str = "page", summary: str = "") -> dict[str, Any]:
        firing = [{"exp_labels": {"severity": severity, "job": "bot"}, "exp_annotations": {"summary": summary}}]
        return {"eval_time": at, "alertname": alert, "exp_alerts": firing if summary else []}

    renewals, happened = "aio_token_renewals_total", "aio_token_events_total"
    cases = [
        {
            "interval": "1m",
            "input_series": [
                series(renewals, "0+1x30", outcome="renewed"),
                series(renewals, "0x10 1 1x19", outcome="sign_in"),
                series(renewals, "0x5 3 3x24", outcome="wait"),
                series(renewals, "0x30", outcome="storage"),
                series(happened, "0x10 1 1x19", event="Unsaved"),
            ],
            "alert_rule_test": [
                fires("AioTokenSignInNeeded", "9m"),
                fires("AioTokenSignInNeeded", "12m", summary="bot: a person has to sign in again"),
                fires("AioTokenStoreFails", "12m", summary="bot: the store fails; a restart may cost the session"),
                fires("AioTokenCannotRenew", "12m"),
                fires("AioTokenSignInNeeded", "25m"),
            ],
        },
        {
            "interval": "1m",
            "input_series": [
                series(renewals, "1x30", outcome="renewed"),
                series(renewals, "0+1x30", outcome="wait"),
                series(happened, "0+60x30", event="Rejected"),
            ],
            "alert_rule_test": [
                fires("AioTokenCannotRenew", "4m"),
                fires("AioTokenCannotRenew", "20m", summary="bot: no renewal has succeeded for 5 minutes"),
                fires(
                    "AioTokenRejected",
                    "20m",
                    severity="ticket",
                    summary="bot: the API keeps rejecting tokens that have not ended",
                ),
            ],
        },
    ]
    file = tmp_path / "tests.yml"
    told = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": cases}
    file.write_text(json.dumps(told), encoding="utf-8")
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_picture_is_drawn_from_what_prometheus_answered() -> None:
    """The series are kept beside it; drawn anew it is the same."""
    kept = PICTURE.read_text(encoding="utf-8")
    series = json.loads(SERIES.read_text(encoding="utf-8"))
    assert kept == drawn(series), "draw it anew: python -m tests.fleet.dashboard_picture"
    titles = [panel["title"] for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]]
    assert [panel["title"] for panel in series["panels"]] == titles
