"""The authorization code grant: where it sends a person, whose answer it takes, and what is never shown."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from aiohttp import ClientConnectionError, ClientSession
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from aio_token import (
    AuthorizationCodeGrant,
    ConfigurationError,
    Credential,
    GrantRefused,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
    Wish,
)
from aio_token.grants import IssuedBy, Rescued
from aio_token.grants._code import CodeInHand
from aio_token.testing import AuthorizationServer
from tests.support.exposure import SECRETS, exposure
from tests.support.token_server import GRANTED, drops, says, sends, token_server

if TYPE_CHECKING:
    from tests.support.token_server import TokenServer

CODE = "canary-code"


class Browser:
    """Opens an address, follows where it is sent, and keeps the page that it ends on."""

    def __init__(self) -> None:
        self.pages: list[tuple[int, str, dict[str, str]]] = []

    async def open(self, address: str) -> None:
        """Browse."""
        async with ClientSession() as session, session.get(address) as response:
            self.pages.append((response.status, await response.text(), dict(response.headers)))


class Visitor:
    """Skips the authorization server and comes back with these members, and the right `state` unless it is given."""

    def __init__(self, **members: str) -> None:
        self.members = members
        self.asked: dict[str, str] = {}
        self.statuses: list[int] = []

    async def come(self, address: str) -> None:
        """Read the address, and come back."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        await self.visit(self.asked["redirect_uri"], {"state": self.asked["state"], **self.members})

    async def visit(self, address: str, query: Any = None, method: str = "GET", **options: Any) -> None:
        """Send one request."""
        async with ClientSession() as session, session.request(method, address, params=query, **options) as response:
            self.statuses.append(response.status)


def endpoint_of(server: TokenServer, **options: Any) -> TokenEndpoint:
    """Return the token endpoint of a server that answers as told."""
    return TokenEndpoint(
        f"{server.url}/token", PublicClient("cli"), authorization_url=f"{server.url}/authorize?tenant=1", **options
    )


async def test_a_person_signs_in_with_a_browser() -> None:
    """RFC 8252: the browser comes back to this machine, and a refresh token goes on from there."""
    browser = Browser()
    async with AuthorizationServer() as server:
        endpoint = (await Provider.discover(server.issuer)).token_endpoint(PublicClient("app"))
        tokens = TokenRepository(RefreshTokenGrant(endpoint))
        token = await tokens.sign_in(AuthorizationCodeGrant(endpoint, scope="read", show=browser.open))
        assert server.accepts(token.access_token)
        assert await tokens.token(rejected=token) != token
    assert token.scope == "read"
    ((status, page, headers),) = browser.pages
    assert (status, SECRETS.search(page)) == (200, None)
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert headers["Content-Security-Policy"] == "default-src 'none'"


async def test_what_is_sent() -> None:
    """Law K3: the address has the challenge by S256, the token request the verifier; parameters are added."""
    visitor = Visitor(code=CODE)
    async with token_server(says(GRANTED)) as server:
        grant = AuthorizationCodeGrant(
            endpoint_of(server), scope="a b", show=visitor.come, path="/here", parameters={"prompt": "login"}
        )
        credential = await grant.obtain(None)
        assert repr(grant) == f"AuthorizationCodeGrant(<TokenEndpoint of {server.url} for 'cli'>, scope='a b')"
    asked, sent = visitor.asked, server.received[0].form
    assert sent == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": sent["code_verifier"],
        "client_id": "cli",
    }
    port = urlsplit(asked["redirect_uri"]).port
    assert asked == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "cli",
        "redirect_uri": f"http://127.0.0.1:{port}/here",
        "scope": "a b",
        "state": asked["state"],
        "code_challenge": create_s256_code_challenge(sent["code_verifier"]),  # type: ignore[no-untyped-call]
        "code_challenge_method": "S256",
        "prompt": "login",
    }
    assert len(sent["code_verifier"]) == len(asked["state"]) == 43
    assert credential.issued_by == grant.issued_by
    assert grant.issued_by.scope == "a b"


async def test_a_browser_is_opened_if_asked_for() -> None:
    """A function such as `webbrowser.open` gets the address, in a thread, and nothing else is shown then."""
    shown: list[str] = []

    def browser(address: str) -> bool:
        with urlopen(address) as page:  # noqa: S310  the kit's own address
            return bool(page.status == 200)

    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), authorization_url=server.authorization_url)
        grant = AuthorizationCodeGrant(endpoint, browser=browser, show=shown.append)
        assert (await grant.obtain(None)).token is not None
    assert shown == []


def no_browser(address: str) -> bool:
    """Find no browser, as `webbrowser.open` does on a server."""
    return False


def broken_browser(address: str) -> bool:
    """Fail."""
    raise OSError


@pytest.mark.parametrize("browser", [no_browser, broken_browser])
async def test_without_a_browser_the_address_is_shown(browser: Any) -> None:
    """Where none can be opened, the person is told what to open."""
    visitor = Visitor(code=CODE)
    async with token_server(says(GRANTED)) as server:
        grant = AuthorizationCodeGrant(endpoint_of(server), browser=browser, show=visitor.come)
        assert (await grant.obtain(None)).token is not None


async def test_a_browser_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The person still gets the address; who wrote the function learns that it failed, and no address is logged."""
    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), authorization_url=server.authorization_url)

        def visit(address: str) -> None:
            with urlopen(address):  # noqa: S310  the kit's
                pass

        grant = AuthorizationCodeGrant(endpoint, browser=broken_browser, show=lambda it: asyncio.to_thread(visit, it))
        await grant.obtain(None)
    (record,) = [record for record in caplog.records if record.name == "aio_token"]
    assert record.getMessage() == "the browser could not be opened (OSError); the address is shown instead"
    assert "http" not in str(record.__dict__)


async def test_an_asynchronous_browser_is_refused() -> None:
    """It would never run; a function that hides one is found out when it is called."""

    async def opens(address: str) -> bool:
        return True

    def hides(address: str) -> object:
        return opens(address)

    async with AuthorizationServer() as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), authorization_url=server.authorization_url)
        with pytest.raises(ConfigurationError, match="an asynchronous one is for show="):
            AuthorizationCodeGrant(endpoint, browser=opens)
        hidden = AuthorizationCodeGrant(endpoint, browser=hides)
        with pytest.raises(ConfigurationError, match="an asynchronous one is for show="):
            await hidden.obtain(None)


async def test_the_address_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """No browser is opened unless asked for; standard output is for data."""
    async with token_server(says(GRANTED)) as server:
        grant = AuthorizationCodeGrant(endpoint_of(server), timeout=0.05)
        with pytest.raises(SignInRequired, match=r"the person did not sign in within 0\.05 s"):
            await grant.obtain(None)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"{server.url}/authorize?tenant=1&response_type=code&client_id=cli")
    assert server.received == []


async def test_only_the_awaited_answer_is_taken() -> None:
    """Any page and any program can send requests here: those without the state, the host or the form count as none."""
    visitor = Visitor(code=CODE)

    async def come(address: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        here, right = asked["redirect_uri"], {"state": asked["state"], "code": "canary-evil"}
        await visitor.visit(here, {"code": "canary-evil"})
        await visitor.visit(here, {**right, "state": "guessed"})
        await visitor.visit(here, {**right, "state": "é"})
        await visitor.visit(here, [*right.items(), ("code", "canary-other")])
        await visitor.visit(here, right, "POST")
        await visitor.visit(here, right, headers={"Host": "evil.example"})
        await visitor.visit(here + "/more", right)
        await visitor.visit(f"{here.removesuffix('/callback')}/favicon.ico")
        both = (visitor.come(address), visitor.come(address))
        await asyncio.gather(*both, return_exceptions=True)

    async with token_server(says(GRANTED)) as server:
        await AuthorizationCodeGrant(endpoint_of(server), show=come).obtain(None)
    assert visitor.statuses[:9] == [404] * 8 + [200]
    assert visitor.statuses[9:] in ([], [404])
    assert [sent.form["code"] for sent in server.received] == [CODE]


@pytest.mark.parametrize(
    ("members", "error", "says_so"),
    [
        ({"error": "access_denied"}, SignInRequired, "answered access_denied; sign in again"),
        (
            {"error": "invalid_scope", "error_description": "no\nsuch"},
            ConfigurationError,
            "invalid_scope: no such; ask",
        ),
        ({"error": "unsupported_response_type"}, ConfigurationError, "register the client for the authorization code"),
        ({"error": "server_error"}, ServerUnavailable, "server_error; try again later"),
        ({"error": "application_suspended"}, ServerUnavailable, "application_suspended; look this error up"),  # GitHub
        ({"error": "x", "error_description": "canary " + "9" * 40}, ServerUnavailable, r"x: canary \.\.\.; look"),
        ({}, ServerUnavailable, "neither a code nor an error"),
    ],
)
async def test_an_error_comes_back(members: dict[str, str], error: type[Exception], says_so: str) -> None:
    """It is typed by what helps (law D6), its words are made fit to be shown, and no token is asked for."""
    async with token_server(says(GRANTED)) as server:
        with pytest.raises(error, match=says_so):
            await AuthorizationCodeGrant(endpoint_of(server), show=Visitor(**members).come).obtain(None)
    assert server.received == []


async def test_a_person_declines() -> None:
    """The kit's server says so as servers do, through the browser."""
    async with AuthorizationServer(at_the_browser=None) as server:
        endpoint = (await Provider.discover(server.issuer)).token_endpoint(PublicClient("app"))
        with pytest.raises(SignInRequired, match="access_denied"):
            await AuthorizationCodeGrant(endpoint, show=Browser().open).obtain(None)


@pytest.mark.parametrize(
    ("options", "members", "accepted"),
    [
        ({"issuer": "https://id.example"}, {"iss": "https://id.example"}, True),
        ({"issuer": "https://id.example"}, {}, True),
        ({}, {"iss": "https://id.example"}, True),
        ({"issuer": "https://id.example"}, {"iss": "https://evil.example"}, False),
        ({"issuer": "https://id.example/dev-x0y1z2w3-us-tenant/"}, {"iss": "https://evil.example"}, False),
        ({"issuer": "https://id.example", "names_issuer": True}, {}, False),
        ({"issuer": "https://id.example"}, {"iss": "https://evil.example", "error": "access_denied"}, False),
    ],
)
async def test_the_answer_must_be_the_issuers(
    options: dict[str, Any], members: dict[str, str], *, accepted: bool
) -> None:
    """Law K3: a code of another server is not shown to this one, nor is a missing name taken from one that names."""
    visitor = Visitor(**{"code": CODE, **members})
    async with token_server(says(GRANTED)) as server:
        grant = AuthorizationCodeGrant(endpoint_of(server, **options), show=visitor.come)
        if accepted:
            await grant.obtain(None)
        else:
            with pytest.raises(ConfigurationError, match=f"does not come from {options['issuer']};") as caught:
                await grant.obtain(None)
            assert not SECRETS.search(exposure(caught.value))
    assert len(server.received) == accepted


async def test_a_cancelled_person_leaves_nothing_behind() -> None:
    """The port is given back when a sign-in is cancelled."""
    shown: asyncio.Queue[str] = asyncio.Queue()
    async with token_server(says(GRANTED)) as server:
        grant = AuthorizationCodeGrant(endpoint_of(server), show=shown.put)
        signing_in = asyncio.create_task(grant.obtain(None))
        address = parse_qs(urlsplit(await shown.get()).query)["redirect_uri"][0]
        signing_in.cancel()
        with pytest.raises(asyncio.CancelledError):
            await signing_in
        with pytest.raises(ClientConnectionError):
            await Visitor().visit(address)


async def test_a_port_may_be_fixed() -> None:
    """Some servers want to know it; one that is taken is an error before the person is asked."""
    visitor = Visitor(code=CODE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with token_server(says(GRANTED)) as server:
            grant = AuthorizationCodeGrant(endpoint_of(server), show=visitor.come, port=port)
            with pytest.raises(ConfigurationError, match=f"port {port}"):
                await grant.obtain(None)
            assert visitor.asked == {}
            taken.close()
            await grant.obtain(None)
    assert visitor.asked["redirect_uri"] == f"http://127.0.0.1:{port}/callback"


async def test_a_code_is_presented_once() -> None:
    """Law D7: a dropped connection is no leave to show the code again: servers revoke what they gave for it."""
    async with token_server(drops, says(GRANTED)) as server:
        with pytest.raises(ServerUnavailable) as caught:
            await AuthorizationCodeGrant(endpoint_of(server), show=Visitor(code=CODE).come).obtain(None)
    assert len(server.received) == 1
    assert not SECRETS.search(exposure(caught.value))


async def test_a_code_is_refused() -> None:
    """The error is typed as everywhere, and neither the code nor the verifier is shown by any frame."""
    visitor = Visitor(code=CODE)
    async with token_server(says({"error": "invalid_grant", "error_description": CODE}, status=400)) as server:
        with pytest.raises(GrantRefused) as caught:
            await AuthorizationCodeGrant(endpoint_of(server), show=visitor.come).obtain(None)
    shown = exposure(caught.value)
    assert not SECRETS.search(shown)
    assert server.received[0].form["code_verifier"] not in shown


async def test_nothing_happens_without_an_address_or_for_a_foreign_credential() -> None:
    """Law E4: no person is sent anywhere for what cannot be kept."""
    async with token_server(sends()) as server:
        foreign = Credential(issued_by=IssuedBy(token_endpoint=server.url, client_id="other"))
        with pytest.raises(ConfigurationError, match="another"):
            await AuthorizationCodeGrant(endpoint_of(server)).obtain(foreign)
    bare = TokenEndpoint("https://id.example/token", PublicClient("cli"))
    with pytest.raises(ConfigurationError, match="pass authorization_url"):
        await AuthorizationCodeGrant(bare).obtain(None)


async def test_what_comes_back_with_the_code_is_kept() -> None:
    """Law D13: a realm or an account's server is told to the browser alone; the token's answer wins."""
    visitor = Visitor(code=CODE, realmId="4620", location="eu", session_state="s", scope="a", expires_in="1")
    visitor.members["long"] = "x" * 4_000
    async with token_server(says({**GRANTED, "location": "us"})) as server:
        credential = await AuthorizationCodeGrant(endpoint_of(server), show=visitor.come).obtain(None)
    assert credential.token is not None
    extra = credential.token.extra
    assert (extra["realmId"], extra["location"], extra["long"]) == ("4620", "us", "x" * 4_000)
    assert not {"code", "state", "session_state", "scope", "expires_in"} & {*extra}


async def test_a_code_in_hand_is_redeemed_once() -> None:
    """RFC 6749 section 4.1.2: servers revoke what they gave for a code that comes twice."""
    async with token_server(says(GRANTED)) as server:
        grant = await AuthorizationCodeGrant(endpoint_of(server), show=Visitor(code=CODE).come).invite()
        assert CODE not in repr(vars(grant))
        await grant.obtain(None, Wish())
        with pytest.raises(SignInRequired, match="was presented before"):
            await grant.obtain(None, Wish())
    assert len(server.received) == 1


async def test_a_code_that_never_left_is_good_for_another_try() -> None:
    """A server that was away has not seen it."""
    async with token_server(says(GRANTED)) as server:
        grant = await AuthorizationCodeGrant(endpoint_of(server), show=Visitor(code=CODE).come).invite()
    assert isinstance(grant, CodeInHand)
    with pytest.raises(ServerUnavailable):
        await grant.obtain(None, Wish())
    async with token_server(says(GRANTED)) as back:
        grant._endpoint = endpoint_of(back)
        assert (await grant.obtain(None, Wish())).token is not None


async def test_a_person_s_part_may_bring_no_token() -> None:
    """Law D2: the refresh token of an answer without a usable one is rescued, whatever came back with the code."""
    visitor = Visitor(code=CODE, realmId="4620")
    async with token_server(says({"refresh_token": "canary-refresh", "access_token": "a b"})) as server:
        with pytest.raises(Rescued):
            await AuthorizationCodeGrant(endpoint_of(server), show=visitor.come).obtain(None)
