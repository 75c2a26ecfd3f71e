"""What accounts of one client tell each other about its server, and what they keep to themselves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import pytest

from aio_token import (
    ClientCredentialsGrant,
    ClientSecretBasic,
    ConfigurationError,
    GrantRefused,
    Pace,
    PublicClient,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from aio_token.grants import IssuedBy
from aio_token.testing import AuthorizationServer, Broken, Dropped, ManualClock, RateLimited
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from aio_token import Credential, Wish
    from aio_token.events import Event

About = Literal["refresh token", "grant", "client", "server"]

ISSUER = IssuedBy(token_endpoint="https://id.example/token", client_id="app")
OTHER = IssuedBy(token_endpoint="https://id.example/token", client_id="another")


class Accounts:
    """Many accounts of one pace, on one clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pace = Pace()
        self.grants: list[RotatingGrant] = []

    def one(self, issued_by: IssuedBy | None = ISSUER) -> tuple[TokenRepository, RotatingGrant]:
        """Return another account, and its grant."""
        grant = RotatingGrant(self.clock, issued_by=issued_by)
        self.grants.append(grant)
        return TokenRepository(grant, pace=self.pace, clock=self.clock, observer=None), grant

    async def meets(self, error: TokenError, issued_by: IssuedBy | None = ISSUER) -> TokenError:
        """Have a new account ask, and meet the error if it is let through; return what it was told."""
        tokens, grant = self.one(issued_by)
        grant.errors = [error]
        with pytest.raises(TokenError) as failure:
            await tokens.token()
        return failure.value

    @property
    def calls(self) -> int:
        """How often the server was asked by all."""
        return sum(grant.calls for grant in self.grants)


def of(error: TokenError, about: About | None) -> TokenError:
    """Say what the error is about."""
    error.about = about
    return error


def down(about: About | None = "server", retry_after: float | None = None) -> TokenError:
    """Return what a server that is down makes of a request."""
    return of(ServerUnavailable("no answer", retry_after=retry_after), about)


@pytest.fixture
def accounts() -> Accounts:
    """Return a pace without trouble."""
    return Accounts()


async def test_what_two_accounts_in_a_row_have_met_the_others_need_not_meet(accounts: Accounts) -> None:
    """Law D8: the third hears what the two have heard, and when the server is asked again."""
    await accounts.meets(down())
    await accounts.meets(down())
    told = await accounts.meets(down())
    assert accounts.calls == 2
    assert str(told) == "no answer; the server is asked again in 1 s"
    assert isinstance(told, ServerUnavailable)
    assert 0.5 <= (told.retry_after or 0) <= 1


async def test_one_account_alone_speaks_for_no_other(accounts: Accounts) -> None:
    """Law D8: it may be that account's own trouble, however often it meets it."""
    tokens, grant = accounts.one()
    for _ in range(3):
        grant.errors = [down()]
        with pytest.raises(ServerUnavailable):
            await tokens.renew()
    assert (await accounts.one()[0].token()).access_token == "access-1"


async def test_an_answer_between_makes_two_accounts_no_row(accounts: Accounts) -> None:
    """Law D8: in a row means that nothing else was heard meanwhile."""
    await accounts.meets(down())
    await accounts.one()[0].token()
    await accounts.meets(down())
    await accounts.one()[0].token()


async def test_another_client_or_endpoint_is_not_concerned(accounts: Accounts) -> None:
    """Law D8: it is shared by those who ask the same server as the same client; a grant that names none is alone."""
    for _ in range(2):
        await accounts.meets(down())
        await accounts.meets(down(), None)
    await accounts.one(OTHER)[0].token()
    await accounts.one(None)[0].token()


async def test_one_at_a_time_probes(accounts: Accounts) -> None:
    """Law D8: when the pause is over one account tries; what it hears holds for the others that asked meanwhile."""
    await accounts.meets(down())
    await accounts.meets(down())
    accounts.clock.advance(1)
    (probing, grant), (waiting, _) = accounts.one(), accounts.one()
    grant.go.clear()
    grant.errors = [down()]
    probe = asyncio.ensure_future(probing.token())
    await grant.arrived.wait()
    with pytest.raises(ServerUnavailable):
        await waiting.token()
    grant.go.set()
    with pytest.raises(ServerUnavailable):
        await probe
    accounts.clock.advance(0.99)
    await accounts.meets(down())
    assert accounts.calls == 3
    accounts.clock.advance(1.01)
    await accounts.one()[0].token()
    await waiting.token()


async def test_a_probe_that_hears_nothing_leaves_the_next_one_to_try(accounts: Accounts) -> None:
    """Law D8: a limit that passed, or a configuration that could not be read, says nothing about the server."""
    await accounts.meets(down())
    await accounts.meets(down())
    accounts.clock.advance(1)
    assert str(await accounts.meets(down(None))) == "no answer"
    await accounts.one()[0].token()


async def test_a_failure_that_says_nothing_is_no_part_of_it(accounts: Accounts) -> None:
    """Law D8: neither where nothing is wrong, nor between two that meet the server's trouble, nor beside a pause."""
    await accounts.meets(down(None))
    await accounts.meets(down())
    await accounts.meets(down(None))
    await accounts.meets(down())
    tokens, grant = accounts.one()
    grant.errors = [down(None)]
    with pytest.raises(ServerUnavailable, match=r"no answer$"):
        await tokens.renew()
    assert str(await accounts.meets(down())) == "no answer; the server is asked again in 1 s"


async def test_those_that_had_asked_before_lengthen_no_pause(accounts: Accounts) -> None:
    """Law D8: thirty in flight meet the same moment of the same trouble."""
    flying = [accounts.one() for _ in range(30)]
    for _, grant in flying:
        grant.go.clear()
        grant.errors = [down()]
    asking = [asyncio.ensure_future(tokens.token()) for tokens, _ in flying]
    for _, grant in flying:
        await grant.arrived.wait()
    for _, grant in flying:
        grant.go.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ServerUnavailable}
    accounts.clock.advance(1)
    await accounts.one()[0].token()


@pytest.mark.parametrize(
    "answer",
    [
        of(GrantRefused("invalid_grant"), "refresh token"),
        of(ConfigurationError("invalid_scope"), "grant"),
        of(ServerUnavailable("500"), "grant"),
    ],
    ids=str,
)
async def test_what_is_said_about_one_grant_is_not_shared_and_ends_what_was(
    answer: TokenError, accounts: Accounts
) -> None:
    """Law D8: `invalid_grant`, other 4xx and 500 are one account's; and a server that says them is there."""
    for _ in range(3):
        await accounts.meets(answer)
    assert accounts.calls == 3
    await accounts.meets(down())
    await accounts.meets(down())
    accounts.clock.advance(1)
    await accounts.meets(answer)
    await accounts.one()[0].token()
    await accounts.one()[0].token()


async def test_what_a_server_asks_of_one_account_binds_that_account(accounts: Accounts) -> None:
    """Law D8: the first waits for five minutes, the others for a second."""
    first, grant = accounts.one()
    grant.errors = [down(retry_after=300)]
    with pytest.raises(ServerUnavailable):
        await first.token()
    await accounts.meets(down(retry_after=300))
    accounts.clock.advance(2)
    await accounts.one()[0].token()
    with pytest.raises(ServerUnavailable) as failure:
        await first.token()
    assert failure.value.retry_after == pytest.approx(298)


async def test_an_explicit_wish_passes_the_others_pause(accounts: Accounts) -> None:
    """Law D8: who knows that the server is back says so; and a program may have all forget."""
    await accounts.meets(down())
    await accounts.meets(down())
    tokens, _ = accounts.one()
    await tokens.renew()
    await accounts.meets(down())
    await accounts.meets(down())
    accounts.pace.forget()
    await accounts.one()[0].token()


async def test_a_token_that_is_still_good_is_served(accounts: Accounts) -> None:
    """Law D8: every request that has a valid token goes through; a renewal behind it is put off."""
    tokens, grant = accounts.one()
    token = await tokens.token()
    await accounts.meets(down())
    await accounts.meets(down())
    accounts.clock.advance(0.5)
    assert await tokens.token() is token
    accounts.clock.advance(55)
    for _ in range(2):
        await accounts.meets(down())
    assert await tokens.token() is token
    await tokens.aclose()
    assert grant.calls == 1


async def test_observers_hear_when_the_server_is_asked_again(accounts: Accounts) -> None:
    """Law D6: an account that is put off says for how long, though nothing is on its record."""
    heard: list[Event] = []
    await accounts.meets(down())
    await accounts.meets(down())
    tokens = TokenRepository(
        RotatingGrant(accounts.clock, issued_by=ISSUER), pace=accounts.pace, clock=accounts.clock, observer=heard.append
    )
    with pytest.raises(ServerUnavailable):
        await tokens.token()
    (event,) = heard
    retry_at = event.members()["retry_at"]
    assert isinstance(retry_at, float)
    assert 0 < retry_at - accounts.clock.time() <= 1


async def test_a_corrected_secret_does_not_wait_for_others() -> None:
    """Law D8: `invalid_client` is shared by those who present what was refused, and by no one else."""
    clock, pace = ManualClock(), Pace()
    async with AuthorizationServer(clock=clock) as server:

        async def ask(secret: str) -> None:
            client = ClientSecretBasic(server.client.client_id, secret)
            grant = ClientCredentialsGrant(TokenEndpoint(server.token_url, client, clock=clock))
            await TokenRepository(grant, pace=pace, clock=clock, observer=None).token()

        for _ in range(5):
            with pytest.raises(ConfigurationError, match="invalid_client"):
                await ask("wrong")
        assert server.requests.total() == 2
        await ask(server.client.secret or "")
        with pytest.raises(ConfigurationError):
            await ask("wrong")
        assert server.requests.total() == 4


@pytest.mark.parametrize(
    "fault", [RateLimited(retry_after=30), Broken(status=503), Dropped()], ids=["429", "503", "no answer"]
)
async def test_two_hundred_accounts_and_a_server_in_trouble(fault: RateLimited | Broken | Dropped) -> None:
    """Law D8: within a minute a handful of requests, and not some for each account; then all are served."""
    clock, pace = ManualClock(), Pace()
    async with AuthorizationServer(clock=clock) as server:
        endpoint = TokenEndpoint(server.token_url, PublicClient("app"), clock=clock)
        users = [
            TokenRepository(
                RefreshTokenGrant(endpoint, first=server.sign_in(client_id="app")),
                pace=pace,
                clock=clock,
                observer=None,
            )
            for _ in range(200)
        ]
        server.inject(fault)
        for second in range(60):
            for user in users[second % 20 :: 20]:
                with suppress(ServerUnavailable):
                    await user.token()
            clock.advance(1)
        assert server.requests.total() <= 20
        server.recover()
        clock.advance(60)
        await users[0].renew()
        tokens = await asyncio.gather(*(user.token() for user in users))
        assert len({token.access_token for token in tokens}) == 200


async def test_what_a_source_has_met_says_nothing_about_the_server_of_an_exchange(accounts: Accounts) -> None:
    """Law D8: the error of an inner renewal passes through the outer one, whose own server was not asked."""

    class Exchanging(RotatingGrant):
        async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
            tokens, grant = accounts.one(OTHER)
            grant.errors = [down()]
            await tokens.token()
            return await super().obtain(credential, wish)

    for _ in range(3):
        outer = Exchanging(accounts.clock, issued_by=ISSUER)
        with pytest.raises(ServerUnavailable) as failure:
            await TokenRepository(outer, pace=accounts.pace, clock=accounts.clock, observer=None).token()
        assert failure.value.about is None
    assert accounts.calls == 2
    await accounts.one()[0].token()
