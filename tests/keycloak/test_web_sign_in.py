"""People sign in to the example web applications with a real browser, at Keycloak's own pages."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, unused_port

from aio_token.stores import new_key
from examples import backend, web_sign_in
from examples.servers import APIS
from tests.keycloak.administration import Administration
from tests.keycloak.api import IntrospectingAPI
from tests.support.chromium import Visitor, chromium
from tests.support.python_path import leading_to
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from playwright.async_api import Browser

    from tests.keycloak.server import Keycloak

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1_800)]  # seconds, the first download included

ROOT = Path(__file__).parents[2]
PASSWORD = "test only: a visitor's password"
SECRET = "test only: the web application's secret"
PEOPLE = ("ada", "bela", "chen", "dora", "emil", "fatima", "goran", "hedy", "ines", "jomo")
SCOPES = ("read", "mail", "files")  # those that the examples ask for and Keycloak does not know by itself
TO_THE_API = {
    "name": "for the API",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-audience-mapper",
    "config": {"included.client.audience": "api", "access.token.claim": "true"},
}


@pytest.fixture(scope="module")
def realm(keycloak: Keycloak) -> Keycloak:
    """Return Keycloak with a web application and its visitors."""

    async def prepared() -> None:
        async with Administration(keycloak) as administration:
            for scope in SCOPES:
                await administration.create("client-scopes", name=scope, protocol="openid-connect")
            await administration.create(
                "clients",
                clientId="web",
                secret=SECRET,
                redirectUris=["http://127.0.0.1/*"],
                optionalClientScopes=[*SCOPES, "profile"],
                attributes={"access.token.lifespan": "600"},
                protocolMappers=[TO_THE_API],
            )
            for name in PEOPLE:
                await administration.create(
                    "users",
                    username=name,
                    enabled=True,
                    firstName=name.title(),
                    lastName="Test",
                    email=f"{name}@example.org",
                    credentials=[{"type": "password", "value": PASSWORD, "temporary": False}],
                )

    asyncio.run(prepared())
    return keycloak


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Run a browser."""
    async with chromium() as browser:
        yield browser


@pytest.fixture
def environment(realm: Keycloak, api: IntrospectingAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the examples where they run."""
    openid = f"{realm.issuer}/protocol/openid-connect"
    told = {
        "TOKEN_URL": f"{openid}/token",
        "AUTHORIZATION_URL": f"{openid}/auth",
        "API_URL": api.url,
        "CLIENT_ID": "web",
        "CLIENT_SECRET": SECRET,
        "TOKEN_FILE": str(tmp_path / "token.json"),
        "COOKIE_KEY": new_key(),
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@asynccontextmanager
async def serving(application: Callable[[str], web.Application]) -> AsyncIterator[tuple[str, web.Application]]:
    """Serve an aiohttp application, of which a browser that leaves ends the handler; give its address."""
    port = unused_port()
    home = f"http://127.0.0.1:{port}"
    runner = web.AppRunner(app := application(home), handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield home, app
    finally:
        await runner.cleanup()


@asynccontextmanager
async def on_aiohttp(log: Path) -> AsyncIterator[str]:
    """Serve the example of this framework, and give its address."""
    async with serving(web_sign_in.application) as (home, _):
        yield home


@asynccontextmanager
async def on_fastapi(log: Path) -> AsyncIterator[str]:
    """Serve the example of this framework, and give its address."""
    port = unused_port()
    home = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "examples.web_sign_in_fastapi:app", "--port", str(port)]
    environment = {**os.environ, "ORIGIN": home, "PYTHONPATH": leading_to(ROOT)}
    with running(command, environment, log=log, ready=home):
        yield home
    assert "Traceback" not in log.read_text(encoding="utf-8")


async def signed_in(browser: Browser, home: str, name: str, own: str) -> Visitor:
    """Come to an application as a stranger, and sign in by its link."""
    visitor = await Visitor.at(browser, name, PASSWORD)
    assert "is signed in" in await visitor.sees(home)
    await visitor.press("Sign in")
    assert visitor.page.url.startswith("http://127.0.0.1:")
    assert own in await visitor.type_in()
    assert visitor.page.url == f"{home}/"
    return visitor


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("served", "people"), [(on_aiohttp, PEOPLE), (on_fastapi, PEOPLE[:6])])
async def test_many_people_sign_in_and_each_sees_what_is_theirs(
    browser: Browser,
    api: IntrospectingAPI,
    tmp_path: Path,
    served: Callable[[Path], AbstractAsyncContextManager[str]],
    people: tuple[str, ...],
) -> None:
    """Law I2: all at once; their requests go out over the same connections, each with the token of one person."""
    async with served(tmp_path / "log") as home:
        visitors = await asyncio.gather(
            *(signed_in(browser, home, name, f"The API answers 200: {name}") for name in people)
        )
        assert api.tokens_seen == len(people)
        for visitor in random.sample(visitors, len(visitors)):
            assert f"The API answers 200: {visitor.name}" in await visitor.sees(home)
        assert max(map(len, api.connections.values())) > 1
        leaving, staying = visitors[:3], visitors[3:]
        for visitor in leaving:
            await visitor.press("Sign out")
            assert "Nobody is signed in" in await visitor.sees(home)
        for visitor in staying:
            assert f"The API answers 200: {visitor.name}" in await visitor.sees(home)
    assert (api.refused, api.tokens_seen) == (0, len(people))


@pytest.mark.usefixtures("environment")
async def test_each_of_three_apis_gets_a_token_of_each_visitor_for_itself(
    browser: Browser, realm: Keycloak, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laws E5 and I2: five sign in to the backend at once: fifteen tokens, each of one person and for one API."""
    async with AsyncExitStack() as stack:
        apis = {name: await stack.enter_async_context(IntrospectingAPI(realm)) for name in APIS}
        monkeypatch.setenv("APIS", " ".join(f"{name}={one.url.rstrip('/')}" for name, one in apis.items()))
        home, _ = await stack.enter_async_context(serving(backend.application))
        people = PEOPLE[:5]
        await asyncio.gather(
            *(signed_in(browser, home, name, "profile: 200, mail: 200, files: 200") for name in people)
        )
        for name, one in apis.items():
            assert sorted(who for who, _ in one.served) == sorted(people)
            assert {scope & set(APIS) for _, scope in one.served} == {frozenset({name})}


class Gate:
    """Stands before a token endpoint, and may keep an answer back."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.answered = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_on(self, request: web.Request) -> web.Response:
        """Ask the server, and wait until the gate is open."""
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        async with (
            ClientSession() as session,
            session.post(self._address, data=await request.read(), headers=headers) as answer,
        ):
            said = await answer.read()
        self.answered.set()
        await self.open.wait()
        return web.Response(body=said, status=answer.status, content_type=answer.content_type)


@pytest.mark.usefixtures("environment")
async def test_a_browser_that_closes_amid_the_callback_loses_nothing(
    browser: Browser, api: IntrospectingAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code has been spent: what the server gave is kept, the page says so when it is opened again, and signing in
    is one click then.
    """
    gate = Gate(os.environ["TOKEN_URL"])
    passing = web.Application()
    passing.router.add_post("/token", gate.pass_on)
    async with TestServer(passing) as before, AsyncExitStack() as stack:
        monkeypatch.setenv("TOKEN_URL", str(before.make_url("/token")))
        home, app = await stack.enter_async_context(serving(web_sign_in.application))
        ada = await Visitor.at(browser, "ada", PASSWORD)
        await ada.sees(f"{home}/sign-in")
        callback = asyncio.create_task(ada.page.wait_for_event("request", lambda sent: "/callback" in sent.url))
        typing = asyncio.create_task(ada.type_in())
        await gate.answered.wait()
        await ada.close_the_page()
        await asyncio.gather(typing, return_exceptions=True)
        gate.open.set()
        assert "has been completed already" in await ada.sees((await callback).url)
        (kept,) = [status async for status in app[web_sign_in.ACCOUNTS].statuses()]
        assert kept.state == "fresh"
        await ada.press("Sign in")
        assert "The API answers 200: ada" in await ada.page.inner_text("body")
    assert api.refused == 0


@pytest.mark.usefixtures("environment")
async def test_who_signs_in_anew_leaves_the_session_before(browser: Browser, api: IntrospectingAPI) -> None:
    """Law E3: the application knows one session of a browser, under a name that is new each time."""
    async with serving(web_sign_in.application) as (home, app):
        ada = await signed_in(browser, home, "ada", "The API answers 200: ada")
        (before,) = [name async for name in app[web_sign_in.ACCOUNTS].names()]
        assert "The API answers 200: ada" in await ada.sees(f"{home}/sign-in")  # Keycloak knows her
        (after,) = [name async for name in app[web_sign_in.ACCOUNTS].names()]
        assert before != after
    assert (api.tokens_seen, api.refused) == (2, 0)
