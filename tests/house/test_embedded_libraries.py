"""The recipes of docs/embedding.md for libraries, as they stand there, with the libraries themselves.

Each is run against an API on loopback that answers as the library expects, which has the name of the documents' API:
once as a reader would, then by twenty callers at once, whose token was revoked.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, web

from aio_token import BearerMiddleware, ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token.testing import AuthorizationServer, ProtectedAPI
from tests.support.document import blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from aiohttp.typedefs import Handler

PAGE = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text(encoding="utf-8")
RECIPES = dict(
    re.findall(r"^\*\*([\w-]+)\.\*\*[^`*]+(?:`[^`]+`[^`*]*)*?\n\n```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)
MANY = 20
HOST = "https://api.example"

ANSWERS: dict[str, object] = {
    "/api/v1/namespaces/default/pods": {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []},
    "/orders/_search": {"took": 1, "timed_out": False, "hits": {"hits": []}},
    "/bot42:TOKEN/getMe": {"ok": True, "result": {"id": 42, "is_bot": True, "first_name": "Ada"}},
    "/v1/models": {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "us"}]},
}


def answering(answer: object) -> Handler:
    """Answer with JSON, as an Elasticsearch too: its client believes in no other one."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response(answer, headers={"X-Elastic-Product": "Elasticsearch"})

    return handler


def compiled(source: str, api: ProtectedAPI) -> tuple[CodeType, CodeType]:
    """Return a recipe for this API in two parts: what is done once, and the call, which is its last line."""
    here = source.replace(f"{HOST}:443", api.url).replace(HOST, api.url).replace('"https"', '"http"')
    *before, last = ast.parse(here).body
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    once, call = (compile(ast.Module(part, []), "embedding.md", "exec", flags=flags) for part in (before, [last]))
    return once, call


async def run(code: CodeType, names: dict[str, Any]) -> None:
    """Run a part of a recipe."""
    awaitable = eval(code, names)  # noqa: S307  it is the recipe that is tested
    if inspect.isawaitable(awaitable):
        await awaitable


async def close(names: dict[str, Any]) -> None:
    """Close what a recipe has opened, by whatever name the library gives it."""
    for opened in (names.get("client"), names.get("session")):
        ends: Callable[[], Any] | None = getattr(opened, "aclose", None) or getattr(opened, "close", None)
        ends = getattr(getattr(opened, "session", None), "close", ends)  # aiogram's
        if ends is not None:
            await ends()
    if (files := names.get("files")) is not None:
        await asyncio.to_thread(files.close_session, files.loop, files._session)


def test_every_library_has_its_recipe() -> None:
    """No recipe of the page goes unnoticed."""
    named = {"kubernetes_asyncio", "elasticsearch", "aiogram", "azure-core", "fsspec", "openai", "httpx-aiohttp"}
    assert RECIPES.keys() == named
    assert len(RECIPES) == len(list(blocks(PAGE, "py")))


@pytest.mark.parametrize("library", RECIPES)
async def test_a_library_survives_a_revocation(library: str) -> None:
    """Law B2: all callers succeed, with one renewal; no request goes without a token, or with another key."""
    handlers = {path: answering(answer) for path, answer in ANSWERS.items()}
    async with AuthorizationServer() as server, ProtectedAPI(server, handlers=handlers) as api:
        client = ClientSecretBasic(server.client.client_id, server.client.secret or "")
        grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client), first=server.sign_in())
        async with TokenRepository(grant, observer=None) as tokens:
            names: dict[str, Any] = {"ClientSession": ClientSession, "tokens": tokens}
            names["bearer"] = BearerMiddleware(tokens, api.url)
            (auth,) = [source for _, _, source in blocks(PAGE, "python") if "httpx.Auth" in source]
            exec(auth, names)  # noqa: S102  the page's own, which its neighbours use
            once, call = compiled(RECIPES[library], api)
            await run(once, names)
            await run(call, names)
            server.revoke_access_tokens()
            await asyncio.gather(*(run(call, names) for _ in range(MANY)))
            await close(names)
    assert (server.refreshes, server.reused) == (2, 0)
    assert api.accepted >= MANY + 1
    assert {str(header).partition(" ")[0] for header in api.authorizations} == {"Bearer"}
    assert "Bearer unused" not in api.authorizations
