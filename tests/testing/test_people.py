"""The people of the kit's authorization server: devices that wait for them, browsers that they sit at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import ClientSession
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from aio_token.testing import AuthorizationServer, ManualClock
from tests.support.plain_client import as_bot, ask, call

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
VERIFIER = "v" * 43
CALLBACK = "http://127.0.0.1:9/callback"
ASKED = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "scope": "read",
    "state": "xyz",
    "code_challenge": str(create_s256_code_challenge(VERIFIER)),  # type: ignore[no-untyped-call]
    "code_challenge_method": "S256",
}


async def begin(server: AuthorizationServer) -> dict[str, Any]:
    """Ask for a device code."""
    status, begun = await ask(server.device_authorization_url, {"client_id": "app", "scope": "read"})
    assert status == 200
    return begun


async def poll(server: AuthorizationServer, begun: dict[str, Any], client_id: str = "app") -> str | dict[str, Any]:
    """Ask for the token, and return the error or the answer."""
    form = {"grant_type": DEVICE, "device_code": str(begun["device_code"]), "client_id": client_id}
    _, answer = await ask(server.token_url, form)
    error: str | dict[str, Any] = answer.get("error", answer)
    return error


async def browse(server: AuthorizationServer, **changes: str | None) -> tuple[int, str, dict[str, str]]:
    """Come with a browser; return the status, and the address that the browser is sent to with its parameters."""
    query = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    async with (
        ClientSession() as session,
        session.get(server.authorization_url, params=query, allow_redirects=False) as response,
    ):
        address = urlsplit(response.headers.get("Location", ""))
    return response.status, address._replace(query="").geturl(), dict(parse_qsl(address.query))


async def exchange(server: AuthorizationServer, code: str, **changes: str) -> tuple[int, dict[str, Any]]:
    """Present a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "app",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await ask(server.token_url, {**form, **changes})


async def test_a_device_is_let_in_once() -> None:
    """It waits until its code is entered, gets its token, and its device code is spent."""
    clock = ManualClock()
    async with AuthorizationServer(clock=clock) as server:
        begun = await begin(server)
        assert (begun["expires_in"], begun["interval"]) == (600, 5)
        assert await poll(server, begun) == "authorization_pending"
        assert server.user_codes == [begun["user_code"]]
        server.approve(begun["user_code"], user="ada")
        answer = await poll(server, begun)
        assert isinstance(answer, dict)
        assert await call(server.userinfo_url, answer["access_token"]) == (200, {"sub": "ada"})
        assert (answer["scope"], "refresh_token" in answer) == ("read", True)
        assert await poll(server, begun) == "invalid_grant"
    assert server.requests == {DEVICE: 3}


async def test_a_device_is_turned_away() -> None:
    """A person declines; another client's device code does not count; one that has ended is said to have."""
    clock = ManualClock()
    async with AuthorizationServer(device_lifetime=60, clock=clock) as server:
        ended, begun = await begin(server), await begin(server)
        assert await poll(server, begun, "bot") == "invalid_client"
        server.deny(begun["user_code"])
        assert await poll(server, begun) == "access_denied"
        clock.advance(60)
        assert await poll(server, ended) == "expired_token"
        assert server.user_codes == []
        with pytest.raises(LookupError, match="no device that waits"):
            server.approve(ended["user_code"])


async def test_a_hasty_device_is_slowed_down() -> None:
    """RFC 8628 section 3.5: a poll before its time adds five seconds, for this one and all that follow."""
    clock = ManualClock()
    async with AuthorizationServer(device_interval=2, clock=clock) as server:
        begun = await begin(server)
        said = []
        for pause in (0, 2, 1, 2, 12, 12):
            clock.advance(pause)
            said.append(await poll(server, begun))
    pending, slower = "authorization_pending", "slow_down"
    assert said == [pending, pending, slower, slower, pending, pending]


async def test_a_browser_brings_a_code_back() -> None:
    """It is sent back with the state and the issuer's name, and the code is good once, with the verifier."""
    async with AuthorizationServer() as server:
        status, address, members = await browse(server)
        assert (status, address, members["state"], members["iss"]) == (302, CALLBACK, "xyz", server.issuer)
        status, answer = await exchange(server, members["code"])
        assert (status, answer["scope"]) == (200, "read")
        assert server.accepts(answer["access_token"])
        assert await exchange(server, members["code"]) == (400, {"error": "invalid_grant", **DETAIL})


DETAIL = {"error_description": "Invalid 'code' in request."}


@pytest.mark.parametrize("changes", [{"code_verifier": "w" * 43}, {"redirect_uri": CALLBACK + "2"}])
async def test_a_code_is_bound(changes: dict[str, str]) -> None:
    """A code counts with the verifier and the redirect URI that it was asked for with, and no other."""
    async with AuthorizationServer() as server:
        _, _, members = await browse(server)
        status, answer = await exchange(server, members["code"], **changes)
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
async def test_a_browser_brings_an_error_back(changes: dict[str, str | None], error: str) -> None:
    """What is wrong with the request is said to the program that sent the browser."""
    async with AuthorizationServer() as server:
        status, _, members = await browse(server, **changes)
    assert (status, members["error"], "code" in members) == (302, error, False)


async def test_a_person_at_the_browser_declines() -> None:
    """A browser without a person who agrees means access denied; without a state none comes back."""
    async with AuthorizationServer(at_the_browser=None) as server:
        _, _, members = await browse(server, state=None)
    assert members == {"iss": server.issuer, "error": "access_denied"}


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"redirect_uri": "https://evil.example/"}])
async def test_a_browser_is_sent_nowhere_else(changes: dict[str, str]) -> None:
    """For an unknown client, or to another machine, no browser is sent anywhere."""
    async with AuthorizationServer() as server:
        assert (await browse(server, **changes))[:2] == (400, "")


async def test_a_device_may_have_to_bring_a_challenge() -> None:
    """With `device_pkce` as Keycloak can demand it; whoever brings one has to answer it, demanded or not."""
    challenged = {
        "client_id": "app",
        "code_challenge": ASKED["code_challenge"],
        "code_challenge_method": "S256",
    }
    async with AuthorizationServer(device_pkce=True) as server:
        status, answer = await ask(server.device_authorization_url, {"client_id": "app"})
        assert (status, answer["error"]) == (400, "invalid_request")
        _, begun = await ask(server.device_authorization_url, challenged)
        server.approve(begun["user_code"])
        assert await poll(server, begun) == "invalid_grant"
        form = {"grant_type": DEVICE, "device_code": str(begun["device_code"]), "client_id": "app"}
        status, _ = await ask(server.token_url, {**form, "code_verifier": VERIFIER})
        assert status == 200


async def test_a_server_without_pkce() -> None:
    """With `pkce=False` a browser needs no challenge; one that is there has to be answered all the same."""
    async with AuthorizationServer(pkce=False) as server:
        for changes, expected in [({"code_challenge": None, "code_challenge_method": None}, 200), ({}, 400)]:
            _, _, came = await browse(server, **changes)
            status, _ = await exchange(server, came["code"], code_verifier="" if expected == 200 else "w" * 43)
            assert status == expected


async def push(server: AuthorizationServer, headers: Mapping[str, str] | None = None, /, **changes: str | None) -> Any:
    """Push an authorization request; return the status and the answer."""
    form = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    return await ask(server.pushed_authorization_request_url, form, headers)


async def test_a_request_is_pushed_before_its_browser_comes() -> None:
    """RFC 9126: the browser brings what stands for it, once, and what was pushed counts."""
    async with AuthorizationServer(pushed_only=True) as server:
        status, pushed = await push(server)
        assert (status, pushed["expires_in"]) == (201, 30)
        short = {**dict.fromkeys(ASKED), "client_id": "app", "request_uri": pushed["request_uri"]}
        _, address, members = await browse(server, **short)
        assert (address, members["state"]) == (CALLBACK, "xyz")
        assert (await exchange(server, members["code"]))[0] == 200
        assert (await browse(server, **short))[:2] == (400, "")


async def test_what_was_pushed_is_the_client_s_own_and_ends_soon() -> None:
    """RFC 9126 section 4: bound to who pushed it, and short-lived."""
    clock = ManualClock()
    async with AuthorizationServer(pushed_lifetime=5.0, clock=clock) as server:
        first, second = [(await push(server))[1]["request_uri"] for _ in range(2)]
        assert (await browse(server, request_uri=first, client_id="bot"))[0] == 400
        clock.advance(5)
        assert (await browse(server, request_uri=second))[0] == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": "urn:x"}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"redirect_uri": "https://app.example/"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"authorization_details": "[1]"}, "invalid_authorization_details"),
    ],
)
async def test_a_push_is_refused(changes: dict[str, str | None], error: str) -> None:
    """The client hears what is wrong before any browser comes."""
    async with AuthorizationServer() as server:
        status, answer = await push(server, **changes)
    assert (status // 100, answer["error"]) == (4, error)


async def test_a_push_is_the_client_s_that_proves_itself() -> None:
    """Its own name may be left out, and another one's is refused."""
    async with AuthorizationServer() as server:
        assert (await push(server, as_bot(server), client_id=None))[0] == 201
        status, answer = await push(server, as_bot(server), client_id="app")
    assert (status, answer["error_description"]) == (400, "The client_id is another client's.")


async def test_a_browser_whose_request_was_not_pushed() -> None:
    """A server that demands it says so to the program that sent the browser."""
    async with AuthorizationServer(pushed_only=True) as server:
        _, _, members = await browse(server)
    assert (members["error"], members["error_description"]) == ("invalid_request", "A request has to be pushed first.")


async def test_authorization_details_that_are_none() -> None:
    """RFC 9396 section 5: said to the program that sent the browser."""
    async with AuthorizationServer() as server:
        _, _, members = await browse(server, authorization_details='{"type": "x"}')
    assert members["error"] == "invalid_authorization_details"
