"""The device grant: what is shown, when the server is asked, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from aio_token import (
    ConfigurationError,
    Credential,
    DeviceGrant,
    GrantRefused,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    SignInRequired,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.grants import DevicePrompt, IssuedBy, Rescued
from aio_token.oauth import Dialect
from aio_token.testing import AuthorizationServer, ManualClock
from tests.support.exposure import SECRETS, exposure
from tests.support.token_server import GRANTED, says, sends, token_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.token_server import Answer, TokenServer

BEGUN = {
    "device_code": "canary-device",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://id.example/device",
    "expires_in": 100,
    "interval": 7,
}
PENDING = says({"error": "authorization_pending"}, status=400)
SLOW_DOWN = says({"error": "slow_down"}, status=400)
BUSY = says({"error": "temporarily_unavailable"}, status=503)


class Person:
    """Sees the prompts, and lets time pass on a clock by hand; `acts` before the wait of that number."""

    def __init__(self, acts: Callable[[DevicePrompt], None] | None = None, *, at: int = 2) -> None:
        self.clock = ManualClock()
        self.waits: list[float] = []
        self.prompts: list[DevicePrompt] = []
        self._acts = acts
        self._at = at

    def show(self, prompt: DevicePrompt) -> None:
        """Look."""
        self.prompts.append(prompt)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.clock.advance(seconds)
        if self._acts is not None and len(self.waits) == self._at:
            self._acts(self.prompts[0])


def grant_of(server: TokenServer, person: Person, **options: Any) -> DeviceGrant:
    """Return a grant that asks a server that answers as told."""
    endpoint = TokenEndpoint(
        f"{server.url}/token", PublicClient("cli"), device_authorization_url=f"{server.url}/device", clock=person.clock
    )
    return DeviceGrant(endpoint, show=person.show, wait=person.wait, **options)


def kit_endpoint(server: AuthorizationServer, person: Person) -> TokenEndpoint:
    """Return the endpoint of the kit's server."""
    return TokenEndpoint(
        server.token_url,
        PublicClient("app"),
        device_authorization_url=server.device_authorization_url,
        clock=person.clock,
    )


async def test_a_person_signs_in_on_another_device() -> None:
    """RFC 8628: a code is shown, the server is asked at its own pace, and a refresh token goes on from there."""
    person = Person(lambda prompt: server.approve(prompt.user_code))
    async with AuthorizationServer(clock=person.clock, device_pkce=True) as server:
        endpoint = kit_endpoint(server, person)
        tokens = TokenRepository(RefreshTokenGrant(endpoint), clock=person.clock)
        token = await tokens.sign_in(DeviceGrant(endpoint, scope="read", show=person.show, wait=person.wait))
        assert server.accepts(token.access_token)
        assert await tokens.token(rejected=token) != token
    assert person.waits == [5.0, 5.0]
    (prompt,) = person.prompts
    assert prompt.verification_uri_complete == f"{prompt.verification_uri}?user_code={prompt.user_code}"
    assert (token.scope, prompt.expires_in) == ("read", 600.0)


async def test_what_is_sent() -> None:
    """Law K3: scope, audience, resource and challenge go first, the code and the verifier with each poll."""
    person = Person()
    async with token_server(says(BEGUN), says(GRANTED)) as server:
        grant = grant_of(server, person, scope="a b", audience="api", resource=["https://a", "https://b"])
        credential = await grant.obtain(None)
    first, second = server.received
    assert (first.path, second.path) == ("/device", "/token")
    assert sorted(first.repeated) == [
        ("audience", "api"),
        ("client_id", "cli"),
        ("code_challenge", create_s256_code_challenge(second.form["code_verifier"])),  # type: ignore[no-untyped-call]
        ("code_challenge_method", "S256"),
        ("resource", "https://a"),
        ("resource", "https://b"),
        ("scope", "a b"),
    ]
    assert second.form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "canary-device",
        "code_verifier": second.form["code_verifier"],
        "client_id": "cli",
    }
    assert len(second.form["code_verifier"]) == 43
    assert credential.issued_by == grant.issued_by
    assert grant.issued_by.scope == "a b"
    assert repr(grant) == f"DeviceGrant(<TokenEndpoint of {server.url} for 'cli'>, scope='a b')"


@pytest.mark.parametrize(
    ("members", "first"), [({}, 7), ({"interval": None}, 5), ({"interval": 0}, 1), ({"interval": "9"}, 9)]
)
async def test_the_server_sets_the_pace(members: dict[str, object], first: float) -> None:
    """RFC 8628 section 3.5: its interval, 5 s without one, never less than 1 s, and 5 s more for each slow_down."""
    person = Person()
    answers = (says({**BEGUN, **members}), PENDING, SLOW_DOWN, PENDING, SLOW_DOWN, says(GRANTED))
    async with token_server(*answers) as server:
        await grant_of(server, person).obtain(None)
    assert person.waits == [first, first, first + 5, first + 5, first + 10]


async def test_a_server_in_trouble_is_asked_less_often() -> None:
    """RFC 8628 section 3.5: the pause doubles, up to a minute, or lasts as long as the server asks."""
    person = Person()
    wait = says({"error": "temporarily_unavailable"}, status=503, headers={"Retry-After": "90"})
    answers = (says({**BEGUN, "expires_in": 900}), BUSY, BUSY, BUSY, BUSY, wait, PENDING, says(GRANTED))
    async with token_server(*answers) as server:
        assert (await grant_of(server, person).obtain(None)).token is not None
    assert person.waits == [7, 14, 28, 56, 60, 90, 90]


async def test_a_network_that_is_away_ends_nothing() -> None:
    """A device sleeps and wakes: the code is still good when the server can be reached again."""
    person = Person()
    async with AuthorizationServer(clock=person.clock) as server:
        grant = DeviceGrant(kit_endpoint(server, person), show=person.show, wait=person.wait)
        offline = server.offline()

        async def wait(seconds: float) -> None:
            await person.wait(seconds)
            if len(person.waits) == 1:
                await offline.__aenter__()
            elif len(person.waits) == 2:
                await offline.__aexit__(None, None, None)
                server.approve(person.prompts[0].user_code)

        grant._wait = wait
        assert (await grant.obtain(None)).token is not None
    assert person.waits == [5, 10]


@pytest.mark.parametrize(
    ("answer", "error", "says_so"),
    [
        (says({"error": "access_denied"}, status=400), SignInRequired, "access_denied"),
        (says({"error": "expired_token"}, status=400), SignInRequired, "expired_token"),
        (says({"error": "invalid_grant"}, status=400), GrantRefused, "invalid_grant"),
        (says({"error": "invalid_client"}, status=401), ConfigurationError, "client's id"),
        (says({"token_type": "Bearer"}), ServerUnavailable, "without a token"),
        (says({"refresh_token": "canary-r", "access_token": "a b"}), Rescued, "cannot be used"),
    ],
)
async def test_how_it_ends_otherwise(answer: Answer, error: type[Exception], says_so: str) -> None:
    """What the server decides is typed by what helps, it is not asked again, and no secret is shown."""
    person = Person()
    async with token_server(says(BEGUN), PENDING, answer) as server:
        with pytest.raises(error, match=says_so) as caught:
            await grant_of(server, person).obtain(None)
    assert len(server.received) == 3
    assert not SECRETS.search(exposure(caught.value))


@pytest.mark.parametrize(
    ("answer", "error", "says_so"), [(PENDING, SignInRequired, "was not entered"), (BUSY, ServerUnavailable, "503")]
)
async def test_a_code_comes_to_its_end(answer: Answer, error: type[Exception], says_so: str) -> None:
    """The server is not asked any more once the code cannot count, and the error says whose fault it was."""
    person = Person()
    async with token_server(says(BEGUN), answer) as server:
        with pytest.raises(error, match=says_so):
            await grant_of(server, person).obtain(None)
    assert sum(person.waits) < 100


async def test_a_code_lives_ten_minutes_if_nobody_says() -> None:
    """`expires_in` is required by RFC 8628, and missing now and then."""
    person = Person()
    async with token_server(says({**BEGUN, "expires_in": None}), says(GRANTED)) as server:
        await grant_of(server, person).obtain(None)
    assert person.prompts[0].expires_in == 600


@pytest.mark.parametrize(
    "members",
    [
        {"device_code": None},
        {"device_code": ""},
        {"user_code": None},
        {"user_code": "A\x1b[2J"},
        {"verification_uri": None},
        {"verification_uri": "https://id.example/" + "x" * 2_000},
    ],
)
async def test_what_cannot_be_shown_is_not_shown(members: dict[str, object]) -> None:
    """A code may not command a terminal, and people are sent to https addresses only (law A2)."""
    person = Person()
    async with token_server(says({**BEGUN, **members})) as server:
        with pytest.raises(ServerUnavailable, match="no code and address") as caught:
            await grant_of(server, person).obtain(None)
    assert person.prompts == []
    assert "canary" not in exposure(caught.value)


@pytest.mark.parametrize(
    "members",
    [
        {"verification_uri": "http://id.example/device"},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "file:///etc/passwd"},
        {"verification_uri": "https://canary@id.example/device"},
        {"verification_uri_complete": "http://id.example/device?c=1"},
    ],
)
async def test_people_are_sent_to_https_addresses_only(members: dict[str, object]) -> None:
    """Law A2: waiting does not help against another address, and the sentence says what does."""
    person = Person()
    async with token_server(says({**BEGUN, **members})) as server:
        with pytest.raises(
            ConfigurationError, match=r"the address that .* gave for people .*(https|user name)"
        ) as caught:
            await grant_of(server, person).obtain(None)
    assert person.prompts == []
    assert "canary" not in exposure(caught.value)


@pytest.mark.parametrize(("interval", "waited"), [(3_600, 60), (1e300, 60), (-5, 1), (0, 1), (True, 5), ("nan", 5)])
async def test_no_server_has_a_person_wait_for_long(interval: object, waited: float) -> None:
    """Law H3: a number of a server is capped before the first poll is put off by it."""
    person = Person()
    async with token_server(says({**BEGUN, "expires_in": 1e9, "interval": interval}), says(GRANTED)) as server:
        await grant_of(server, person).obtain(None)
    assert person.waits == [waited]


async def test_other_servers_spellings() -> None:
    """Google says `verification_url`; a page may have a fragment; what cannot be shown is left out."""
    person = Person()
    said = {**BEGUN, "verification_uri": None, "verification_url": "https://id.example/#/device"}
    async with token_server(says({**said, "verification_uri_complete": "\n"}), says(GRANTED)) as server:
        await grant_of(server, person).obtain(None)
    assert person.prompts[0].verification_uri == "https://id.example/#/device"
    assert person.prompts[0].verification_uri_complete is None


async def test_a_client_that_may_not() -> None:
    """The first request's error is typed as everywhere; nothing is shown; without an address nothing is sent."""
    person = Person()
    async with token_server(says({"error": "unauthorized_client"}, status=400)) as server:
        with pytest.raises(ConfigurationError, match="the device authorization endpoint"):
            await grant_of(server, person).obtain(None)
    with pytest.raises(ConfigurationError, match="pass device_authorization_url"):
        await DeviceGrant(TokenEndpoint("https://id.example/token", PublicClient("cli"))).obtain(None)
    assert person.prompts == []


async def test_a_foreign_credential_is_left_alone() -> None:
    """Law E4: what belongs to another client is not overwritten, and no person is asked."""
    async with token_server(sends()) as server:
        foreign = Credential(issued_by=IssuedBy(token_endpoint=server.url, client_id="other"))
        with pytest.raises(ConfigurationError, match="another"):
            await grant_of(server, Person()).obtain(foreign)
    assert server.received == []


async def test_the_prompt_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for data; the code is shown beside the complete address too."""
    person = Person()
    complete = "https://id.example/device?user_code=WDJB-MJHT"
    async with token_server(says({**BEGUN, "verification_uri_complete": complete}), says(GRANTED)) as server:
        endpoint = grant_of(server, person)._endpoint
        await DeviceGrant(endpoint, wait=person.wait).obtain(None)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "To sign in, open https://id.example/device and enter the code WDJB-MJHT.\n"
        f"Or open {complete} and compare the code.\n"
    )


async def test_showing_may_be_asynchronous() -> None:
    """A bot sends the code as a message, which takes an await; a prompt without a complete address is one line."""
    person = Person()
    sent: list[str] = []

    async def show(prompt: DevicePrompt) -> None:
        sent.append(str(prompt))

    async with token_server(says(BEGUN), says(GRANTED)) as server:
        await DeviceGrant(grant_of(server, person)._endpoint, show=show, wait=person.wait).obtain(None)
    assert sent == ["To sign in, open https://id.example/device and enter the code WDJB-MJHT."]


async def test_a_server_that_breaks_on_pkce_is_not_shown_any() -> None:
    """Law D0: its dialect says so."""
    person = Person()
    async with token_server(says(BEGUN), says(GRANTED)) as server:
        endpoint = TokenEndpoint(
            f"{server.url}/token",
            PublicClient("cli"),
            device_authorization_url=f"{server.url}/device",
            clock=person.clock,
            dialect=Dialect(pkce=False),
        )
        await DeviceGrant(endpoint, show=person.show, wait=person.wait).obtain(None)
    assert [sorted(request.form) for request in server.received] == [
        ["client_id"],
        ["client_id", "device_code", "grant_type"],
    ]
