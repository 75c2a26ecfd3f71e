"""Servers that leave the standard: what is sent to them, and what is made of their answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aio_token import (
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    PublicClient,
    RefreshTokenGrant,
    Token,
    TokenEndpoint,
)
from aio_token.oauth import Dialect, Form, Request
from tests.support.exposure import exposure
from tests.support.token_server import GRANTED, says, token_server

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


@pytest.mark.parametrize(
    "unusable",
    [
        {"body": "xml"},
        {"method": "PUT"},
        {"method": "GET"},
        {"method": "GET", "body": "json"},
        {"scope_separator": ""},
        {"pkce": "no"},
        {"write": "w"},
        {"read": 7},
        {"grant_types": ["a"]},
        {"grant_types": {"a": ""}},
        {"names": {"": "b"}},
        {"names": {"a": ""}},
        {"places": {"access_token": ""}},
        {"places": {"access_token": "a..b"}},
        {"places": {"access_token": ("a", 7)}},
        {"places": {7: "a"}},
        {"expires": {"a.": "seconds"}},
        {"expires": {"a": "days"}},
        {"refresh_expires": {"a": None}},
        {"bearer_types": "user"},
        {"bearer_types": {"user": 1}},
        {"bearer_types": ["DPoP"]},
        {"errors": {"a": "panic"}},
        {"errors": {"": "invalid_grant"}},
        {"errors": {429: "invalid_grant"}},
        {"errors": {500: "invalid_grant"}},
        {"errors": {True: "invalid_grant"}},
        {"errors": {4.5: "invalid_grant"}},
    ],
)
def test_a_dialect_that_cannot_work_is_refused(unusable: dict[str, Any]) -> None:
    """Law D0: at once, in a sentence; what passes by itself ends no session, and a bound token is never sent alone."""
    with pytest.raises((ConfigurationError, TypeError), match=r"^\S.* "):
        Dialect(**unusable)


def test_a_dialect_is_a_value() -> None:
    """It cannot be changed, compares by what it says, and is told from the class and from a mapping."""
    names = {"client_id": "client_key"}
    dialect = Dialect(names=names)
    names.clear()
    assert dialect == Dialect(names={"client_id": "client_key"})
    assert hash(dialect) == hash(replace(dialect, body="form"))
    assert "client_key" in repr(dialect)
    with pytest.raises(TypeError):
        dialect.names["a"] = "b"  # type: ignore[index]
    for other in (Dialect, {"body": "json"}, None):
        with pytest.raises(ConfigurationError, match="dialect is a Dialect"):
            TokenEndpoint("https://id.example", PublicClient("bot"), dialect=other)  # type: ignore[arg-type]


def elsewhere(request: Request, _form: Form) -> Request:
    """Send it to another server."""
    return replace(request, url="https://evil.example/token")


def nowhere(_request: Request, form: Form) -> Any:
    """Return what is no request."""
    return form


def half(request: Request, _form: Form) -> Request:
    """Return a request that cannot be sent."""
    return replace(request, body=b"bytes")  # type: ignore[arg-type]


def breaks(_request: Request, form: Form) -> Request:
    """Raise an error that quotes what it was given."""
    raise ValueError(form.members)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (elsewhere, "another server than the token endpoint of http://127.0.0.1:"),
        (nowhere, "returned no Request"),
        (half, "returned no Request"),
        (breaks, "failed with ValueError at line"),
    ],
)
async def test_a_function_that_fails_sends_nothing(write: Any, message: str) -> None:
    """Laws D0 and G1: what `write` gets wrong is said without showing what it was given, and no server hears of it."""
    async with token_server(says(GRANTED)) as server:
        endpoint = TokenEndpoint(server.url, ClientSecretPost("bot", CANARY), dialect=Dialect(write=write))
        with pytest.raises(ConfigurationError, match=message) as caught:
            await endpoint.request("password", Form(password=CANARY))
    assert CANARY not in exposure(caught.value)
    assert server.received == []


async def test_a_function_may_say_what_helps() -> None:
    """Law D11: the error that `write` raises is the caller's."""

    def write(_request: Request, _form: Form) -> Request:
        message = "the signing key is not there; mount it"
        raise ConfigurationError(message)

    endpoint = TokenEndpoint("https://id.example", PublicClient("bot"), dialect=Dialect(write=write))
    with pytest.raises(ConfigurationError, match="mount it"):
        await endpoint.request("password", Form(password=CANARY))


async def test_no_failure_repeats_what_a_function_added() -> None:
    """Law G1: a secret of the request that is sent is one of its secrets."""

    def write(request: Request, _form: Form) -> Request:
        return replace(request, headers={"X-Signature": CANARY}, secrets=(CANARY,))

    async with token_server(says({"error": "odd", "error_description": f"bad {CANARY}"}, status=400)) as server:
        endpoint = TokenEndpoint(server.url, PublicClient("bot"), dialect=Dialect(write=write))
        answer = await endpoint.request("password", Form())
    assert CANARY not in str(answer.failure())


async def test_the_functions_see_requests_for_tokens_alone() -> None:
    """Law D0: what is declared holds for the endpoints beside as well, whose answers no function knows."""

    def fails(*_: object) -> Any:
        raise AssertionError

    dialect = Dialect(body="json", write=fails, read=fails)
    async with token_server(says({"active": True})) as server:
        endpoint = TokenEndpoint(server.url, PublicClient("bot"), introspection_url=server.url, dialect=dialect)
        assert await endpoint.introspect(Token(access_token="a")) == {"active": True}
    assert server.received[0].headers["Content-Type"] == "application/json"


async def test_tokens_are_renewed_at_another_address() -> None:
    """Law E4: only refreshes go there, and what it gives is the token endpoint's all the same."""
    async with token_server(says(GRANTED)) as server:
        url, other = f"{server.url}/token", f"{server.url}/refresh"
        endpoint = TokenEndpoint(url, PublicClient("bot"), refresh_url=other)
        new = await RefreshTokenGrant(endpoint, first="r").obtain(None)
        await endpoint.request("password", Form())
    assert [received.path for received in server.received] == ["/refresh", "/token"]
    assert new.issued_by is not None
    assert new.issued_by.token_endpoint == url


async def test_another_dialect_is_another_proof() -> None:
    """Law D8: what was refused for being written wrongly is asked again at once when it is written another way."""
    url, client = "https://id.example/token", PublicClient("bot")
    ways: list[dict[str, Any]] = [
        {},
        {"dialect": Dialect(body="json")},
        {"dialect": Dialect(names={"a": "b"})},
        {"refresh_url": "https://id.example/refresh"},
    ]
    prints = [await TokenEndpoint(url, client, **way).fingerprint(b"salt") for way in (*ways, {"dialect": Dialect()})]
    assert len(set(prints)) == len(ways)
    assert prints[0] == prints[-1]


@pytest.mark.parametrize(
    ("extra", "address"),
    [
        ({"location": "eu", "other": 1}, "https://accounts.example.eu:8443/oauth/token?tenant=%2F1"),
        ({"location": "cn"}, "https://accounts.example/oauth/token?tenant=%2F1"),
        ({"location": ["eu"]}, "https://accounts.example/oauth/token?tenant=%2F1"),
        ({}, "https://accounts.example/oauth/token?tenant=%2F1"),
    ],
)
def test_some_accounts_have_a_home_of_their_own(extra: dict[str, object], address: str) -> None:
    """Law D0: path and query stay, and only what the table says counts."""
    dialect = Dialect(homes={"region": {}, "location": {"eu": "https://accounts.example.eu:8443"}})
    assert dialect.at_home("https://accounts.example/oauth/token?tenant=%2F1", extra) == address


def test_a_home_is_one_that_a_secret_may_go_to() -> None:
    """Law A2: https, said at once."""
    dialect = Dialect(homes={"location": {"eu": "http://accounts.example.eu"}})
    with pytest.raises(ConfigurationError, match="a home in the dialect is not https"):
        TokenEndpoint("https://accounts.example/token", PublicClient("app"), dialect=dialect)
    with pytest.raises(TypeError, match="a mapping of origins"):
        Dialect(homes={"location": "https://accounts.example.eu"})  # type: ignore[dict-item]
