"""What a tracer that is attached to every session of the process gets of the library's own requests."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import ClientSession, TraceConfig, web

from aio_token import (
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    RefreshTokenGrant,
    ServerUnavailable,
    TokenEndpoint,
)
from aio_token.oauth import Request, Transport
from aio_token.oauth.sending import send
from aio_token.testing import AuthorizationServer
from tests.support.token_server import drops, sends, token_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token import Credential
    from aio_token.oauth import ClientAuthentication

SIGNALS = (
    "on_request_start",
    "on_request_headers_sent",
    "on_request_chunk_sent",
    "on_response_chunk_received",
    "on_request_end",
    "on_request_exception",
    "on_connection_create_start",
)
SECRET = "canary-5ecret"
ANSWER = f'{{"refresh_token": "{SECRET}"}}'.encode()


class Tracer:
    """Notes all that it is told, as text, and looks where telemetry looks."""

    def __init__(self) -> None:
        self.seen: dict[str, list[str]] = {}
        self.statuses: list[int] = []
        self.addresses: list[str] = []

    def note(self, what: str, *things: object) -> None:
        """Note things by their text."""
        self.seen.setdefault(what, []).extend(f"{thing!r} {thing!s}" for thing in things)

    def config(self) -> TraceConfig:
        """Return what is added to a session as it is made."""
        config = TraceConfig()
        for name in SIGNALS:
            getattr(config, name).append(self._recorder(name))
        return config

    def _recorder(self, name: str) -> Any:
        async def record(_session: object, _context: object, params: Any) -> None:
            parts = [getattr(params, part, None) for part in ("url", "headers", "chunk", "exception")]
            self.note(name, params, *parts)
            if getattr(params, "headers", None) is not None and name == "on_request_start":
                params.headers["traceparent"] = "00-1-1-01"
            response = getattr(params, "response", None)
            if isinstance(response, aiohttp.ClientResponse):
                self.statuses.append(response.status)
                self.note(name, response, response.headers, response.raw_headers, response.cookies, response.links)
                self.note(name, response.request_info, response.url, response.real_url)
                with pytest.raises(aiohttp.ClientConnectionError):
                    await response.text()

        return record

    async def request(
        self, plain: Any, session: ClientSession, *arguments: Any, **named: Any
    ) -> aiohttp.ClientResponse:
        """Stand around `_request`, as wrappers do."""
        self.note("arguments", arguments, named, *named.values())
        self.addresses.append(str(arguments[1]))
        try:
            response: aiohttp.ClientResponse = await plain(session, *arguments, **named)
        except Exception as error:
            self.note("raised", error, error.__cause__, error.__context__, vars(error))
            raise
        self.note("returned", response, response.headers, response.request_info)
        return response

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(text for texts in self.seen.values() for text in texts)


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Tracer:
    """Attach a tracer to every session, as OpenTelemetry and ddtrace do: by `__init__`, and around `_request`."""
    tracer = Tracer()
    make, ask = ClientSession.__init__, ClientSession._request

    def made(self: ClientSession, *arguments: Any, trace_configs: Any = None, **named: Any) -> None:
        make(self, *arguments, trace_configs=[*(trace_configs or ()), tracer.config()], **named)

    async def asked(self: ClientSession, *arguments: Any, **named: Any) -> aiohttp.ClientResponse:
        return await tracer.request(ask, self, *arguments, **named)

    monkeypatch.setattr(ClientSession, "__init__", made)
    monkeypatch.setattr(ClientSession, "_request", asked)
    return tracer


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run the kit's authorization server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.mark.parametrize("method", [ClientSecretBasic, ClientSecretPost])
async def test_a_tracer_sees_that_a_token_is_asked_for_and_no_secret(
    tracer: Tracer, server: AuthorizationServer, method: Any
) -> None:
    """Law G1: the address and the status, no header, no form and no answer."""
    first, secret = server.sign_in(), server.client.secret or ""
    client: ClientAuthentication = method(server.client.client_id, secret)
    credential = await RefreshTokenGrant(TokenEndpoint(server.token_url, client), first=first).obtain(None)
    assert tracer.addresses == [server.token_url]
    assert tracer.statuses == [200]
    for hidden in (*_secrets(credential), secret, first, _basic(server.client.client_id, secret)):
        assert hidden not in tracer.text
    assert "grant_type" not in tracer.text
    assert not {"on_request_headers_sent", "on_request_chunk_sent", "on_response_chunk_received"} & set(tracer.seen)


def _secrets(credential: Credential) -> tuple[str, str]:
    assert credential.token is not None
    assert credential.refresh_token is not None
    return credential.token.access_token, credential.refresh_token


def _basic(client_id: str, secret: str) -> str:
    return base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def secretive(url: str, **changes: Any) -> Request:
    """Make a request that is full of secrets, its query included."""
    headers = {"Authorization": f"Basic {SECRET}"}
    return Request(**{"to": "it", "url": f"{url}/token?key={SECRET}", "headers": headers, "body": SECRET, **changes})


async def test_the_request_and_the_answer_are_whole_all_the_same(tracer: Tracer) -> None:
    """Law G1: what a tracer adds to the headers goes along, and the reply has all its headers."""
    headers = {"Set-Cookie": f"a={SECRET}", "X-Secret": SECRET}
    async with token_server(sends(ANSWER, headers=headers)) as server:
        reply = await send(secretive(server.url), Transport())
    assert (reply.body, reply.headers["X-Secret"]) == (ANSWER, SECRET)
    (sent,) = server.received
    assert sent.path == f"/token?key={SECRET}"
    assert sent.headers["Authorization"] == f"Basic {SECRET}"
    assert sent.headers["traceparent"] == "00-1-1-01"
    assert tracer.addresses == [f"{server.url}/token"]
    assert SECRET not in tracer.text


async def test_an_answer_that_is_lost_shows_no_secret(tracer: Tracer) -> None:
    """Law G1: a tracer learns the kind of error, and whoever asked for the token has the error itself."""
    async with token_server(drops) as server:
        with pytest.raises(ServerUnavailable, match="dropped the connection"):
            await send(secretive(server.url), Transport())
    assert "ServerDisconnectedError" in tracer.text
    assert SECRET not in tracer.text


async def test_a_proxy_s_password_is_not_shown(tracer: Tracer) -> None:
    """Law G1: it stands in the proxy's address."""
    async with token_server(sends(status=407)) as proxy:
        transport = Transport(proxy=proxy.url.replace("http://", f"http://user:{SECRET}@"))
        with pytest.raises(ConfigurationError, match=r"the proxy on the way to .* answered"):
            await send(secretive("https://id.example"), transport)
    assert SECRET not in tracer.text


async def test_a_tracer_that_fails_loses_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law D2: the answer is in hand, and may hold the one refresh token there is."""
    plain = ClientSession._request

    async def fails(self: ClientSession, *arguments: Any, **named: Any) -> aiohttp.ClientResponse:
        await plain(self, *arguments, **named)
        message = "the tracer's own"
        raise LookupError(message)

    monkeypatch.setattr(ClientSession, "_request", fails)
    async with token_server(sends(ANSWER)) as server:
        assert (await send(secretive(server.url), Transport())).body == ANSWER
    assert len(server.received) == 1


async def test_a_cancelled_request_leaves_no_secret_with_the_tracer(tracer: Tracer) -> None:
    """Law G1: cancellation passes as it is."""
    arrived = asyncio.Event()

    async def waits(_request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(60)
        return web.Response()

    async with token_server(waits) as server:
        sending = asyncio.ensure_future(send(secretive(server.url), Transport()))
        await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert "CancelledError" in tracer.text
    assert SECRET not in tracer.text
