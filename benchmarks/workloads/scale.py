"""Many accounts, each a repository of its own: memory at rest, creation, and a hot path that does not care."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

from aio_token import (
    ClientSecretBasic,
    Credential,
    MemoryTokenStore,
    RefreshTokenGrant,
    Token,
    TokenEndpoint,
    TokenRepository,
)
from benchmarks._sampling import Rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCOUNTS = (10, 1_000, 100_000)
STEPS = 20_000
ENDPOINT = TokenEndpoint("https://id.example/token", ClientSecretBasic("client", "secret"))


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:  # noqa: ARG001  none of them is made for many
    """Measure each number in an event loop of its own."""
    counts = (10, 100) if quick else ACCOUNTS
    rows = [asyncio.run(_measure(count, 500 if quick else STEPS)) for count in counts]
    for row, before in zip(rows[1:], rows, strict=False):
        decades = math.log10(row["accounts"] / before["accounts"])
        row["growth"] = {
            name: round((row[name] / before[name]) ** (1 / decades), 3) for name in ("bytes", "creation_us", "step_ns")
        }
    return {"accounts": rows}


async def _measure(count: int, steps: int) -> dict[str, Any]:
    gc.collect()
    began = time.perf_counter()
    accounts = await _accounts(count)
    created = (time.perf_counter() - began) / count * 1e6
    one = await _step([accounts[count // 2]], steps)
    some = await _step(accounts, steps)
    del accounts
    gc.collect()
    tracemalloc.start()
    accounts = await _accounts(count)
    gc.collect()
    used, texts = tracemalloc.get_traced_memory()[0], sum([await _texts(one) for one in accounts])
    tracemalloc.stop()
    return {
        "accounts": count,
        "bytes": round((used - texts) / count),
        "creation_us": round(created, 1),
        "step_ns": one["mid"],
        "random_step_ns": some["mid"],
    }


async def _accounts(count: int) -> list[TokenRepository]:
    """Return so many repositories, each with its own grant and store, at rest after their first use."""
    accounts = []
    for number in range(count):
        token = Token(access_token=f"access-{number}", expires_at=time.time() + 86_400)
        kept = Credential(token=token, refresh_token=f"refresh-{number}")
        tokens = TokenRepository(
            RefreshTokenGrant(ENDPOINT, first=f"first-{number}"), MemoryTokenStore(kept), observer=None
        )
        await tokens.token()
        accounts.append(tokens)
    return accounts


async def _texts(tokens: TokenRepository) -> int:
    """Return the bytes of a token's texts: as it came, and as the header has it."""
    token = await tokens.token()
    return sys.getsizeof(token.access_token) + sys.getsizeof(token.authorization)


async def _step(accounts: Sequence[TokenRepository], steps: int) -> dict[str, float]:
    """Return the nanoseconds of asking, of accounts by chance."""
    chosen = random.choices(accounts, k=steps)
    times = []
    for _ in range(5):
        began = time.perf_counter_ns()
        for tokens in chosen:
            await tokens.token()
        times.append((time.perf_counter_ns() - began) / steps)
    return Rounds.of(times).json()
