"""Many hosts: processes that share sessions on a file, Redis and PostgreSQL, and ten thousand accounts on each.

`python -m benchmarks.fleet [--quick]`, or `make bench ARGS=fleet`, prints Markdown tables, in ten minutes at most;
quick, in half a minute. It needs redis-server and postgresql, and starts servers of its own. Beside ours is what
services have today, written here from the idea: see `_fleet_contrasts.py`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from aio_token import Accounts, Credential, PublicClient, RefreshTokenGrant, Token, TokenEndpoint
from aio_token.stores import DirectoryTokenStores, PostgresTokenStore, PostgresTokenStores, RedisTokenStores
from benchmarks._environment import load
from benchmarks._fleet_contrasts import CONTRASTS
from benchmarks._fleet_host import SESSIONS, client_of
from benchmarks._sampling import tail
from benchmarks._serving import serving
from benchmarks._tables import markdown, shown
from tests.support.postgres import running_postgres
from tests.support.redis_server import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks._serving import Place, Serving

LIFETIME, LATENCY = 2.0, 0.05  # seconds: of an access token, of the token endpoint
SECONDS = 10.0
COUNTS, CONTRAST = (2, 4, 8, 16, 32), (8, 32)  # processes: of ours, and of the others
ACCOUNTS, RENEWED, AT_ONCE = 10_000, 500, 100
TARGET = 50.0
"""Milliseconds that a renewal may take over its token call, at p99."""
_HANG = 50.0

Result = dict[str, Any]


async def measure(*, quick: bool) -> tuple[list[Result], list[Result]]:
    """Return what processes went through, and what accounts did."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name in ("redis", "file", "accounts"):
            (Path(folder) / name).mkdir()
        redis = stack.enter_context(running(Path(folder) / "redis", "--appendonly", "yes"))
        postgres = stack.enter_context(running_postgres())
        places = {"file": f"{folder}/file", "Redis": redis.url, "PostgreSQL": postgres.address}
        table = PostgresTokenStore(postgres.address, "any")
        await table.create_table()
        await table.aclose()
        async with serving() as server:
            await server.set(lifetime=LIFETIME, latency=LATENCY)
            seconds = 3.0 if quick else SECONDS
            ours = [(name, place, count) for name, place in places.items() for count in ((2,) if quick else COUNTS)]
            others = [(name, redis.url, count) for name in CONTRASTS for count in ((2,) if quick else CONTRAST)]
            races = [await _race(server, *one, seconds) for one in (*ours, *others)]
            count, renewed = (50, 20) if quick else (ACCOUNTS, RENEWED)
            await server.set(lifetime=3600.0)
            places["file"] = f"{folder}/accounts"
            accounts = [await _accounts(name, place, server, count, renewed) for name, place in places.items()]
    return races, accounts


async def _race(server: Serving, design: str, place: str, processes: int, seconds: float) -> Result:
    """Let so many processes share some sessions."""
    await server.set()
    hosts = [await _host(design, place, processes, seconds, server.place) for _ in range(processes)]
    try:
        async with asyncio.timeout(seconds + _HANG):
            for host in hosts:
                assert host.stdin
                host.stdin.close()
            told = [json.loads((await host.communicate())[0]) for host in hosts]
    except TimeoutError:  # a machine that is busy with something else
        for host in hosts:
            with suppress(ProcessLookupError):
                host.kill()
            await host.wait()
        return {"design": design, "processes": processes, "outcome": f"did not end within {seconds + _HANG:.0f} s"}
    finally:
        print(f"{design}, {processes} processes", file=sys.stderr, flush=True)
    counts = await server.counts()
    names = {client_of(design, processes, number) for number in range(SESSIONS)}
    over, firsts = ([value for one in told for value in one[name]] for name in ("over_ms", "firsts"))
    return {
        "design": design,
        "processes": processes,
        "calls": sum(one["calls"] for one in told),
        "failed": sum(one["failed"] for one in told),
        "posts": sum(counts.posts.get(name, 0) for name in names),
        "rotations": sum(counts.issued.get(name, 0) for name in names),
        "presented_twice": counts.reused,
        "over": tail(over) if over else None,
        "first_ms": median(firsts) if firsts else None,
    }


async def _host(design: str, place: str, processes: int, seconds: float, server: Place) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    arguments = (design, place, str(processes), str(seconds), json.dumps(asdict(server)))
    command = (sys.executable, "-m", "benchmarks._fleet_host", *arguments)
    host = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert host.stdout
    assert (await host.stdout.readline()).strip() == b"ready"
    return host


async def _accounts(kind: str, place: str, server: Serving, count: int, renewed: int) -> Result:
    """Save so many accounts, list them, and renew some at once."""
    stores: Mapping[str, Any] = {
        "file": DirectoryTokenStores,
        "Redis": RedisTokenStores,
        "PostgreSQL": PostgresTokenStores,
    }
    kept = stores[kind](place)
    if kind == "PostgreSQL":
        await kept.create_table()
    endpoint = TokenEndpoint(server.place.token_url, PublicClient("accounts"))
    grant = RefreshTokenGrant(endpoint)
    names = [f"user {number}" for number in range(count)]

    async def save(name: str) -> None:
        credential = Credential(refresh_token=f"first-{kind}-{name}", issued_by=grant.issued_by, generation=1)
        async with kept.of(name).exclusive() as slot:
            await slot.save(replace(credential, token=Token(access_token="a" * 800, expires_at=1.0)))

    began = time.perf_counter()
    for begin in range(0, count, AT_ONCE):
        await asyncio.gather(*map(save, names[begin : begin + AT_ONCE]))
    saved = time.perf_counter()
    listed = len({name async for name in kept.names()})
    told = time.perf_counter()
    accounts = Accounts(lambda _: grant, kept, observer=None)
    outcomes = await asyncio.gather(*(accounts[name].token() for name in names[:renewed]), return_exceptions=True)
    renewed_after = time.perf_counter() - told
    if kind == "PostgreSQL":
        await kept.aclose()
    return {
        "design": kind,
        "accounts": count,
        "save_ms": (saved - began) / count * 1e3,
        "listed": listed,
        "list_s": told - saved,
        "renewed": renewed,
        "answered": sum(isinstance(outcome, Token) for outcome in outcomes),
        "renew_s": renewed_after,
    }


def races_table(races: list[Result]) -> str:
    """Of processes."""
    head = ["sessions on", "processes", "calls", "failed", "refreshes", "rotations", "presented twice"]
    times = ["renewal over its token call: p50 (ms)", "p99 (ms)", "first token (ms)"]
    names = ("design", "processes", "calls", "failed", "posts", "rotations", "presented_twice")
    rows = [
        (row["design"], row["processes"], row["outcome"])
        if "outcome" in row
        else [
            *(row[name] for name in names),
            *((row["over"] or {}).get(cut) for cut in ("p50", "p99")),
            row["first_ms"],
        ]
        for row in races
    ]
    return markdown([*head, *times], rows)


def accounts_table(accounts: list[Result]) -> str:
    """Of accounts."""
    head = ["accounts on", "accounts", "a save among them (ms)", "all listed (s)", "renewed at once", "in seconds"]
    rows = [
        (
            row["design"],
            row["listed"],
            row["save_ms"],
            row["list_s"],
            f"{shown(row['answered'])} of {shown(row['renewed'])}",
            row["renew_s"],
        )
        for row in accounts
    ]
    return markdown(head, rows)


def main(arguments: list[str]) -> None:
    """Measure, and print."""
    before = load()
    races, accounts = asyncio.run(measure(quick="--quick" in arguments))
    print(f"{races_table(races)}\n\n{accounts_table(accounts)}\n")
    worst = max((row["over"]["p99"] for row in races if row.get("over")), default=0.0)
    print(f"p99 over the token call: {shown(worst)} ms at worst, of {shown(TARGET)} wanted; load {before} to {load()}")


if __name__ == "__main__":
    main(sys.argv[1:])
