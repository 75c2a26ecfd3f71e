"""Sustained load over expiries: nobody waits for a token."""

from __future__ import annotations

from benchmarks import crawl


async def test_nobody_waits_while_tokens_are_renewed() -> None:
    """Law C9: with tokens of 2 s and an endpoint that takes 300 ms all requests go out at once, over several expiries.

    The clients of a lock with a double check, beside them, wait at each: the count can count.
    """
    (_, contrast, ours), seen, _ = await crawl.crawl(3.2)
    assert (ours.waited, ours.failed, seen["refresh tokens presented twice"]) == ([], 0, 0)
    assert 2 <= len(ours.renewals) <= 4
    assert contrast.waited
