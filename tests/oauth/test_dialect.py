"""Servers that leave the standard: what is sent to them, and what is made of their answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aio_token import (
    ClientSecretBasic,
    ClientSecretPost,
    TokenEndpoint,
)
from aio_token.oauth import Dialect, Form, Request
from tests.support.token_server import GRANTED, says, token_server

NOW = 1_800_000_000.0
CANARY = "canary-5ecret"


async def sent(
    dialect: Dialect, form: Form, *, path: str = "", client: Any = None
) -> tuple[str, str, dict[str, str], str]:
    """Send a form and return method, path, headers and body as they arrived."""
    bodies: list[str] = []

    async def answer(request: Any) -> Any:
        bodies.append(await request.text())
        return await says(GRANTED)(request)

    async with token_server(answer) as server:
        endpoint = TokenEndpoint(server.url + path, client or ClientSecretPost("bot", CANARY), dialect=dialect)
        assert (await endpoint.request("client_credentials", form)).failure() is None
    (received,) = server.received
    return received.method, received.path, dict(received.headers), bodies[0]


ASKED = Form(scope="a b", resource=["x", "y"])


async def test_parameters_go_as_json() -> None:
    """Law D0: the client's proof and what came several times included."""
    method, _, headers, body = await sent(Dialect(body="json"), ASKED)
    assert (method, headers["Content-Type"]) == ("POST", "application/json")
    assert json.loads(body) == {
        "grant_type": "client_credentials",
        "scope": "a b",
        "resource": ["x", "y"],
        "client_id": "bot",
        "client_secret": CANARY,
    }


@pytest.mark.parametrize(("path", "mark"), [("/token", "?"), ("/token?tenant=t", "&")])
async def test_parameters_go_into_the_address(path: str, mark: str) -> None:
    """Law D0: with GET or POST, beside what stands there already."""
    for method in ("POST", "GET"):
        dialect = Dialect(body="query", method=method)
        seen, address, headers, body = await sent(dialect, Form(scope="a"), path=path)
        assert (seen, body, headers.get("Content-Type", "application/octet-stream")) == (
            method,
            "",
            "application/octet-stream",
        )
        assert address == f"{path}{mark}grant_type=client_credentials&scope=a&client_id=bot&client_secret={CANARY}"


async def test_parameters_have_other_names() -> None:
    """Law D0: names, the grant type and the scope are the server's; what it does not know is left out."""
    dialect = Dialect(
        grant_types={"client_credentials": "account_credentials"},
        names={"client_id": "client_key", "resource": None},
        scope_separator=",",
    )
    _, _, headers, body = await sent(dialect, ASKED)
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == f"grant_type=account_credentials&scope=a%2Cb&client_key=bot&client_secret={CANARY}"
    assert dialect.spoken(ASKED).members == [("scope", "a,b")]


async def test_a_function_writes_the_rest() -> None:
    """Law D0: it sees the request as it would go, with the client's proof, and what it was made of."""

    def write(request: Request, form: Form) -> Request:
        assert request.headers["Authorization"].startswith("Basic ")
        wrapped = json.dumps({"auth": dict(form.members)})
        return replace(request, body=wrapped, headers={**request.headers, "X-Version": "1"}, secrets=(CANARY,))

    _, _, headers, body = await sent(Dialect(write=write), Form(scope="a"), client=ClientSecretBasic("bot", "s"))
    assert headers["X-Version"] == "1"
    assert json.loads(body) == {"auth": {"grant_type": "client_credentials", "scope": "a"}}


async def test_the_standard_is_left_as_it_is() -> None:
    """A request without a dialect goes out as it was signed."""
    _, _, _, body = await sent(Dialect(), ASKED)
    assert body == f"grant_type=client_credentials&scope=a+b&resource=x&resource=y&client_id=bot&client_secret={CANARY}"
