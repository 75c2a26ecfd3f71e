"""Sustained load over expiries: no request waits for a token."""

from __future__ import annotations

from itertools import pairwise

from benchmarks import crawl
from benchmarks._crawl_record import Crawl, Request

MANDATORY = crawl.LIFETIME / 10  # seconds before a token's end in which requests wait, as the windows adapt


async def test_nobody_waits_while_tokens_are_renewed() -> None:
    """Law C9: with tokens of 2 s and an endpoint that takes 300 ms, requests do not wait for a renewal.

    The clients of a lock with a double check, beside them, do. A machine that stands still for longer than the advisory
    window lets the token end, and then ours wait as well: what counts is that none waits while the token is good.
    """
    (_, contrast, ours), seen, _ = await crawl.crawl(3.2)
    assert (ours.failed, seen["refresh tokens presented twice"]) == (0, 0)
    assert 2 <= len(ours.renewals) <= 4
    assert len(contrast.waited) >= crawl.CLIENTS
    asked = [began for began, _ in ours.renewals]
    assert any(later < earlier + crawl.LIFETIME - MANDATORY for earlier, later in pairwise(asked))
    # One for each renewal, at most: the one that was about to look at the token when the machine stood still.
    assert needless(ours) <= len(ours.renewals)


def needless(one: Crawl) -> int:
    """Count the waits for a renewal that began while the token before it was good."""
    count = 0
    for begin, end in (wait for request in one.requests for wait in request.waits):
        asked = max((asked for asked, answered in one.renewals if answered <= begin), default=0.0)
        waited_for = any(asked < end and answered > begin for asked, answered in one.renewals)
        count += waited_for and begin < asked + crawl.LIFETIME - MANDATORY
    return count


def test_a_needless_wait_is_seen() -> None:
    """What the test above counts: waits for a renewal, of requests that still had a good token."""
    one = Crawl("a lock around it", renewals=[(0.0, 0.3), (1.2, 1.5)])
    assert [needless(replace_waits(one, wait)) for wait in ((1.3, 1.5), (1.9, 2.1), (0.9, 1.1))] == [1, 0, 0]


def replace_waits(one: Crawl, *waits: tuple[float, float]) -> Crawl:
    """Give the crawl one request, with these waits."""
    return Crawl(one.name, [Request(0, 0.0, 3.0, waits)], one.renewals)
