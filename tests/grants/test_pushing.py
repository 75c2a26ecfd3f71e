"""Authorization requests that are pushed: when, how, what the browser carries then, and what is said when it fails."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientError, ClientSession, web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from aio_token import (
    AuthorizationCodeGrant,
    ClientSecretBasic,
    ConfigurationError,
    PrivateKeyJWT,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.events import RenewalFailed
from aio_token.grants import WebSignIn
from aio_token.grants._loopback import listening
from aio_token.grants._pushing import way
from aio_token.oauth import ClientAuthentication, ClientSecretJWT, ClientSecretPost, Dialect, Form
from aio_token.testing import (
    AuthorizationServer,
    Broken,
    Dropped,
    ManualClock,
    RecordingObserver,
    RegisteredClient,
)
from tests.support.exposure import SECRETS
from tests.support.token_server import drops, says, sends, token_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.testing import Fault
    from tests.support.token_server import Answer, TokenServer

REFERENCE = "urn:ietf:params:oauth:request_uri:canary-reference"
PUSHED = {"request_uri": REFERENCE, "expires_in": 30}
SECRET = "a secret of the client, long enough for HS256"
KEY = ECKey.generate_key("P-256")
CLIENTS: list[ClientAuthentication] = [
    PublicClient("app"),
    ClientSecretBasic("app", SECRET),
    ClientSecretPost("app", SECRET),
    ClientSecretJWT("app", SECRET),
    PrivateKeyJWT("app", KEY.as_dict(private=True), alg="ES256"),
]


def endpoint_of(server: TokenServer, client: ClientAuthentication = CLIENTS[0], **options: Any) -> TokenEndpoint:
    """Return the token endpoint of a server that answers as told, to which authorization requests are pushed."""
    urls = {"authorization_url": f"{server.url}/authorize", "pushed_authorization_request_url": f"{server.url}/par"}
    return TokenEndpoint(f"{server.url}/token", client, push_authorization=True, **{**urls, **options})


async def strict(server: AuthorizationServer, client_id: str = "app", **options: Any) -> TokenEndpoint:
    """Return the token endpoint of the kit's server, by its metadata."""
    return (await Provider.discover(server.issuer)).token_endpoint(PublicClient(client_id), **options)


async def visit(address: str) -> tuple[int, str, list[str]]:
    """Browse; return the status and the text of the last page, and all addresses on the way."""
    async with ClientSession() as session, session.get(address) as answer:
        return answer.status, await answer.text(), [str(one.url) for one in (*answer.history, answer)]


def query_of(address: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: type(client).__name__)
async def test_what_is_pushed_and_what_the_browser_carries(client: ClientAuthentication) -> None:
    """Law K3: all of the request goes to the server with the client's proof, and the browser has a reference to it."""
    async with token_server(says(PUSHED, status=201)) as server:
        sign_in = WebSignIn(
            endpoint_of(server, client, issuer="https://id.example"),
            "https://app.example/back",
            scope="read write",
            resource=["https://a.example", "https://b.example"],
            parameters={"prompt": "login"},
        )
        begun = await sign_in.begin()
    assert begun.address == f"{server.url}/authorize?client_id=app&request_uri={REFERENCE.replace(':', '%3A')}"
    (received,) = server.received
    form = received.form
    assert (received.method, received.path) == ("POST", "/par")
    assert {name: form[name] for name in ("response_type", "client_id", "redirect_uri", "scope", "prompt")} == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "https://app.example/back",
        "scope": "read write",
        "prompt": "login",
    }
    assert (form["code_challenge_method"], len(form["code_challenge"]), len(form["state"])) == ("S256", 43, 43)
    names = [name for name, _ in received.repeated]
    assert [name for name in names if names.count(name) > 1] == ["resource", "resource"]
    if "client_assertion" in form:
        assertion = jwt.decode(form["client_assertion"], KEY if isinstance(client, PrivateKeyJWT) else _secret())
        assert assertion.claims["aud"] == "https://id.example"  # RFC 9126 section 2
    else:
        assert ("client_secret" in form) == isinstance(client, ClientSecretPost)
        assert ("Authorization" in received.headers) == isinstance(client, ClientSecretBasic)


def _secret() -> Any:
    return OctKey.import_key(SECRET)


async def test_a_server_that_demands_it_gets_it() -> None:
    """Law K3: by its metadata, when the browser arrives; no address that a person sees has a state in it."""
    shown: list[str] = []
    ways: list[list[str]] = []

    async def show(address: str) -> None:
        shown.append(address)
        ways.append((await visit(address))[2])

    async with AuthorizationServer(pushed_only=True) as server:
        endpoint = await strict(server)
        async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
            token = await tokens.sign_in(AuthorizationCodeGrant(endpoint, scope="read", show=show))
            assert server.accepts(token.access_token)
            assert await tokens.token(rejected=token) != token
    assert token.scope == "read"
    ((start, authorize, back),) = ways
    assert start == shown[0]
    assert start.startswith("http://127.0.0.1:")
    assert query_of(start) == {}
    assert authorize.startswith(server.authorization_url)
    assert query_of(authorize).keys() == {"client_id", "request_uri"}
    assert query_of(back).keys() >= {"code", "state", "iss"}


async def test_a_browser_is_started_with_a_page_that_leads_to_the_start() -> None:
    """Law G5: the page is good once; the start, which stands in no process list, as often as it is opened."""
    loop, seen = asyncio.get_running_loop(), []

    def browser(page: str) -> bool:
        leads_to: str = page.leads_to  # type: ignore[attr-defined]
        seen.append(asyncio.run_coroutine_threadsafe(once(page), loop).result())
        seen.append(asyncio.run_coroutine_threadsafe(once(page), loop).result())
        seen.extend(asyncio.run_coroutine_threadsafe(once(leads_to), loop).result() for _ in range(2))
        asyncio.run_coroutine_threadsafe(visit(leads_to), loop).result()
        assert leads_to == seen[0][1]
        return True

    async def once(address: str) -> tuple[int, str]:
        async with ClientSession() as session, session.get(address, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", "")

    async with AuthorizationServer(pushed_only=True) as server:
        grant = AuthorizationCodeGrant(await strict(server), browser=browser)
        assert (await grant.obtain(None)).token is not None
    (handed, _), (refused, nowhere), (first, one), (second, other) = seen
    assert (handed, refused, nowhere, first, second) == (303, 410, "", 303, 303)
    assert one != other  # each browser gets a request of its own, since one counts once


async def test_it_is_pushed_where_one_asks_for_it_and_not_otherwise() -> None:
    """Law K3: the metadata's demand is the default, and who makes the endpoint has the last word."""
    async with AuthorizationServer() as server:
        assert not (await strict(server)).push_authorization
        asked = await strict(server, push_authorization=True)
        begun = await WebSignIn(asked, "http://127.0.0.1:9/back").begin()
        assert "request_uri" in query_of(begun.address)
    async with AuthorizationServer(pushed_only=True) as server:
        begun = await WebSignIn(await strict(server, push_authorization=False), "http://127.0.0.1:9/back").begin()
        assert "state" in query_of(begun.address)


async def test_a_server_may_want_it_without_saying_so() -> None:
    """What the server tells the browser then is what the person is told."""
    async with AuthorizationServer(pushed_only=True) as server:
        grant = AuthorizationCodeGrant(await strict(server, push_authorization=False), show=visit)
        with pytest.raises(ConfigurationError, match="A request has to be pushed first"):
            await grant.obtain(None)


async def test_a_demand_that_cannot_be_met_is_told_before_anything_is_shown() -> None:
    """The metadata demands it and has no address for it."""
    async with AuthorizationServer(
        pushed_only=True, metadata={"pushed_authorization_request_endpoint": None}
    ) as server:
        endpoint = await strict(server)
        for begin in (
            AuthorizationCodeGrant(endpoint, show=pytest.fail).invite,
            WebSignIn(endpoint, "http://[::1]/").begin,
        ):
            with pytest.raises(
                ConfigurationError, match="no address for that is known; pass pushed_authorization_requ"
            ):
                await begin()


async def test_a_web_application_signs_a_person_in() -> None:
    """A page pushes and redirects at once; what comes back is redeemed as ever."""
    async with AuthorizationServer(pushed_only=True, clients={"app": RegisteredClient("app")}) as server:
        endpoint = await strict(server)
        sign_in = WebSignIn(endpoint, "http://127.0.0.1:9/back", scope="read")
        begun = await sign_in.begin()
        async with ClientSession() as session, session.get(begun.address, allow_redirects=False) as answer:
            back = urlsplit(answer.headers["Location"]).query
        async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
            token = await tokens.sign_in(await sign_in.finish(back, begun.state))
            assert server.accepts(token.access_token)
        assert (await visit(begun.address))[0] == 400  # it counts once


async def test_what_waits_too_long_has_ended() -> None:
    """A page that keeps the address instead of redirecting finds that out at the server."""
    clock = ManualClock()
    async with AuthorizationServer(pushed_only=True, clock=clock) as server:
        begun = await WebSignIn(await strict(server), "http://127.0.0.1:9/back").begin()
        clock.advance(31)
        status, text, _ = await visit(begun.address)
    assert (status, "has ended" in text) == (400, True)


async def test_a_reference_that_has_ended_is_said_so_in_the_answer() -> None:
    """Where a server sends the browser back with it: signing in again helps, at once."""
    async with token_server(says(PUSHED)) as server:
        sign_in = WebSignIn(endpoint_of(server), "https://app.example/back")
        begun = await sign_in.begin()
        answer = {"state": server.received[0].form["state"], "error": "invalid_request_uri"}
        with pytest.raises(SignInRequired, match="was not used in time; sign in again"):
            await sign_in.finish(answer, begun.state)


REFUSALS: list[tuple[Answer, type[Exception], str]] = [
    (
        says({"error": "invalid_request", "error_description": "no code_challenge"}, status=400),
        ConfigurationError,
        "no code_challenge",
    ),
    (says({"error": "invalid_client"}, status=401), ConfigurationError, "check the client"),
    (says({"error": "invalid_scope"}, status=400), ConfigurationError, "ask for a scope"),
    (sends(status=404), ConfigurationError, "check its address, http"),
    (sends(status=503), ServerUnavailable, "503"),
    (drops, ServerUnavailable, "dropped the connection"),
    (says({}), ServerUnavailable, "gave no request_uri that can be used"),
    (says({"request_uri": 5}), ServerUnavailable, "gave no request_uri"),
    (says({"request_uri": "urn:\ud800"}), ServerUnavailable, "gave no request_uri"),
    (says({"request_uri": "u" * 3_000}), ServerUnavailable, "gave no request_uri"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
async def test_a_push_that_fails_is_told_to_both(answer: Answer, kind: type[Exception], said: str) -> None:
    """The browser that waits shows the sentence that the caller gets; it ends there, and no one waits for a time."""
    pages: list[tuple[int, str, list[str]]] = []

    async def show(address: str) -> None:
        pages.append(await visit(address))

    async with token_server(answer) as server:
        with pytest.raises(kind, match=said) as caught:
            await AuthorizationCodeGrant(endpoint_of(server), show=show, timeout=60.0).obtain(None)
    ((status, page, addresses),) = pages
    assert (status, len(addresses)) == (502, 1)
    assert "The sign-in cannot begin" in page
    assert "the pushed authorization request endpoint of" in str(caught.value)
    assert str(caught.value).partition(" answered ")[0] in page
    state = server.received[0].form["state"]
    assert state not in page + str(caught.value)
    assert SECRETS.search(page) is None


async def test_what_the_server_says_is_text_on_the_page() -> None:
    """A page of this machine shows no markup of a server, and repeats what of the request is no secret."""
    pages: list[str] = []

    async def show(address: str) -> None:
        pages.append((await visit(address))[1])

    said = says(
        {"error": "invalid_request", "error_description": "<script>1</script> code_challenge_method"}, status=400
    )
    async with token_server(said) as server:
        with pytest.raises(ConfigurationError, match="code_challenge_method"):
            await AuthorizationCodeGrant(endpoint_of(server), show=show).obtain(None)
    assert "<script>" not in pages[0]
    assert "&lt;script&gt;" in pages[0]


async def test_a_server_that_is_down_for_a_moment_is_asked_once_more() -> None:
    """Law D7: nothing is spent by it."""
    async with token_server(sends(status=503), says(PUSHED)) as server:
        begun = await WebSignIn(endpoint_of(server), "https://app.example/back").begin()
        assert len(server.received) == 2
    assert "request_uri" in query_of(begun.address)


@pytest.mark.parametrize("fault", [Broken(status=503), Dropped()])
async def test_a_repository_tells_what_kept_a_sign_in_from_beginning(fault: Fault) -> None:
    """It raises what is wrong, and the next try begins anew."""
    async with AuthorizationServer(pushed_only=True) as server:
        endpoint = await strict(server)
        async with TokenRepository(RefreshTokenGrant(endpoint)) as tokens:
            server.inject(fault, times=2, endpoint="par")
            with pytest.raises(ServerUnavailable):
                await tokens.sign_in(AuthorizationCodeGrant(endpoint, show=visit))
            await tokens.sign_in(AuthorizationCodeGrant(endpoint, show=visit))


async def test_a_sign_in_by_itself_that_cannot_begin_is_an_event() -> None:
    """Observers hear the sentence that all who wait for the token get."""
    heard = RecordingObserver()
    async with AuthorizationServer(pushed_only=True) as server:
        server.inject(Broken(status=400, body={"error": "invalid_request"}), endpoint="par")
        endpoint = await strict(server)
        person = AuthorizationCodeGrant(endpoint, show=visit)
        async with TokenRepository(RefreshTokenGrant(endpoint), sign_in_with=person, observer=heard) as tokens:
            with pytest.raises(ConfigurationError, match="answered 400") as caught:
                await tokens.token()
    (failed,) = heard.of(RenewalFailed)
    assert failed.message == str(caught.value)


async def test_a_sign_in_may_end_while_its_request_is_pushed() -> None:
    """It is cancelled or takes too long: the browser that waits is let go, and nothing of it is left."""
    browsing: list[asyncio.Task[object]] = []

    def show(address: str) -> None:
        browsing.append(asyncio.create_task(visit(address)))

    async with AuthorizationServer(pushed_only=True) as server:
        grant = AuthorizationCodeGrant(await strict(server), show=show)
        with server.hold(endpoint="par") as hold:
            running = asyncio.create_task(grant.obtain(None))
            await hold.wait_for(1)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            with pytest.raises(ClientError):
                await browsing[0]


async def test_an_error_of_the_program_itself_reaches_the_caller() -> None:
    """Such as one of a client authentication of one's own; the page tells no more than that it failed."""

    class Strange:
        client_id = "app"

        async def authenticate(self, request: Any, audience: str) -> Any:
            message = "canary-secret"
            raise LookupError(message)

    pages: list[tuple[int, str, list[str]]] = []

    async def show(address: str) -> None:
        pages.append(await visit(address))

    async with token_server(says(PUSHED)) as server:
        with pytest.raises(LookupError):
            await AuthorizationCodeGrant(endpoint_of(server, Strange()), show=show).obtain(None)
    assert pages[0][0] == 502
    assert "canary" not in pages[0][1]


async def test_a_second_browser_that_cannot_be_sent_on_ends_nothing() -> None:
    """A person may be signing in with the first one: what comes of that counts."""
    pages: list[int] = []

    async def show(address: str) -> None:
        async with ClientSession() as session, session.get(address, allow_redirects=False) as answer:
            there = answer.headers["Location"]
        server.inject(Broken(status=500), endpoint="par", times=1)
        pages.append((await visit(address))[0])
        await visit(there)

    async with AuthorizationServer(pushed_only=True) as server:
        assert (await AuthorizationCodeGrant(await strict(server), show=show).obtain(None)).token is not None
    assert pages == [502]


async def test_a_browser_that_comes_after_the_answer_changes_nothing() -> None:
    """What is told is told once, whatever a second browser meets."""
    trouble = ServerUnavailable("the server is away")

    async def fail() -> str:
        raise trouble

    async with listening("127.0.0.1", "/back", "canary-state", 0) as listener:
        start = listener.start_for(fail)
        assert (await visit(f"{listener.redirect_uri}?state=canary-state&code=1"))[0] == 200
        assert (await visit(start))[0] == 502
        assert (await listener.response())["code"] == "1"


async def test_a_dialect_is_spoken_on_both_ways() -> None:
    """Law D0: names and separators are the server's, in what is pushed and in what the browser carries."""
    dialect = Dialect(names={"client_id": "app_id"}, scope_separator=",", pkce=False)
    async with token_server(says(PUSHED)) as server:
        endpoint = endpoint_of(server, dialect=dialect)
        begun = await WebSignIn(endpoint, "https://app.example/back", scope="a b").begin()
        form = server.received[0].form
    assert (form["app_id"], form["scope"], "client_id" in form, "code_challenge" in form) == (
        "app",
        "a,b",
        False,
        False,
    )
    assert query_of(begun.address) == {"app_id": "app", "request_uri": REFERENCE}


@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_a_reference_of_ones_own_is_not_a_parameter(name: str) -> None:
    """The library writes it."""
    endpoint = TokenEndpoint("https://id.example/token", PublicClient("app"))
    parameters: Mapping[str, str] = {name: "x"}
    for make in (partial(AuthorizationCodeGrant, endpoint), partial(WebSignIn, endpoint, "https://app.example/back")):
        with pytest.raises(ConfigurationError, match=f"the parameter '{name}' is written by the library"):
            make(parameters=parameters)


def test_whether_to_push_is_a_yes_or_a_no() -> None:
    """A text is told apart from an answer."""
    with pytest.raises(TypeError, match="push_authorization is True or False"):
        TokenEndpoint("https://id.example/token", PublicClient("app"), push_authorization="yes")  # type: ignore[arg-type]


async def test_the_first_request_to_a_server_may_tell_its_time() -> None:
    """Law D14: a client's assertion that is refused for its date is signed once more, where it is pushed as well."""
    clock, seen = ManualClock(), []

    async def answer(request: web.Request) -> web.StreamResponse:
        now = clock.time() + 90
        form = await request.post()
        seen.append(jwt.decode(str(form["client_assertion"]), KEY).claims["iat"])
        dead = seen[-1] < now - 60
        headers = {"Date": formatdate(now, usegmt=True)}
        return web.json_response(
            {"error": "invalid_client"} if dead else PUSHED, status=401 if dead else 201, headers=headers
        )

    async with token_server(answer) as server:
        endpoint = endpoint_of(server, CLIENTS[-1], clock=clock)
        assert "request_uri" in query_of(await way(endpoint, Form(client_id="app")))
    assert len(seen) == 2
