"""The benchmarks measure what they say, and the documents say what was measured."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import __main__ as command
from benchmarks import command_line, report
from benchmarks._command_lines import PROGRAMS, installed
from benchmarks._memory import bytes_per_waiter
from benchmarks._parts import FRESH
from benchmarks._sampling import Rounds, in_turn, tail
from benchmarks._serving import serving
from benchmarks._tables import markdown
from benchmarks.rivals import LIGHT, load, opened, row_of
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads import load as workload
from benchmarks.workloads.herd import herd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from benchmarks.rivals._rival import Get

FOUND: Mapping[str, Any] = json.loads(report.RESULTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", LIGHT)
async def test_an_adapter_fetches_a_page(module: str) -> None:
    """With the server in a process of its own each way to a token brings a page, for one token request at most."""
    rival = load(module)
    async with serving() as server:
        place = server.place.as_client(rival.client_id)
        async with opened(rival, place, connections=2) as get:
            assert [await get(place.api) for _ in range(3)] == [200, 200, 200]
        counts = await server.counts()
    assert (counts.answered, sum(counts.posts.values())) == (3, 0 if rival.is_bare else 1)


async def test_the_server_refuses_what_it_revoked_and_what_comes_twice() -> None:
    """A revoked token is a 401 and one more token request; a spent refresh token is counted, and ends the session."""
    async with serving() as server:
        place = server.place.as_client("client", refresh_token="first-client")
        for posts in (1, 2):
            async with opened(load("lock_and_double_check"), place, connections=1) as get:
                await row_of(load("ours"), _fetched(get, place.api))  # the second one fails
            counts = await server.counts()
            assert (counts.reused, counts.posts["client"]) == (posts - 1, posts)
        async with opened(load("ours"), server.place.as_client("other"), connections=1) as get:
            assert await get(place.api) == 200
            await server.revoke()
            assert await get(place.api) == 200
        counts = await server.counts()
    assert (counts.refused, counts.posts["other"]) == (1, 2)


async def _fetched(get: Get, url: str) -> dict[str, Any]:
    return {"status": await get(url)}


def measured(name: str) -> dict[str, Any]:
    """Return a workload's quick result, of ours, the bare client and the contrast."""
    return workload(name)(LIGHT, quick=True)


def test_the_hot_path_is_measured() -> None:
    """Over a stub and on loopback, with either event loop, ours and the bare client have a cost above nothing."""
    found = measured("hot_path")
    assert {row["name"] for row in found["loopback"]} == {row["name"] for row in found["uvloop"]}
    assert {int(row["size"]) for row in found["stub"]} == {40, 800, 4_000}
    call, *others = found["parts"]
    assert call["ns"] > 0
    assert FRESH in {part["statement"] for part in others}
    assert all(0 < row["ns"]["low"] <= row["ns"]["mid"] <= row["ns"]["high"] for row in found["stub"])


def test_a_refusal_in_flight_is_one_renewal() -> None:
    """Law B2: a server that ends every token with 200 requests in flight sees one more token request, and none fail."""
    ours = next(row for row in measured("refused")["crawls"] if row["name"] == "aio_token")
    assert (ours["posts"], ours["failed"]) == (1, 0)
    assert ours["refused"] > 0


def test_processes_present_nothing_twice() -> None:
    """Law F5: processes that share a credential refresh within the bound, and no call fails."""
    (ours,) = measured("processes")["races"]
    assert (ours["presented_twice"], ours["failed"]) == (0, 0)
    assert 1 <= ours["posts"] <= ours["bound"]


def test_many_accounts_are_measured() -> None:
    """An account's bytes and the growth from one number of accounts to the next are figures above nothing."""
    few, many = measured("scale")["accounts"]
    assert many["accounts"] > few["accounts"]
    assert min(many["growth"].values()) > 0
    assert min(few["bytes"], many["bytes"]) > 0


def test_accounts_by_name_are_measured() -> None:
    """Laws I1 and D8: bytes at rest and in use; a herd all of which is answered; one 429 for each who is in hand."""
    found = measured("accounts")
    assert all(min(row["rest_bytes"], row["use_bytes"]) > 0 for row in found["accounts"])
    assert found["session"]["bytes"] > 0
    herd, limited = found["herd"], found["limited"]
    assert (herd["answered"], herd["posts"]) == (herd["accounts"], herd["accounts"])
    assert herd["posts_at_once"] <= 32
    assert limited["posts"] <= limited["accounts"] < limited["asked"]


def test_stores_and_starts_are_measured() -> None:
    """Each store is loaded and saved, and a process gets its first token from disk."""
    found = measured("store")
    assert {row["name"] for row in found["operations"]} >= {"load: plain file", "save: encrypted file", "load: keyring"}
    assert all(row["ms"]["mid"] > 0 for row in (*found["operations"], *found["starts"], *found["imports"]))


def test_the_command_line_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A token that is kept in clear and an encrypted one are printed; what is not on the PATH is left out."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not any(map(installed, PROGRAMS))
    found = command_line.measure(rounds=1)
    assert found.keys() == {"an empty Python", "aio-token, in clear", "aio-token, encrypted"}
    assert all(min(times) > 0 for times in found.values())


def test_an_outage_is_measured() -> None:
    """Law D8: of a hundred requests per second few reach an endpoint that is down, and the contrast's all do."""
    ours, contrast = measured("faults")["outages"]
    assert 1 <= ours["posts"] < contrast["posts"]
    assert ours["error"] == "ServerUnavailable"


@pytest.mark.parametrize("state", ["absent", "refused"])
async def test_a_herd_asks_once(state: str) -> None:
    """Law C1: of a hundred callers one asks and none fails, on a busy event loop, and the last one's delay is seen."""
    async with serving() as server:
        row = await herd(server, load("ours"), state, 100, busy=True)
    assert (row["posts"], row["failed"]) == (1, 0)
    assert row["last_ms"] > 0


async def test_a_waiter_is_weighed() -> None:
    """A waiter costs more than its future, and its own task and coroutines are left out."""
    found = await bytes_per_waiter(100)
    assert 0 < found["of_it_future"] < found["bytes"]
    assert min(found["left_out_task"], found["left_out_frames"]) > 0


async def test_samples_take_turns_backwards_and_forwards() -> None:
    """None is always first."""
    order: list[str] = []

    def noting(name: str) -> Callable[[], Awaitable[float]]:
        async def sample() -> float:
            order.append(name)
            return float(len(order))

        return sample

    taken = await in_turn({"a": noting("a"), "b": noting("b")}, 2)
    assert order == ["a", "b", "b", "a"]
    assert taken == {"a": [1.0, 4.0], "b": [2.0, 3.0]}


def test_figures_are_summed_up_by_middle_and_tail() -> None:
    """Rounds have their middle and ends, a tail its percentiles, also of one value or none."""
    assert Rounds.of([3.0, 1.0, 2.0]).json() == {"low": 1.0, "mid": 2.0, "high": 3.0}
    assert tail([float(n) for n in range(1001)]) == {"p50": 500.0, "p99": 990.0, "p99.9": 999.0, "max": 1000.0}
    assert tail([2.0]) == tail([2.0, 2.0])
    assert tail([])["max"] == 0


async def test_a_rival_that_fails_is_a_row() -> None:
    """What goes wrong in one of them says so in its row, and does not end the measurement of the others."""

    async def failing() -> dict[str, Any]:
        raise OSError

    rival = load("ours")
    assert await row_of(rival, failing()) == {"name": "aio_token", "outcome": "failed: OSError"}


def test_a_table_is_written_as_people_read_it() -> None:
    """Thousands are set apart, digits are as many as count, and nothing is a dash."""
    assert markdown(["x", "y"], [["a", 12345.6], ["b", 1.234], ["c", None]]).splitlines() == [
        "| x | y |",
        "|---|---:|",
        "| a | 12,346 |",
        "| b | 1.23 |",
        "| c | - |",
    ]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The command names what there is."""
    with pytest.raises(SystemExit):
        command.main(["nothing"])
    assert "not known: nothing" in capsys.readouterr().err


@pytest.mark.parametrize("document", report.DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_say_what_was_measured(document: Path) -> None:
    """Every table is the one that the committed results give."""
    text = document.read_text(encoding="utf-8")
    made = report.tables(FOUND)
    assert set(re.findall(r"<!-- bench: (\S+) -->", text)) <= made.keys()
    assert report.filled(text, made) == text, "write it anew: make bench ARGS=report"


@pytest.mark.parametrize("name", ["bench-herd", "bench-summary", "bench-turnover"])
def test_the_pictures_show_what_was_measured(name: str) -> None:
    """Every picture carries the name of the committed results."""
    picture = (report.PICTURES / f"{name}.svg").read_text(encoding="utf-8")
    assert f"<desc>results {report.digest(FOUND)}</desc>" in picture, "draw it anew: make bench ARGS=report"


def test_the_results_are_whole_and_small() -> None:
    """All workloads are in the results, in fewer than 200 kB."""
    assert tuple(FOUND["workloads"]) == WORKLOADS
    assert report.RESULTS.stat().st_size < 200_000
