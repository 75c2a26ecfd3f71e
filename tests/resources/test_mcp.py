"""The Model Context Protocol, with the SDK's own servers: from an address to tool calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import ClientSession
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from aio_token import BearerMiddleware, ConfigurationError, FileTokenStore, SignInRequired
from aio_token.resources import ProtectedResource
from aio_token.testing import ManualClock
from tests.support.document import blocks
from tests.support.mcp_servers import mcp_servers

EMBEDDING = Path(__file__).parents[2] / "docs" / "embedding.md"


async def browse(address: str) -> None:
    """Be the browser of a person who agrees."""
    async with ClientSession() as browser, browser.get(address) as page:
        assert page.status == 200, await page.text()


async def call(client: ClientSession, url: str, a: int, b: int) -> str:
    """Call the tool, by hand."""
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": a, "b": b}},
    }
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    async with client.post(url, json=asked, headers=headers) as response:
        assert response.status == 200, await response.text()
        said: Any = await response.json()
        text: str = said["result"]["content"][0]["text"]
        return text


async def test_tool_calls_over_several_expiries(tmp_path: Path) -> None:
    """Law L1: three lines of set-up; the program registers itself, the person signs in once, tokens come and go."""
    clock = ManualClock()
    async with mcp_servers(lifetime=60, clock=clock) as servers:
        resource = await ProtectedResource.discover(servers.url, servers=[servers.issuer])
        tokens = await resource.tokens(FileTokenStore(tmp_path / "mcp"), show=browse, observer=None, clock=clock)
        async with tokens, ClientSession(middlewares=(BearerMiddleware(tokens, resource.origin),)) as client:
            for number in range(12):
                many = await asyncio.gather(*(call(client, servers.url, number, each) for each in range(5)))
                assert many == [str(number + each) for each in range(5)]
                clock.advance((20, 61)[number % 2])
        ledger = servers.ledger
    assert (len(ledger.clients), ledger.strange) == (1, 0)
    assert ledger.refreshes >= 5
    assert set(ledger.resources) == {servers.url}
    assert resource.scope == "tools"


def recipe() -> Any:
    """Return the `Auth` that docs/embedding.md shows, for httpx2, which has httpx's interface."""
    page = EMBEDDING.read_text(encoding="utf-8")
    (source,) = [source for _, _, source in blocks(page, "python") if "httpx.Auth" in source]
    shown: dict[str, Any] = {}
    exec(source.replace("import httpx", "import httpx2 as httpx"), shown)  # noqa: S102  it is the recipe that is tested
    return shown["TokenAuth"]


async def test_the_sdks_own_client(tmp_path: Path) -> None:
    """Law L1: the same repository, behind httpx2 in the SDK's client, beside an aiohttp client of the same process."""
    async with mcp_servers(lifetime=60) as servers:
        resource = await ProtectedResource.discover(servers.url, servers=[servers.issuer])
        tokens = await resource.tokens(FileTokenStore(tmp_path / "mcp"), show=browse, observer=None)
        async with (
            tokens,
            httpx2.AsyncClient(auth=recipe()(tokens, resource.origin)) as http,
            ClientSession(middlewares=(BearerMiddleware(tokens, resource.origin),)) as session,
            Client(streamable_http_client(servers.url, http_client=http)) as client,
        ):
            for number in range(3):
                said = await client.call_tool("add", {"a": number, "b": 1})
                assert said.structured_content == {"result": number + 1}
                assert await call(session, servers.url, number, 2) == str(number + 2)
                servers.ledger.access_tokens.clear()
        assert (servers.ledger.refreshes, servers.ledger.strange, len(servers.ledger.clients)) == (2, 0, 1)


async def test_a_restart_finds_its_client_and_its_session(tmp_path: Path) -> None:
    """Law L1: no registration and no sign-in again; after a sign-out there is neither."""
    async with mcp_servers() as servers:
        resource = await ProtectedResource.discover(servers.url, servers=[servers.issuer])
        async with await resource.tokens(FileTokenStore(tmp_path / "mcp"), show=browse, observer=None) as tokens:
            await tokens.token()
        async with await resource.tokens(FileTokenStore(tmp_path / "mcp"), observer=None) as tokens:
            await tokens.renew()
            assert len(servers.ledger.clients) == 1
            assert (await tokens.sign_out()).revoked
            assert servers.ledger.access_tokens == {}
        async with await resource.tokens(FileTokenStore(tmp_path / "mcp"), observer=None) as tokens:
            with pytest.raises(SignInRequired):
                await tokens.token()


async def test_no_one_else_names_the_server() -> None:
    """Law L1: an authorization server that the user has not named is not believed."""
    async with mcp_servers() as servers:
        with pytest.raises(ConfigurationError, match="which no one here has named"):
            await ProtectedResource.discover(servers.url)
        assert (await ProtectedResource.discover(servers.url, agree=lambda _: True)).provider.issuer.startswith(
            servers.issuer
        )
