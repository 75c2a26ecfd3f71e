"""Sustained load over expiries: no request waits for a token."""

from __future__ import annotations

from benchmarks import crawl


async def test_nobody_waits_while_tokens_are_renewed() -> None:
    """Law C9: with tokens of 2 s and an endpoint that takes 300 ms requests go out at once, over several expiries.

    The clients of a lock with a double check, beside them, wait at each. A machine that stands still for longer than
    the advisory window makes ours wait as well, so that here the two are compared.
    """
    (_, contrast, ours), seen, _ = await crawl.crawl(3.2)
    assert (ours.failed, seen["refresh tokens presented twice"]) == (0, 0)
    assert 2 <= len(ours.renewals) <= 4
    assert max(ours.waited, default=0) < max(contrast.waited)
