"""A bare 403: is it about the token, or about the page?"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

import pytest
from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer
from yarl import URL

import aio_token._edge.evidence as evidence_module
from aio_token import BearerMiddleware, PublicClient, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token._edge.evidence import Archive, Evidence, Sent
from aio_token.testing import ManualClock, token
from tests.support.api import answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Pages:
    """A server whose API has pages that are forbidden, and tokens that die; both are answered by a bare 403."""

    def __init__(self) -> None:
        self.live = "access-0"
        self.refreshes = 0
        self.slow: dict[str, asyncio.Event] = {}
        self.arrived: asyncio.Queue[str] = asyncio.Queue()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.post("/token", self._token), web.get("/{page:.*}", self._page)]

    async def _token(self, request: web.Request) -> web.Response:
        self.refreshes += 1
        self.live = f"access-{self.refreshes}"
        return web.json_response({"access_token": self.live, "token_type": "Bearer", "refresh_token": "refresh"})

    async def _page(self, request: web.Request) -> web.Response:
        page = request.match_info["page"]
        self.arrived.put_nowait(page)
        if page in self.slow:
            await self.slow[page].wait()
        is_good = request.headers["Authorization"] == f"Bearer {self.live}"
        return web.Response(status=200 if is_good and not page.startswith("forbidden") else 403)


@pytest.fixture
def pages() -> Pages:
    """Return the server's mind."""
    return Pages()


@pytest.fixture
async def url(pages: Pages) -> AsyncIterator[str]:
    """Run the server."""
    app = web.Application()
    app.add_routes(pages.routes())
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock by which renewals for this API are paused (law B6)."""
    return ManualClock()


@pytest.fixture
async def client(url: str, clock: ManualClock) -> AsyncIterator[ClientSession]:
    """Return a session whose middleware renews on 401 and 403."""
    grant = RefreshTokenGrant(TokenEndpoint(f"{url}/token", PublicClient("c")), first="refresh")
    async with TokenRepository(grant, observer=None) as tokens:
        middleware = BearerMiddleware(tokens, url, renew_on={401, 403}, observer=None, clock=clock)
        connector = TCPConnector(limit=0)
        async with ClientSession(f"{url}/", middlewares=(middleware,), connector=connector) as client:
            yield client


async def status(client: ClientSession, page: str) -> int:
    """Get a page."""
    return (await answered(client.get(page))).status


@pytest.mark.parametrize("workers", [1, 20])
async def test_forbidden_pages_cost_no_renewal(client: ClientSession, pages: Pages, workers: int) -> None:
    """Law B3: 1,000 forbidden pages beside 1,000 allowed ones."""
    wanted = [f"{kind}/{number}" for number in range(1_000) for kind in ("allowed", "forbidden")]
    left = iter(wanted)
    got: dict[str, int] = {}

    async def crawl() -> None:
        for page in left:
            got[page] = await status(client, page)

    await asyncio.gather(*(crawl() for _ in range(workers)))
    assert got == {page: 200 if page.startswith("allowed") else 403 for page in wanted}
    assert pages.refreshes == 1


async def test_dead_tokens_cost_no_failure(client: ClientSession, pages: Pages, clock: ManualClock) -> None:
    """Law B3: 2,000 requests to a server that answers 403 to dead tokens, of which five die."""
    left = iter(range(2_000))
    statuses: list[int] = []

    async def crawl() -> None:
        for number in left:
            if number % 400 == 200:
                clock.advance(120)
                pages.live = "another"  # revoked
            statuses.append(await status(client, f"allowed/{number}"))

    await asyncio.gather(*(crawl() for _ in range(20)))
    assert statuses == [200] * 2_000
    assert pages.refreshes == 6


async def test_a_page_that_was_accepted_before_speaks_against_the_token(
    client: ClientSession, pages: Pages, clock: ManualClock
) -> None:
    """Law B3: one request after another, the same page; only the token can have changed."""
    assert await status(client, "allowed") == 200
    for round_ in range(1, 4):
        pages.live = "another"
        assert await status(client, "allowed") == 200
        assert pages.refreshes == 1 + round_
        clock.advance(120)


async def test_the_first_page_of_all_may_be_forbidden(client: ClientSession, pages: Pages) -> None:
    """Law B6: a token that no page has accepted is renewed once, and then left alone for a while."""
    for number in range(5):
        assert await status(client, f"forbidden/{number}") == 403
    assert pages.refreshes == 2


async def test_a_row_that_is_too_long_speaks_against_the_token(client: ClientSession, pages: Pages) -> None:
    """Law B3: pages that were never asked for; a few may be forbidden, not all of them."""
    assert await status(client, "allowed/1") == 200
    pages.live = "another"
    assert [await status(client, f"allowed/{number}") for number in range(2, 7)] == [403, 403, 403, 200, 200]
    assert pages.refreshes == 2


async def test_a_row_that_was_suspected_in_vain_is_believed_from_then_on(
    client: ClientSession, pages: Pages, clock: ManualClock
) -> None:
    """Law B3: another token was answered alike, so the same row costs no second renewal."""
    for number in range(3):
        assert await status(client, f"allowed/{number}") == 200
        forbidden = [f"forbidden/{number}/{which}" for which in range(8)]
        assert await asyncio.gather(*(status(client, page) for page in forbidden)) == [403] * 8
        clock.advance(120)
    assert pages.refreshes == 2


async def test_a_token_that_could_not_be_renewed_is_alive_once_it_is_accepted(
    client: ClientSession, pages: Pages
) -> None:
    """Law B3: whatever was thought of it before."""
    for number in range(4):
        assert await status(client, f"forbidden/{number}") == 403
    assert pages.refreshes == 2
    assert await status(client, "allowed") == 200
    assert await status(client, "forbidden/4") == 403
    assert pages.refreshes == 2


async def test_a_later_request_that_is_accepted_speaks_for_the_token(client: ClientSession, pages: Pages) -> None:
    """Law B3: the forbidden answer waits for it, and the wait ends with it."""
    assert await status(client, "allowed") == 200
    pages.slow = {"forbidden": asyncio.Event(), "slow": asyncio.Event(), "slower": asyncio.Event()}
    asked = [asyncio.create_task(status(client, page)) for page in pages.slow]
    for _ in range(4):
        await pages.arrived.get()
    pages.slow["forbidden"].set()
    await asyncio.sleep(0.05)
    assert not asked[0].done()
    pages.slow["slow"].set()
    assert [await asked[0], await asked[1]] == [403, 200]
    assert not asked[2].done()
    pages.slow["slower"].set()
    assert await asked[2] == 200
    assert pages.refreshes == 1


async def test_a_request_that_is_given_up_is_waited_for_no_longer(client: ClientSession, pages: Pages) -> None:
    """Law B3: it will tell nothing."""
    assert await status(client, "allowed") == 200
    pages.slow = {"slow": asyncio.Event()}
    given_up = asyncio.create_task(status(client, "slow"))
    for _ in range(2):
        await pages.arrived.get()
    forbidden = asyncio.create_task(status(client, "forbidden"))
    await pages.arrived.get()
    given_up.cancel()
    del given_up
    assert await forbidden == 403
    pages.slow["slow"].set()
    assert pages.refreshes == 1


async def test_the_wait_has_an_end(client: ClientSession, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law B3: a request that hangs keeps no answer from its caller."""
    monkeypatch.setattr(evidence_module, "_PATIENCE", 0.01)
    assert await status(client, "allowed") == 200
    pages.slow = {"slow": asyncio.Event()}
    slow = asyncio.create_task(status(client, "slow"))
    for _ in range(2):
        await pages.arrived.get()
    assert await status(client, "forbidden") == 403
    pages.slow["slow"].set()
    assert await slow == 200


async def test_a_caller_that_gives_up_waiting_gets_nothing(client: ClientSession, pages: Pages) -> None:
    """Law C3: while the other requests are waited for, too."""
    assert await status(client, "allowed") == 200
    pages.slow = {"slow": asyncio.Event()}
    slow = asyncio.create_task(status(client, "slow"))
    for _ in range(2):
        await pages.arrived.get()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await status(client, "forbidden")
    pages.slow["slow"].set()
    assert await slow == 200
    assert await status(client, "allowed") == 200


async def test_many_pages_are_forgotten_but_the_last(
    client: ClientSession, pages: Pages, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crawler visits a million pages, and memory does not grow with them: the oldest no longer speaks."""
    monkeypatch.setattr(evidence_module, "_PAGES", 2)
    for number in range(3):
        assert await status(client, f"allowed/{number}") == 200
    pages.live = "another"
    assert [await status(client, f"allowed/{number}") for number in (0, 1)] == [403, 200]


async def test_another_token_settles_all_doubts(client: ClientSession, pages: Pages) -> None:
    """Law B2: a refusal that waits as the token is renewed for another reason gets the new one."""
    assert await status(client, "allowed") == 200
    pages.slow = {"slow": asyncio.Event()}
    slow = asyncio.create_task(status(client, "slow"))
    for _ in range(2):
        await pages.arrived.get()
    pages.live = "another"
    doubtful = asyncio.create_task(status(client, "new"))
    await pages.arrived.get()
    middleware = cast("Any", client)._middlewares[0]
    await middleware._source.renew()
    assert await status(client, "allowed") == 200
    assert await doubtful == 200
    pages.slow["slow"].set()
    assert await slow == 200
    assert pages.refreshes == 2


async def test_an_older_token_tells_nothing_of_the_newest() -> None:
    """Law B2: whoever sent it gets the newest, whatever the answer was about."""
    evidence = Archive().of(URL("https://api.example"))
    old, older, new = Sent(token("access-1"), "1"), Sent(token("access-1"), "1"), Sent(token("access-2"), "2")
    for number, sent in enumerate((old, older, new)):
        evidence.sends(sent, cast("Any", SimpleNamespace(method="GET", url=number)))
    old.got(cast("Any", SimpleNamespace(status=200)))
    older.got(cast("Any", SimpleNamespace(status=403)))
    assert await older.is_spoken_against()
    new.got(cast("Any", SimpleNamespace(status=403)))
    assert await new.is_spoken_against()


def test_a_collector_in_another_thread_is_no_trouble() -> None:
    """A request may be let go of in any thread, and after its event loop was closed."""

    async def doubtful() -> None:
        evidence = Archive().of(URL("https://api.example"))
        accepted, refused, lost = (Sent(token(), "Bearer access-1") for _ in range(3))
        for number, sent in enumerate((accepted, refused, lost)):
            evidence.sends(sent, cast("Any", SimpleNamespace(method="GET", url=number)))
        accepted.got(cast("Any", SimpleNamespace(status=200)))
        refused.got(cast("Any", SimpleNamespace(status=403)))
        kept.append(evidence)
        waiting = asyncio.create_task(refused.is_spoken_against())
        await asyncio.sleep(0)
        lonely = [lost]
        del lost, sent
        await asyncio.to_thread(lonely.clear)
        assert not await waiting

    kept: list[Evidence] = []
    asyncio.run(doubtful())
    left = Sent(token(), "Bearer access-1")
    kept[0]._in_flight[9] = ref(left, lambda _: kept[0]._vanished(9))
    kept[0]._doubts[9] = asyncio.new_event_loop().create_future()
    kept[0]._doubts[9].get_loop().close()  # type: ignore[union-attr]
    del left
    assert 9 in kept[0]._in_flight
