"""The examples do what their first lines say, counted by the servers that they talk to."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientResponseError, ClientSession, CookieJar
from aiohttp.test_utils import TestClient, TestServer, unused_port

from aio_token import BearerMiddleware, ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenRepository
from aio_token.stores import new_key
from aio_token.testing import AuthorizationServer, Broken, ProtectedAPI, RateLimited
from examples import (
    backend,
    crawler,
    from_environment,
    many_users,
    rolling_deployment,
    service_account,
    service_aiohttp,
    shared_store,
    web_sign_in,
)
from examples.lock_and_double_check import LockAndDoubleCheck
from examples.servers import APIS, USERS, embedded
from tests.support.api import answered
from tests.support.postgres_fixture import postgres as postgres  # noqa: PLC0414  this file's
from tests.support.redis_server import running

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Iterator

    from examples.servers import Servers
    from tests.support.postgres import Postgres

ROOT = Path(__file__).parents[2]
ALL_ANSWER = "<p>profile: 200, mail: 200, files: 200<form"


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Return an authorization server that rotates and detects reuse."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Return an API that takes its tokens."""
    async with ProtectedAPI(server) as api:
        yield api


@pytest.fixture
def here(server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path) -> Servers:
    """Return what the examples have to know about the two."""
    return embedded(server, api, tmp_path / "token.json")


@pytest.fixture
def environment(here: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the servers in this process's environment, for examples that are run in it."""
    for name, value in here.environment.items():
        monkeypatch.setenv(name, value)


async def start(*arguments: str, here: Servers | None) -> Process:
    """Start a program as a user would, told about the servers by its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"PYTHONUNBUFFERED": "1", **(here.environment if here else {})}
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", *arguments)
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)


async def serving(port: int, *, here: Servers) -> Process:
    """Start the backend, and return it once it serves."""
    process = await start("examples.backend", str(port), here=here)
    assert process.stdout is not None
    async for line in process.stdout:
        if b"Running on" in line:
            break
    return process


async def output(*arguments: str, here: Servers | None = None) -> str:
    """Run a program to its end, which has to be a good one, and return what it printed."""
    process = await start(*arguments, here=here)
    printed, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    assert complaints == b""
    return printed.decode()


async def test_the_crawler_fetches_every_page_with_one_token(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """A hundred fetchers that start without a token cause one refresh."""
    async with ClientSession(headers={"Authorization": f"Bearer {server.issue()['access_token']}"}) as session:
        sizes = [len(await (await session.get(f"{api.url}/pages/{number}")).read()) for number in (0, 10, 100)]
    of_all = 10 * sizes[0] + 90 * sizes[1] + 200 * sizes[2]
    api.seen.clear()
    accepted = api.accepted
    assert await output("examples.crawler", "300", here=here) == f"300 pages, {of_all} bytes\n"
    assert {request.path for request in api.seen} == {f"/pages/{number}" for number in range(300)}
    assert (api.accepted - accepted, api.refused, server.refreshes) == (300, 0, 1)


async def test_a_crawl_goes_on_where_a_page_or_a_token_fails(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page that is missing fails alone; while there is no token the fetchers wait for one."""
    monkeypatch.setattr(crawler, "LATE", 0.1)
    api.inject(Broken(status=404), times=1)
    server.inject(RateLimited(retry_after=1), times=1)
    endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
    tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token))
    bearer = BearerMiddleware(tokens, here.api_url)
    monkeypatch.setattr(crawler, "ATTEMPTS", 100)
    async with tokens, ClientSession(here.api_url, middlewares=(bearer,)) as session:
        crawl = crawler.Crawl(session, range(50))
        await crawl.run()
    assert (crawl.fetched, len(crawl.failed)) == (49, 1)
    assert "404" in next(iter(crawl.failed.values()))


async def test_a_crawl_without_a_session_ends_and_says_what_helps(here: Servers, server: AuthorizationServer) -> None:
    """Where only a person can help, every page fails with that sentence, and no page is asked for."""
    server.revoke_all()
    printed, _ = await (await start("examples.crawler", "20", here=here)).communicate()
    assert printed.startswith(b"0 pages")
    assert b"page 19: " in printed or b"page 9: " in printed
    assert b"sign in" in printed


async def test_a_program_that_is_told_to_end_keeps_what_the_server_rotated(
    here: Servers, server: AuthorizationServer
) -> None:
    """ending.py: SIGTERM amid a renewal ends the bot, and its next start goes on with the new refresh token."""
    server.lifetime = 1.2
    with server.hold(after=True) as hold:
        process = await start("examples.bot", "1", here=here)
        await hold.arrived.wait()
        process.terminate()
        await asyncio.sleep(0.2)  # the signal is on its way while the answer is held
    _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (128 + signal.SIGTERM, b"")
    assert "heard: connection 1" in await output("examples.bot", "1", here=here)
    assert server.reused == 0


@pytest.mark.usefixtures("environment")
async def test_many_users_share_their_connections(
    server: AuthorizationServer, api: ProtectedAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    """Law I2: each user's request carries a token of that user's own; who is no user is asked to sign in."""
    await many_users.main()
    assert "mallory: who are you? sign in first\n" in capsys.readouterr().out
    assert {request.path for request in api.seen} == {f"/of/{user}" for user in USERS}
    assert len(set(api.authorizations)) == api.accepted == server.refreshes == len(USERS)


@pytest.mark.usefixtures("environment")
async def test_the_service_account_asks_for_itself(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """One request for client credentials, and no refresh token anywhere."""
    await service_account.main()
    assert dict(server.requests) == {"client_credentials": 1}
    assert api.accepted == 1


@pytest.mark.usefixtures("environment")
async def test_a_refresh_token_of_the_environment_is_used_once(
    server: AuthorizationServer, api: ProtectedAPI, tmp_path: Path
) -> None:
    """The second run goes on with what the first one stored, though the spent token is still in the environment."""
    for _ in range(2):
        await from_environment.main(str(tmp_path / "token.json"))
    assert (api.accepted, server.refreshes, server.reused) == (2, 1, 0)


async def test_five_agents_at_once_cause_one_refresh() -> None:
    """Law F5: of five processes on one credential file one renews, and no refresh token is presented twice."""
    printed = await output("examples.agent", "--five")
    assert len(re.findall(r"agent \d+: 200", printed)) == 5  # five processes write at once: lines may be mixed
    assert printed.endswith("tokens given: 1, refresh tokens presented twice: 0\n")


@pytest.fixture
def on_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep what processes share on a real server, encrypted."""
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis", "--appendonly", "yes") as redis:
        monkeypatch.setenv("STORE_URL", redis.url)
        monkeypatch.setenv("TOKEN_KEY", new_key())
        yield
    written = b"".join(path.read_bytes() for path in (tmp_path / "redis").rglob("*.aof"))
    assert b"aio_token:" in written
    assert b"refresh_token" not in written


@pytest.mark.usefixtures("on_redis")
async def test_workers_share_the_token_of_their_client() -> None:
    """Law J6: four processes do their jobs with one token of client credentials."""
    printed = await output("examples.workers", "4")
    assert printed.count("50 of 50 jobs done") == 4
    assert printed.endswith("tokens given: 1, refresh tokens presented twice: 0\n")


@pytest.mark.usefixtures("on_redis")
async def test_the_hosts_of_a_bot_have_the_sessions_of_all_users() -> None:
    """Laws I2 and J6: three hosts answer each user's messages, with one renewal for each user."""
    printed = await output("examples.bot_on_many_hosts", "3")
    assert printed.count("3 users, 15 messages answered") == 3
    assert printed.endswith("tokens given: 3, refresh tokens presented twice: 0\n")


async def test_a_bot_s_hosts_may_be_processes_of_one_machine() -> None:
    """Law F5: without a server they share a directory."""
    printed = await output("examples.bot_on_many_hosts", "2")
    assert printed.endswith("tokens given: 3, refresh tokens presented twice: 0\n")


@pytest.mark.usefixtures("on_redis")
async def test_an_earlier_release_keeps_what_a_later_one_has_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F3: pods of two releases renew in turn; what only the later one understands is there to the end."""
    for variable in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):  # the later one's sources will be gone
        monkeypatch.delenv(variable, raising=False)
    printed = (await output("examples.rolling_deployment")).splitlines()
    releases = [line.split()[3].rstrip(":") for line in printed[:-1]]
    assert tuple(releases) == rolling_deployment.DEPLOYMENT
    notes = [line.partition("noted: ")[2] for line in printed if "tomorrow" in line]
    assert notes == ["None", *[rolling_deployment.NOTE] * (len(notes) - 1)]
    assert printed[-1] == f"tokens given: {len(releases)}, refresh tokens presented twice: 0"


async def test_the_processes_of_an_example_may_share_a_table(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """shared_store.py makes the tables that it needs, and no others."""
    monkeypatch.setenv("STORE_URL", postgres.address)
    kept = shared_store.store_of("bot", tmp_path), shared_store.stores_in(tmp_path)
    await shared_store.make_ready(*kept)
    assert await kept[0].load() is None
    assert [name async for name in kept[1].names()] == []
    await shared_store.make_ready(*kept)


async def test_the_bot_connects_again_with_each_new_token(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Law B7: three connections, three tokens in their handshakes, none of them refused."""
    server.lifetime = 1.2
    heard = await output("examples.bot", "3", here=here)
    assert heard.count("heard: connection") == 3
    assert len(set(api.authorizations)) == api.accepted == 3
    assert server.reused == 0


@pytest.mark.usefixtures("environment")
async def test_the_aiohttp_service_calls_its_api_with_one_token(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Fifty requests at once to a service that has just started cause one refresh."""
    async with TestClient(TestServer(service_aiohttp.application())) as client:
        answers = await asyncio.gather(*(client.get(f"/items/{number}") for number in range(50)))
        assert [answer.status for answer in answers] == [200] * 50
    assert (api.accepted, server.refreshes) == (50, 1)


@pytest.mark.usefixtures("environment")
async def test_the_aiohttp_service_says_what_to_do_without_a_token(server: AuthorizationServer) -> None:
    """A session that was revoked is a sentence for the user, and no traceback."""
    server.revoke_all()
    async with TestClient(TestServer(service_aiohttp.application())) as client:
        answer = await client.get("/items/1")
        assert answer.status == 502
        assert "sign in" in (await answer.json())["problem"]


async def test_the_fastapi_service_calls_its_api_with_one_token(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Twenty requests at once to a real FastAPI cause one refresh; it stops without a complaint."""
    process = await start("uvicorn", "examples.service_fastapi:app", "--port", "0", here=here)
    assert process.stderr is not None
    async for line in process.stderr:
        if b"running on" in line:
            break
    service = line.decode().split("running on ")[1].split()[0]
    async with ClientSession() as session:
        answers = await asyncio.gather(*(answered(session.get(f"{service}/items/{number}")) for number in range(20)))
        assert [answer.status for answer in answers] == [200] * 20
    process.terminate()
    _, complaints = await process.communicate()
    assert b"Error" not in complaints
    assert (api.accepted, server.refreshes) == (20, 1)


def browser() -> ClientSession:
    """Return a browser of its own, which keeps cookies of addresses, too."""
    return ClientSession(cookie_jar=CookieJar(unsafe=True))


async def visit_the_web_sign_in(home: str, api: ProtectedAPI, server: AuthorizationServer) -> None:
    """Be two visitors, and one who gives another the answer to his own sign-in."""
    async with browser() as ada, browser() as eve:
        for visitor in (ada, eve):
            async with visitor.get(f"{home}/sign-in") as answer:  # there, to the callback, and home
                assert answer.status == 200
                assert "The API answers 200" in await answer.text()
        assert len(set(api.authorizations)) == 2
        async with eve.get(f"{home}/sign-in", allow_redirects=False) as sent_on:
            authorization = sent_on.headers["Location"]
        async with eve.get(authorization, allow_redirects=False) as sent_back:
            answer_to_eve = sent_back.headers["Location"]
        async with ada.get(answer_to_eve) as answer:
            assert answer.status == 403
            assert "has begun no sign-in here" in await answer.text()
        async with ada.post(f"{home}/sign-out") as answer:
            assert answer.status == 200
        async with ada.get(home) as answer:
            assert "Nobody is signed in" in await answer.text()
        async with eve.get(home) as answer:  # who begins anew leaves the session before
            assert "Nobody is signed in" in await answer.text()
        async with eve.get(f"{home}/sign-in") as answer:
            assert "The API answers 200" in await answer.text()
    assert server.requests == {"authorization_code": 3}


async def test_visitors_of_a_web_application_sign_in(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a token of their own; an answer in another's browser is refused, and a sign-out ends one session."""
    for name, value in here.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COOKIE_KEY", new_key())
    port = unused_port()
    home = f"http://127.0.0.1:{port}"
    async with TestServer(web_sign_in.application(home), port=port):
        await visit_the_web_sign_in(home, api, server)


async def test_visitors_of_a_fastapi_application_sign_in(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same application on web_sign_in_fastapi.py's framework."""
    port = unused_port()
    home = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("ORIGIN", home)
    process = await start("uvicorn", "examples.web_sign_in_fastapi:app", "--port", str(port), here=here)
    assert process.stderr is not None
    async for line in process.stderr:
        if b"running on" in line:
            break
    await visit_the_web_sign_in(home, api, server)
    process.terminate()
    _, complaints = await process.communicate()
    assert b"Error" not in complaints


@pytest.fixture
async def apis(server: AuthorizationServer) -> AsyncIterator[dict[str, ProtectedAPI]]:
    """Return the APIs of one session, each at an origin of its own."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(ProtectedAPI(server)) for name in APIS}


def scopes_at(apis: dict[str, ProtectedAPI], server: AuthorizationServer) -> dict[str, list[str | None]]:
    """Return what the tokens are good for that came to each API."""
    brought = {name: set(one.authorizations) for name, one in apis.items()}
    tokens = server._ledger.access_tokens
    return {name: [tokens[str(one).removeprefix("Bearer ")].scope for one in seen] for name, seen in brought.items()}


async def test_a_backend_has_a_token_of_each_visitor_for_each_api(
    server: AuthorizationServer,
    api: ProtectedAPI,
    apis: dict[str, ProtectedAPI],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Laws E5 and I2: six tokens for two visitors, none of use at another API; one API that is away takes no other."""
    for name, value in embedded(server, api, tmp_path / "token.json", apis).environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COOKIE_KEY", new_key())
    port = unused_port()
    home = f"http://127.0.0.1:{port}"
    async with TestServer(backend.application(home), port=port), browser() as ada, browser() as eve:
        async with ada.get(home) as answer:
            assert "No one is signed in" in await answer.text()
        for visitor, path in ((ada, "/sign-in"), (eve, "/sign-in"), (ada, "/")):
            async with visitor.get(f"{home}{path}") as answer:
                assert ALL_ANSWER in await answer.text()
        assert scopes_at(apis, server) == {name: [name] * 2 for name in APIS}
        resources = [request.form["resource"] for request in server.seen if request.form and "resource" in request.form]
        assert resources == [apis["files"].url] * 2
        assert server.requests == {"authorization_code": 2, "refresh_token": 6}
        async with apis["mail"].offline(), ada.get(home) as answer:
            assert "<p>profile: 200, mail: no answer, files: 200<" in await answer.text()
        server.revoke_all()
        async with ada.get(home) as answer:
            assert (await answer.text()).count("sign in") == len(APIS)
    assert server.reused == 0


async def test_a_backend_that_is_told_to_end_keeps_its_visitors(
    server: AuthorizationServer, api: ProtectedAPI, apis: dict[str, ProtectedAPI], tmp_path: Path
) -> None:
    """SIGTERM amid a renewal: who was signed in is so at the next start, and no refresh token is presented twice."""
    here = embedded(server, api, tmp_path / "token.json", apis)
    port = unused_port()
    home = f"http://127.0.0.1:{port}"
    async with browser() as ada:
        process = await serving(port, here=here)
        async with ada.get(f"{home}/sign-in") as answer:
            assert answer.status == 200
        server.revoke_access_tokens()
        with server.hold(after=True) as hold:
            visit = asyncio.create_task(answered(ada.get(home)))
            await hold.arrived.wait()
            process.terminate()
            await asyncio.sleep(0.2)  # the signal is on its way while the answer is held
        assert (await visit).status == 200
        _, complaints = await process.communicate()
        assert (process.returncode, complaints) == (0, b"")
        process = await serving(port, here=here)
        async with ada.get(home) as answer:
            assert ALL_ANSWER in await answer.text()
        process.terminate()
        await process.communicate()
    assert (server.reused, server.requests["authorization_code"]) == (0, 1)


async def test_examples_bring_servers_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an environment they run against embedded servers."""
    monkeypatch.delenv("TOKEN_URL", raising=False)
    await crawler.main(10)
    assert capsys.readouterr().out.startswith("10 pages")


@pytest.mark.parametrize(
    ("module", "said"),
    [("examples.from_environment", "from_environment FILE: "), ("examples.agent", "set API_URL and CLIENT_SECRET as")],
)
async def test_who_starts_an_example_with_too_little_is_told_what_is_missing(
    module: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence in the place of a traceback."""
    for name in ("API_URL", "CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOKEN_URL", "https://id.example/token")
    monkeypatch.setenv("CLIENT_ID", "bot")
    arguments = [] if module == "examples.from_environment" else ["token.json"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, complaints = await process.communicate()
    assert (process.returncode, said in complaints.decode(), b"Traceback" in complaints) == (1, True, False)


def contrast(here: Servers) -> LockAndDoubleCheck:
    """Make the middleware that most people write."""
    return LockAndDoubleCheck(here.token_url, here.client_id, here.client_secret, here.refresh_token)


async def test_the_contrast_renews_once_while_nobody_is_cancelled(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Lock and double check is no straw man: tokens that are absent or revoked are renewed once for fifty clients."""
    async with ClientSession(api.url, middlewares=(contrast(here),)) as session:
        for _ in range(2):
            answers = await asyncio.gather(*(answered(session.get("/page")) for _ in range(50)))
            assert [answer.status for answer in answers] == [200] * 50
            server.revoke_access_tokens()
    assert (server.refreshes, server.reused) == (2, 0)


async def test_the_contrast_loses_the_session_with_a_cancelled_client(
    here: Servers, server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """What the demo shows is so: cancelled after the server rotated, the client takes the refresh token with it."""
    async with ClientSession(api.url, middlewares=(contrast(here),)) as session:
        with server.hold(after=True) as hold:
            unlucky = asyncio.create_task(session.get("/page"))
            await hold.arrived.wait()
            unlucky.cancel()
        with pytest.raises(ClientResponseError):
            await session.get("/page")
    assert (server.refreshes, server.reused) == (1, 1)


def test_every_example_is_described_and_run() -> None:
    """Nothing lies in examples/ that the page does not describe, or that this file does not run."""
    page, here = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8"), Path(__file__).read_text(encoding="utf-8")
    for path in (ROOT / "examples").glob("*.py"):
        if path.stem != "__init__":
            assert f"../examples/{path.name}" in page
            assert path.stem in here
