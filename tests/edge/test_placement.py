"""Another header, another prefix: every law about where the token goes holds for them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientResponseError, ClientSession, WSServerHandshakeError, web
from aiohttp.test_utils import TestServer
from yarl import URL

from aio_token import BearerMiddleware, ConfigurationError
from aio_token.testing import FixedSource, token
from tests.support.api import answered, session, twice
from tests.support.exposure import exposure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

SHOPIFY = "X-Shopify-Access-Token"
WAYS: list[tuple[dict[str, Any], str, str]] = [
    ({"header": SHOPIFY, "prefix": ""}, SHOPIFY, "{}"),
    ({"header": "x-shopify-access-token", "prefix": "Bearer"}, SHOPIFY, "Bearer {}"),
    ({"prefix": "token"}, "Authorization", "token {}"),
    ({"header": "authorization", "prefix": ""}, "Authorization", "{}"),
]
BOTH = ("Authorization", SHOPIFY)


class Shop:
    """An API that takes `access-2` in one header, whatever stands before it."""

    def __init__(self, header: str) -> None:
        self.header = header
        self.seen: list[dict[str, str]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Note the headers of interest, and answer."""
        self.seen.append({name: request.headers[name] for name in BOTH if name in request.headers})
        if "to" in request.query:
            raise web.HTTPFound(request.query["to"])
        return web.Response(status=200 if request.headers.get(self.header, "").endswith("access-2") else 401)


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[1]}: {way[2]}")
def way(request: pytest.FixtureRequest) -> tuple[dict[str, Any], str, str]:
    """Return arguments, the header's name and its value with a place for the token."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def shops(way: tuple[dict[str, Any], str, str]) -> AsyncIterator[tuple[Shop, Shop]]:
    """Run two."""
    one, other = Shop(way[1]), Shop(way[1])
    servers = []
    for shop in (one, other):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", shop.answer)
        server = TestServer(app)
        await server.start_server()
        shop.url = str(server.make_url("")).rstrip("/")
        servers.append(server)
    yield one, other
    for server in servers:
        await server.close()


def source() -> FixedSource:
    """Return a source of a dead token and a good one."""
    return FixedSource(token("access-1"), token("access-2"))


async def test_a_rejected_token_is_renewed_in_its_header(
    shops: tuple[Shop, Shop], way: tuple[dict[str, Any], str, str]
) -> None:
    """Laws A7, A6, B1: put there, renewed, sent again, taken back; no other header has it."""
    arguments, header, value = way
    async with session(source(), shops[0].url, **arguments) as client:
        response = await answered(client.get(shops[0].url))
    assert response.status == 200
    assert shops[0].seen == [{header: value.format("access-1")}, {header: value.format("access-2")}]
    assert header not in response.request_info.headers


async def test_a_redirect_takes_it_nowhere_else(shops: tuple[Shop, Shop], way: tuple[dict[str, Any], str, str]) -> None:
    """Laws A7, A1: aiohttp itself takes no header but Authorization away, and none has to be."""
    arguments, header, value = way
    async with session(FixedSource(token("access-2")), shops[0].url, **arguments) as client:
        address = URL(shops[0].url).with_query(to=shops[1].url)
        assert (await answered(client.get(address))).status == 401
        back = URL(shops[1].url).with_query(to=shops[0].url)
        assert (await answered(client.get(back))).status == 200
    assert [*shops[0].seen, *shops[1].seen] == [{header: value.format("access-2")}] * 2 + [{}] * 2


async def test_the_caller_s_own_is_left_alone(shops: tuple[Shop, Shop], way: tuple[dict[str, Any], str, str]) -> None:
    """Laws A7, A4: the same header is the caller's; another one is nothing to us; an opt-out is one."""
    arguments, header, value = way
    async with session(source(), shops[0].url, **arguments) as client:
        await answered(client.get(shops[0].url, headers={header: "own"}))
        await answered(client.get(shops[0].url, headers={"requires-token": "false"}))
        if header != "Authorization":
            await answered(client.get(shops[0].url, headers={"Authorization": "Basic own"}))
    assert shops[0].seen[:2] == [{header: "own"}, {}]
    if header != "Authorization":
        assert shops[0].seen[2] == {"Authorization": "Basic own", header: value.format("access-1")}


async def test_what_the_client_fills_in_is_not_the_caller_s(
    shops: tuple[Shop, Shop],
    way: tuple[dict[str, Any], str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Laws A7, A4: netrc's password makes room for the token in its header, and stays beside it in another."""
    arguments, header, value = way
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    chain = (BearerMiddleware(FixedSource(token("access-2")), shops[0].url, **arguments),)
    async with ClientSession(middlewares=chain, trust_env=True) as client:
        assert (await answered(client.get(shops[0].url))).status == 200
    (seen,) = shops[0].seen
    assert seen[header] == value.format("access-2")
    assert seen["Authorization"].startswith("Basic") is (header != "Authorization")


async def test_errors_do_not_show_it(shops: tuple[Shop, Shop], way: tuple[dict[str, Any], str, str]) -> None:
    """Laws A7, A6: `raise_for_status` and a failed handshake make errors whose repr shows the request's headers."""
    async with session(FixedSource(token("access-3")), shops[0].url, **way[0]) as client:
        with pytest.raises(ClientResponseError) as error:
            await client.get(shops[0].url, raise_for_status=True)
        with pytest.raises(WSServerHandshakeError) as handshake:
            await client.ws_connect(shops[0].url)
    assert len(shops[0].seen) == 2
    assert "access-3" not in exposure(error.value)
    assert "access-3" not in exposure(handshake.value)


async def test_other_middlewares_find_it_where_they_should(
    shops: tuple[Shop, Shop], way: tuple[dict[str, Any], str, str]
) -> None:
    """Laws A7, A6: one further in has it for each try, one further out no leftover; what another put there stays."""
    arguments, header, value = way
    bearer = BearerMiddleware(FixedSource(token("access-2")), shops[0].url, **arguments)

    async def replacing(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers[header] = "replaced"
        return await handler(request)

    async with ClientSession(middlewares=(twice, bearer, twice)) as client:
        assert (await answered(client.get(shops[0].url))).status == 200
        assert shops[0].seen == [{header: value.format("access-2")}] * 4
        response = await answered(client.get(shops[0].url, middlewares=(bearer, replacing)))
    assert response.request_info.headers[header] == "replaced"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"header": name} for name in ("", "a b", "a\n", "Cookie", "host", 1)),
        *({"prefix": prefix} for prefix in ("a b", "\n", "é", None)),
    ],
    ids=repr,
)
def test_what_cannot_be_a_header_is_refused(wrong: dict[str, Any]) -> None:
    """Law A7: a mistake shows when the program starts, and no token goes into a header that means something else."""
    with pytest.raises(ConfigurationError, match=r"header is|prefix is"):
        BearerMiddleware(FixedSource(), "https://api.example", **wrong)
