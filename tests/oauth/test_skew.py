"""What is signed here is judged by the clock there."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from aio_token import (
    ConfigurationError,
    JWTBearerGrant,
    PrivateKeyJWT,
    PublicClient,
    ServerUnavailable,
    TokenEndpoint,
)
from aio_token.grants import SignedJWT
from aio_token.oauth import ClientSecretJWT, Form
from aio_token.oauth.answer import Answer
from aio_token.oauth.dates import moment_of
from aio_token.oauth.skew import Skew
from aio_token.testing import ManualClock
from tests.support.token_server import GRANTED, token_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_token.oauth import ClientAuthentication

KEY = ECKey.generate_key("P-256")
SECRET = "canary-5ecret-of-more-than-32-letters"
NOW = 1_800_000_000.0


@pytest.fixture
def here_is_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have this machine in a time zone of its own."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("ahead", "learnt"),
    [(0, 0), (4, 0), (-4, 0), (6, 6), (90, 90), (-90, -90), (86_000, 86_000), (90_000, 0), (-90_000, 0)],
)
def test_a_date_tells_the_skew(ahead: int, learnt: int) -> None:
    """Law D14: in whole seconds, nothing under five of them or over a day."""
    skew = Skew()
    assert skew.learn(formatdate(NOW + ahead, usegmt=True), asked_at=NOW, now=NOW + 1) is (learnt != 0)
    assert abs(skew.seconds - learnt) <= 1
    assert not skew.learn(formatdate(NOW + ahead, usegmt=True), asked_at=NOW, now=NOW + 1)


@pytest.mark.parametrize(
    "date", ["", "tomorrow", "Mon, 99 Jan 2026 00:00:00 GMT", "x" * 1_000, "Mon, 1 Jan 99999999 0"]
)
def test_what_is_no_date_teaches_nothing(date: str) -> None:
    """Law D14: what was learnt stays, and is forgotten when the clocks agree again."""
    skew = Skew()
    skew.learn(formatdate(NOW + 60, usegmt=True), asked_at=NOW, now=NOW)
    assert not skew.learn(date, asked_at=NOW, now=NOW)
    assert abs(skew.seconds - 60) <= 1
    assert skew.learn(formatdate(NOW, usegmt=True), asked_at=NOW, now=NOW)
    assert skew.seconds == 0


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
def test_every_form_of_a_date_is_read(form: str, here_is_new_york: None) -> None:
    """Law D14: RFC 9110 section 5.6.7 has three forms, one of them without a zone; all are GMT, wherever this runs."""
    assert moment_of(time.strftime(form, time.gmtime(NOW))) == NOW


@pytest.mark.parametrize("zone", ["", " -0000"])
def test_a_date_without_a_zone_teaches_no_time_zone(zone: str, here_is_new_york: None) -> None:
    """Laws D8 and D14: this machine's hours are not taken for the server's, in `Date` and in `Retry-After`."""
    said = time.strftime("%a, %d %b %Y %H:%M:%S", time.gmtime(NOW + 120)) + zone
    skew = Skew()
    skew.learn(said, asked_at=NOW, now=NOW)
    assert skew.seconds == 120
    told = Answer(
        to="it", address="it", status=503, headers={"Retry-After": said}, body=b"", asked_at=NOW, now=NOW, ahead=60
    ).failure()
    assert isinstance(told, ServerUnavailable)
    assert told.retry_after == 60  # a date is by the clock of the server, which is ahead


@pytest.mark.parametrize("took", [6, 60, -1, -3_600])
def test_a_slow_answer_teaches_nothing(took: float) -> None:
    """Law D14: nor one before which a clock was set."""
    skew = Skew()
    assert not skew.learn(formatdate(NOW + 60, usegmt=True), asked_at=NOW, now=NOW + took)
    assert skew.seconds == 0


class StrictServer:
    """Takes assertions that are alive by its own clock, which is `ahead` of the client's, and keeps their claims."""

    def __init__(self, clock: ManualClock, ahead: float, member: str, key: Any) -> None:
        self.clock, self.ahead, self.member, self.key = clock, ahead, member, key
        self.claims: list[dict[str, Any]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Judge one."""
        now = self.clock.time() + self.ahead
        form = await request.post()
        self.claims.append(jwt.decode(str(form[self.member]), self.key, algorithms=["ES256", "HS256"]).claims)
        dead = not self.claims[-1]["iat"] <= now + 1 < self.claims[-1]["exp"]
        answer = {"error": "invalid_client" if self.member == "client_assertion" else "invalid_grant"}
        return web.json_response(
            answer if dead else GRANTED, status=401 if dead else 200, headers={"Date": formatdate(now, usegmt=True)}
        )


@pytest.mark.parametrize("ahead", [90, -90])
@pytest.mark.parametrize(
    ("client", "key"),
    [
        (PrivateKeyJWT("bot", KEY.as_dict(private=True), alg="ES256"), KEY),
        (ClientSecretJWT("bot", SECRET), OctKey.import_key(SECRET)),
    ],
)
async def test_an_assertion_is_dated_by_the_server_s_clock(client: ClientAuthentication, key: Any, ahead: int) -> None:
    """Law D14: an answer tells the time; what was refused for its date is signed once more."""
    clock = ManualClock()
    strict = StrictServer(clock, ahead, "client_assertion", key)
    async with token_server(strict) as server:
        endpoint = TokenEndpoint(server.url, client, clock=clock)
        assert (await endpoint.request("client_credentials", Form())).failure() is None
        assert len(strict.claims) == 2
        assert abs(endpoint.server_time() - clock.time() - ahead) <= 1
        assert (await endpoint.request("client_credentials", Form())).failure() is None
    assert len(strict.claims) == 3


async def refused(_request: web.Request) -> web.StreamResponse:
    """Refuse any client, with a date of half an hour later."""
    date = formatdate(ManualClock().time() + 1_800, usegmt=True)
    return web.json_response({"error": "invalid_client"}, status=401, headers={"Date": date})


@pytest.mark.parametrize(
    ("client", "times"), [(PublicClient("bot"), 1), (ClientSecretJWT("bot", SECRET), 2)], ids=["no JWT", "a JWT"]
)
async def test_a_client_that_is_refused_all_the_same_is_told_so(client: ClientAuthentication, times: int) -> None:
    """Law D14: once more and no more, and only for what has a date."""
    async with token_server(refused) as server:
        endpoint = TokenEndpoint(server.url, client, clock=ManualClock())
        for number in (times, times + 1):
            answer = await endpoint.request("client_credentials", Form())
            assert isinstance(answer.failure(), ConfigurationError)
            assert len(server.received) == number


async def test_only_the_token_endpoint_tells_the_time() -> None:
    """Law D14: what is beside it may be another machine."""
    async with token_server(refused) as server:
        endpoint = TokenEndpoint(
            server.url, ClientSecretJWT("bot", SECRET), revocation_url=f"{server.url}/r", clock=ManualClock()
        )
        await endpoint.ask("revocation", Form(token="t"))
        assert endpoint.server_time() == ManualClock().time()
    assert len(server.received) == 1


async def test_a_service_s_assertion_is_dated_by_the_server_s_clock() -> None:
    """Law D14: what the JWT bearer grant signs, as well; the next one, since this grant presents each once."""
    clock = ManualClock()
    strict = StrictServer(clock, 90, "assertion", KEY)
    async with token_server(strict) as server:
        endpoint = TokenEndpoint(server.url, PublicClient("bot"), clock=clock)
        signed = SignedJWT(key=KEY.as_dict(private=True), issuer="bot", audience=server.url, alg="ES256")
        grant = JWTBearerGrant(endpoint, signed)
        with pytest.raises(ConfigurationError):
            await grant.obtain(None)
        assert (await grant.obtain(None)).token is not None


async def test_without_a_server_s_clock_this_machine_s_counts() -> None:
    """A client that is asked by another hand dates its assertion by the system's clock."""
    text = await SignedJWT(key=KEY.as_dict(private=True), issuer="bot", audience="here", alg="ES256")()
    assert abs(jwt.decode(text, KEY, algorithms=["ES256"]).claims["iat"] - time.time()) < 60
