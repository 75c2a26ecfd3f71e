"""The code flow in two halves: what a web application does, and what an attacker gets."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from aiohttp import ClientSession
from multidict import MultiDict

from aio_token import (
    ConfigurationError,
    Encrypted,
    FileTokenStore,
    GrantRefused,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
    Wish,
)
from aio_token.grants import Begun, WebSignIn
from aio_token.grants._redeemed import REMEMBERED, Redeemed
from aio_token.oauth import Dialect
from aio_token.stores import EnvironmentKey, KeyUnavailable, new_key
from aio_token.testing import AuthorizationServer, ManualClock
from tests.support.exposure import SECRETS, exposure
from tests.support.stepping import SteppingLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aio_token import Token

CALLBACK = "http://127.0.0.1:9/callback"
MOST_STEPS = 200


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a key into the environment."""
    monkeypatch.setenv("COOKIE_KEY", new_key())


def endpoint_of(server: AuthorizationServer, **options: Any) -> TokenEndpoint:
    """Return the endpoint of a public client."""
    return TokenEndpoint(
        server.token_url,
        PublicClient("app"),
        authorization_url=server.authorization_url,
        issuer=server.issuer,
        names_issuer=True,
        clock=server.clock,
        **options,
    )


def sealing(endpoint: TokenEndpoint, **options: Any) -> WebSignIn:
    """Return a sign-in whose state may be in a cookie."""
    return WebSignIn(endpoint, CALLBACK, codec=Encrypted(EnvironmentKey("COOKIE_KEY")), **options)


def keeping(endpoint: TokenEndpoint, **options: Any) -> WebSignIn:
    """Return a sign-in whose state the application keeps."""
    return WebSignIn(endpoint, CALLBACK, **options)


each_way = pytest.mark.parametrize("way", [sealing, keeping])


async def browsed(begun: Begun) -> str:
    """Be the person's browser: return the query that it brings back to the application."""
    async with ClientSession() as session, session.get(begun.address, allow_redirects=False) as response:
        return urlsplit(response.headers["Location"]).query


def repository(endpoint: TokenEndpoint, path: Path) -> TokenRepository:
    """Return a repository on a file."""
    return TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(path), observer=None)


@each_way
@pytest.mark.parametrize(
    "form",
    [str, lambda query: f"?{query}", lambda query: dict(parse_qsl(query)), lambda query: MultiDict(parse_qsl(query))],
)
async def test_a_person_signs_in(way: Callable[..., WebSignIn], form: Callable[[str], Any], tmp_path: Path) -> None:
    """One page begins, another ends it: with the query as it came, or as a mapping, as a posted form is."""
    async with AuthorizationServer() as server:
        endpoint = endpoint_of(server)
        begun = await way(endpoint, scope="read").begin()
        grant = await way(endpoint, scope="read").finish(form(await browsed(begun)), begun.state)  # another process
        async with repository(endpoint, tmp_path / "alice.json") as tokens:
            token = await tokens.sign_in(grant)
            assert token.scope == "read"
            assert await tokens.token(rejected=token) != token
    assert grant.issued_by == endpoint.issued_by(scope="read", audience="")


async def test_what_the_server_is_asked() -> None:
    """Law K3: the address has the challenge; what is wished, asked for and said by parameters goes with it."""
    endpoint = TokenEndpoint(
        "https://id.example/token", PublicClient("app"), authorization_url="https://id.example/a?b=c"
    )
    web = WebSignIn(
        endpoint, "https://app.example/back", scope="a", resource=["https://x"], parameters={"prompt": "none"}
    )
    begun = await web.begin(Wish(acr_values="gold"))
    address, _, query = begun.address.partition("?")
    asked = dict(parse_qsl(query))
    kept = json.loads(begun.state)
    assert address == "https://id.example/a"
    assert asked == {
        "b": "c",
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "https://app.example/back",
        "scope": "a",
        "resource": "https://x",
        "prompt": "none",
        "acr_values": "gold",
        "state": kept["state"],
        "code_challenge": asked["code_challenge"],
        "code_challenge_method": "S256",
    }
    assert kept["verifier"] not in begun.address
    assert (repr(begun), repr(web)) == (
        "<Begun>",
        "WebSignIn(<TokenEndpoint of https://id.example for 'app'>, 'https://app.example/back')",
    )


async def test_a_sealed_state_shows_nothing() -> None:
    """Law G1: a cookie is read by whoever has the browser; it fits one, and is another one each time."""
    async with AuthorizationServer() as server:
        web = sealing(endpoint_of(server), scope="read")
        begun, other = await web.begin(), await web.begin()
        state = dict(parse_qsl(urlsplit(begun.address).query))["state"]
    assert begun.state != other.state
    assert state not in begun.state
    assert len(begun.state) < 1_000
    assert begun.state.isascii()


@each_way
async def test_an_answer_in_another_s_browser_is_refused(way: Callable[..., WebSignIn]) -> None:
    """An attacker has a victim's browser open the answer to his own sign-in: it holds another state, or none."""
    async with AuthorizationServer() as server:
        web = way(endpoint_of(server))
        his, hers = await web.begin(), await web.begin()
        answer = await browsed(his)
        with pytest.raises(SignInRequired, match="belongs to another sign-in") as caught:
            await web.finish(answer, hers.state)
        assert not SECRETS.search(exposure(caught.value))
        for nothing in (None, ""):
            with pytest.raises(SignInRequired, match="has begun no sign-in here"):
                await web.finish(answer, nothing)
        await web.finish(answer, his.state)  # which was not used up by that
        assert server.requests == {}


@each_way
async def test_an_answer_counts_once(way: Callable[..., WebSignIn], tmp_path: Path) -> None:
    """A page that is loaded again shows no code twice: a strict server would end the session that it gave for it."""
    async with AuthorizationServer() as server:
        endpoint = endpoint_of(server)
        web = way(endpoint)
        begun = await web.begin()
        answer = await browsed(begun)
        first, second = [await web.finish(answer, begun.state) for _ in range(2)]  # at the same time
        async with repository(endpoint, tmp_path / "alice.json") as tokens:
            token = await tokens.sign_in(first)
            with pytest.raises(SignInRequired, match="was presented before"):
                await tokens.sign_in(second)
            with pytest.raises(SignInRequired, match="has been completed already"):
                await web.finish(answer, begun.state)
            assert server.requests == {"authorization_code": 1}
            with pytest.raises(GrantRefused):  # another process does not know, and the server does
                await tokens.sign_in(await way(endpoint).finish(answer, begun.state))
            assert await tokens.token() == token
            assert server.accepts(token.access_token)


@each_way
async def test_a_state_is_good_for_ten_minutes(way: Callable[..., WebSignIn]) -> None:
    """What was kept for long may be in other hands; one that is from the future is refused as well."""
    clock = ManualClock()
    async with AuthorizationServer(clock=clock) as server:
        web = way(endpoint_of(server))
        begun = await web.begin()
        answer = await browsed(begun)
        clock.advance(599)
        await web.finish(answer, begun.state)
        clock.step(-620)
        await web.finish(answer, begun.state)  # another host's clock may be a little ahead
        for step in (-60, 700):
            clock.step(step)
            with pytest.raises(SignInRequired, match="took longer than 10 minutes"):
                await web.finish(answer, begun.state)


@each_way
@pytest.mark.parametrize("other", ["issuer", "endpoint", "client", "redirect"])
async def test_another_server_s_answer_is_refused(way: Callable[..., WebSignIn], other: str) -> None:
    """Law K3, RFC 9700 section 4.4: no code is shown to a server, or as a client, that it was not made for."""
    async with AuthorizationServer() as server, AuthorizationServer() as evil:
        begun = await way(endpoint_of(server)).begin()
        answer, web = await browsed(begun), way(endpoint_of(server))
        if other == "issuer":
            members = {**dict(parse_qsl(answer)), "iss": evil.issuer}
            with pytest.raises(ConfigurationError, match="does not come from") as refused:
                await web.finish(urlencode(members), begun.state)
        else:
            if other == "endpoint":
                web = way(endpoint_of(evil))
            elif other == "client":
                web._endpoint._channel.client = PublicClient("bot")
                web = way(web._endpoint)
            else:
                web = WebSignIn(endpoint_of(server), f"{CALLBACK}/2", codec=web._codec)
            with pytest.raises(SignInRequired, match="is not what it was given here") as refused:  # type: ignore[assignment]
                await web.finish(answer, begun.state)
        assert not SECRETS.search(exposure(refused.value))
        assert (server.requests, evil.requests) == ({}, {})


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state[:-4],
        lambda state: state[:40] + ("A" if state[40] != "A" else "B") + state[41:],
        lambda state: "x",
        lambda state: "é",
        lambda state: "\ud800",
        lambda state: "[" * 9_000,
        lambda state: "A" * 20_000,
        lambda state: json.dumps({"for": "another"}),
        lambda state: "QUlPVE9LRU4" + "A" * 400,
    ],
)
@each_way
async def test_a_state_of_one_s_own_is_refused(way: Callable[..., WebSignIn], damage: Callable[[str], str]) -> None:
    """Law H1: whatever stands in a cookie is a sentence for the page, and quickly read."""
    async with AuthorizationServer() as server:
        web = way(endpoint_of(server))
        begun = await web.begin()
        with pytest.raises(SignInRequired, match=r"is not what it was given here|another sign-in"):
            await web.finish("code=c&state=s", damage(begun.state))


async def test_a_key_that_is_gone_is_said_before_and_is_a_sentence_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator hears that a key is missing when a sign-in begins; who has begun before begins again."""
    async with AuthorizationServer() as server:
        web = sealing(endpoint_of(server))
        begun = await web.begin()
        answer = await browsed(begun)
        monkeypatch.delenv("COOKIE_KEY")
        with pytest.raises(KeyUnavailable) as caught:
            await web.begin()
        assert not SECRETS.search(exposure(caught.value))
        with pytest.raises(SignInRequired, match="sign in again"):
            await web.finish(answer, begun.state)


@pytest.mark.parametrize(
    ("members", "error", "says_so"),
    [
        ({"error": "access_denied"}, SignInRequired, "answered access_denied; sign in again"),
        ({"error": "invalid_scope", "error_description": "<b>no"}, ConfigurationError, "invalid_scope: <b>no; ask"),
        ({"error": "server_error"}, ServerUnavailable, "server_error; try again later"),
        ({}, ServerUnavailable, "neither a code nor an error"),
    ],
)
async def test_errors_are_sentences(members: dict[str, str], error: type[Exception], says_so: str) -> None:
    """Law D6: typed by what helps, for the page and for the log."""
    async with AuthorizationServer() as server:
        web = keeping(endpoint_of(server))
        begun = await web.begin()
        answer = {"state": json.loads(begun.state)["state"], "iss": server.issuer, **members}
        with pytest.raises(error, match=says_so):
            await web.finish(answer, begun.state)


@pytest.mark.parametrize(
    "answer",
    ["", "code=a", "state=é", "state=%ED%A0%80", MultiDict([("file", b"")]), "x" * 20_000, {"state": "s" * 20_000}],
)
async def test_what_is_no_answer_is_refused(answer: Any) -> None:
    """Law H1: any program can call the page."""
    async with AuthorizationServer() as server:
        web = keeping(endpoint_of(server))
        with pytest.raises(SignInRequired, match="belongs to another sign-in"):
            await web.finish(answer, (await web.begin()).state)


@pytest.mark.parametrize("form", [str, lambda query: MultiDict(parse_qsl(query))])
async def test_nothing_comes_twice(form: Callable[[str], Any]) -> None:
    """RFC 6749 section 3.1: of two codes, one may be an attacker's."""
    async with AuthorizationServer() as server:
        web = keeping(endpoint_of(server))
        begun = await web.begin()
        answer = await browsed(begun)
        with pytest.raises(SignInRequired):
            await web.finish(form(f"{answer}&code=another"), begun.state)


async def test_arguments_that_cannot_work() -> None:
    """One sentence, at once; the answer brings a code, so it comes over TLS, or stays on this machine."""
    endpoint = TokenEndpoint("https://id.example/token", PublicClient("app"))
    for redirect_uri in ("http://app.example/back", "back", ""):
        with pytest.raises(ConfigurationError, match="redirect_uri"):
            WebSignIn(endpoint, redirect_uri)
    with pytest.raises(ConfigurationError, match="codec is a codec"):
        WebSignIn(endpoint, CALLBACK, codec="key")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="'state' is written by the library"):
        WebSignIn(endpoint, CALLBACK, parameters={"state": "mine"})
    with pytest.raises(ConfigurationError, match="pass authorization_url"):
        await WebSignIn(endpoint, CALLBACK).begin()


def test_what_was_redeemed_is_remembered_within_bounds() -> None:
    """Law H3: the oldest is forgotten first; one that did not leave this machine is good again."""
    redeemed = Redeemed()
    assert all(redeemed.claim(str(number)) for number in range(REMEMBERED + 1))
    assert ("0" in redeemed, "1" in redeemed, redeemed.claim("1")) == (False, True, False)
    redeemed.release("1")
    assert redeemed.claim("1")


async def handled(web: WebSignIn, begun: Begun, answer: str, tokens: TokenRepository) -> Token:
    """Do what the handler of the second page does."""
    return await tokens.sign_in(await web.finish(answer, begun.state))


async def left_at(step: int, path: Path) -> bool:
    """Have the browser leave at this step of the second page's handler; tell whether it was reached."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppingLoop)
    async with AuthorizationServer() as server:
        endpoint = endpoint_of(server)
        web, tokens = sealing(endpoint), repository(endpoint, path)
        begun = await web.begin()
        answer = await browsed(begun)
        loop.steps, loop.stop_at = 0, step
        page = asyncio.create_task(handled(web, begun, answer, tokens), name="aio_token: a handler")
        loop.at_step = page.cancel
        with suppress(asyncio.CancelledError):
            await page
        loop.stop_at = 0
        reached = loop.steps >= step
        await tokens.aclose()
        given = server._ledger.refresh_tokens
        kept = await FileTokenStore(path).load()
        assert [*given] == ([] if kept is None else [kept.refresh_token])
        if kept is None:  # the code is still good: the person loads the page again
            assert server.requests == {}
            await handled(web, begun, answer, tokens)
        assert server.requests == {"authorization_code": 1}
        await tokens.token(rejected=await tokens.token())
    return reached


def test_a_browser_that_leaves_at_any_step_loses_nothing(tmp_path: Path) -> None:
    """Law E2: a web handler is cancelled then; either the session is kept, or the code is still good."""
    for step in range(1, MOST_STEPS):
        with asyncio.Runner(loop_factory=SteppingLoop) as runner:
            if not runner.run(left_at(step, tmp_path / f"{step}.json")):
                break
    else:
        raise AssertionError
    assert step > 15


async def test_a_server_that_breaks_on_pkce_is_not_shown_any(tmp_path: Path) -> None:
    """Law D0: its dialect says so, and how it writes a scope and calls a client."""
    async with AuthorizationServer(pkce=False) as server:
        dialect = Dialect(pkce=False, scope_separator=",", names={"login_hint": "user"})
        web = sealing(endpoint_of(server, dialect=dialect), scope="a b", parameters={"login_hint": "ada"})
        begun = await web.begin()
        asked = dict(parse_qsl(urlsplit(begun.address).query))
        assert (asked["scope"], asked["user"], "code_challenge" in asked) == ("a,b", "ada", False)
        async with repository(web._endpoint, tmp_path / "ada.json") as tokens:
            token = await tokens.sign_in(await web.finish(await browsed(begun), begun.state))
        assert server.accepts(token.access_token)
        assert "code_verifier" not in (server.seen[0].form or {})


async def test_an_account_has_a_server_of_its_own(tmp_path: Path) -> None:
    """Law D0: what comes back with the code says which, out of a table: a secret goes to no other, whatever it says."""
    async with AuthorizationServer() as server, AuthorizationServer() as european:
        dialect = Dialect(homes={"location": {"eu": european.url}})
        endpoint = TokenEndpoint(
            server.token_url,
            PublicClient("app"),
            authorization_url=european.authorization_url,
            revocation_url=server.revocation_url,
            introspection_url=server.introspection_url,
            dialect=dialect,
        )
        web = keeping(endpoint)
        begun = await web.begin()
        answer = await browsed(begun)
        async with repository(endpoint, tmp_path / "eve.json") as tokens:
            for elsewhere in ("us", "https://evil.example", ""):
                evil = await keeping(endpoint).finish(f"{answer}&location={elsewhere}", begun.state)
                with pytest.raises(GrantRefused):
                    await tokens.sign_in(evil)
            assert server.requests == {"authorization_code": 3}
            grant = await web.finish(f"{answer}&location=eu", begun.state)
            token = await tokens.sign_in(grant)
            assert token.extra["location"] == "eu"
            renewed = await tokens.token(rejected=token)
            assert european.accepts(renewed.access_token)
            assert (await tokens.sign_out()).revoked
        assert not european.accepts(renewed.access_token)
        assert european.requests == {"authorization_code": 1, "refresh_token": 1}
