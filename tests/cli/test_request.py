"""`aio-token request`: the token goes to the origins that were named, the body comes out as it is."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from aio_token.cli.commands import request as request_command
from aio_token.testing import AuthorizationServer, Broken, ProtectedAPI
from tests.cli.command_line import profile_of, session_of, set_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.typedefs import Handler

    from tests.cli.command_line import CommandLine


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API that the default profile may send its token to."""
    async with ProtectedAPI(server) as api:
        await set_up("default", profile_of(server, origins=(api.url,)), server.credential(client_id="app"))
        yield api


async def test_the_body_comes_out_as_it_is(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """Standard output has the answer alone; method, headers and body go out as they are said."""
    done = await aio_token("request", "put", f"{api.url}/thing", "-H", "X-Tea: green", "-d", "a body")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {
        "method": "PUT",
        "path": "/thing",
        "size": 6,
        "sha256": hashlib.sha256(b"a body").hexdigest(),
    }
    assert api.seen[-1].headers["X-Tea"] == "green"


@pytest.mark.parametrize("from_stdin", [True, False])
async def test_a_body_from_a_file(from_stdin: bool, aio_token: CommandLine, api: ProtectedAPI) -> None:
    """A file, or standard input."""
    file = aio_token.directory / "body"
    file.write_text("canary-not")
    file.chmod(0o600)
    where = "-" if from_stdin else file
    done = await aio_token("request", "POST", api.url, "--data-file", where, stdin="standard input")
    sent = b"standard input" if from_stdin else b"canary-not"
    assert json.loads(done.out)["sha256"] == hashlib.sha256(sent).hexdigest()


async def test_a_refused_token_is_renewed_once(
    aio_token: CommandLine, api: ProtectedAPI, server: AuthorizationServer
) -> None:
    """The API says 401, the server gives another token, the request goes out again; then it is the answer."""
    server.revoke_access_tokens()
    done = await aio_token("request", "GET", f"{api.url}/x")
    assert (done.code, server.refreshes, api.refused) == (0, 1, 1)
    api.always_refuse = True
    done = await aio_token("request", "GET", f"{api.url}/x")
    assert done.code == 1
    assert "the answer is 401" in done.err


async def test_the_token_goes_to_no_origin_that_nobody_named(
    aio_token: CommandLine, api: ProtectedAPI, server: AuthorizationServer
) -> None:
    """Law A1: another port is another origin; 2 and the two ways to allow it; the issuer's is none either."""
    async with ProtectedAPI(server) as other:
        for url in (other.url, f"{server.issuer}/userinfo", "https://127.0.0.1", f"http://localhost:{api.port}"):
            done = await aio_token("request", "GET", url)
            assert done.code == 2
            assert "--send-token-to" in done.err
        assert other.requests == 0
        assert (await aio_token("request", "GET", other.url, "--send-token-to", other.url)).code == 0
        assert (await aio_token("request", "GET", other.url)).code == 2


async def test_a_profile_without_origins_sends_its_token_nowhere(
    aio_token: CommandLine, api: ProtectedAPI, server: AuthorizationServer
) -> None:
    """Until an origin is named."""
    await set_up("work", profile_of(server), server.credential(client_id="app"))
    done = await aio_token("request", "GET", api.url, "-p", "work")
    assert done.code == 2
    assert api.requests == 0


async def test_a_redirect_is_followed_on_request_and_without_the_token(
    aio_token: CommandLine, api: ProtectedAPI, server: AuthorizationServer
) -> None:
    """Law A1: the token stays with its origins, and nothing is sent elsewhere unasked."""
    async with ProtectedAPI(server) as other:
        url = f"{api.url}/redirect?to={other.url}/public"
        done = await aio_token("request", "GET", url)
        assert (done.code, other.requests) == (0, 0)
        assert "--location follows it" in done.err
        done = await aio_token("request", "GET", url, "--location")
        assert done.code == 0
        assert other.authorizations == [None]


async def test_verbose_shows_everything_but_secrets(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """The pretty log goes to standard error; the data is what it was."""
    done = await aio_token("request", "GET", f"{api.url}/x", "-v", terminal=True)
    assert json.loads(done.out)["path"] == "/x"
    assert "Authorization" in done.err
    assert "200" in done.err


async def test_an_answer_that_fails(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """1 for what the API declines, body and all; 4 for an API that is away."""
    api.inject(Broken(status=404, body=b"nothing here"), times=1)
    done = await aio_token("request", "GET", f"{api.url}/x")
    assert (done.code, done.out) == (1, "nothing here")
    async with api.offline():
        done = await aio_token("request", "GET", f"{api.url}/x")
    assert (done.code, done.out) == (4, "")
    assert "try again later" in done.err


async def test_an_answer_that_breaks_off(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """What came is out already: it was not collected first; 4."""

    async def break_off(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"the first half")
        assert request.transport is not None
        request.transport.close()
        return response

    api.inject(break_off)
    done = await aio_token("request", "GET", f"{api.url}/x")
    assert (done.code, done.out) == (4, "the first half")


async def test_who_is_not_signed_in(aio_token: CommandLine, api: ProtectedAPI, server: AuthorizationServer) -> None:
    """3, and nothing is sent."""
    await set_up("work", profile_of(server, origins=(api.url,)))
    done = await aio_token("request", "GET", api.url, "-p", "work")
    assert done.code == 3
    assert "aio-token login work" in done.err
    assert api.requests == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["G T", "https://api.example"],
        ["GET", "tea"],
        ["GET", "http://["],
        ["GET", "https://api.example", "-H", "tea"],
        ["GET", "https://api.example", "-H", "tea: a\r\nb: c"],
        ["GET", "https://api.example", "--send-token-to", "http://api.example"],
        ["GET", "ftp://127.0.0.1", "--send-token-to", "https://api.example"],
    ],
)
async def test_a_mistake_is_usage(arguments: list[str], aio_token: CommandLine, server: AuthorizationServer) -> None:
    """2, and nothing is sent; law A2 holds for the option as well."""
    await set_up("default", profile_of(server), server.credential(client_id="app"))
    assert (await aio_token("request", *arguments)).code == 2


async def test_a_proxy_of_the_environment(
    aio_token: CommandLine, api: ProtectedAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law A2: in clear the token passes none; one that does not speak HTTP is a mistake in the configuration."""
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    done = await aio_token("request", "GET", api.url)
    assert done.code == 1
    assert "does not speak HTTP" in done.err
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # where nothing listens, and nothing is asked
    done = await aio_token("request", "GET", api.url)
    assert done.code == 1
    assert "a proxy stands between this session and" in done.err


async def test_a_request_with_another_token_of_the_session(
    aio_token: CommandLine, server: AuthorizationServer, api: ProtectedAPI
) -> None:
    """Law E5: for less, or for another API, this time; it is kept, and the usual one stays."""
    await set_up(
        "default",
        profile_of(server, origins=(api.url,), scope="read write"),
        server.credential(client_id="app", scope="read write"),
    )
    usual = (await aio_token("token")).out.strip()
    for _ in range(2):
        assert (await aio_token("request", "GET", api.url, "--scope", "read")).code == 0
    assert (await aio_token("request", "GET", api.url)).code == 0
    narrow = (await aio_token("token", "--scope", "read")).out.strip()
    assert api.authorizations == [f"Bearer {token}" for token in (narrow, narrow, usual)]
    assert server.refreshes == 1


async def test_a_request_with_another_token_of_a_service_account(
    aio_token: CommandLine, server: AuthorizationServer, api: ProtectedAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept nowhere, and renewed once if the API rejects it."""
    monkeypatch.setenv("BOT", server.client.secret or "")
    profile = profile_of(
        server,
        client_id="bot",
        grant="client_credentials",
        client_secret="env:BOT",
        client_auth="client_secret_basic",
        origins=(api.url,),
    )
    await set_up("bot", profile)
    api.inject(Broken(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}), times=1)
    done = await aio_token("request", "GET", api.url, "-p", "bot", "--scope", "write", "--audience", "api")
    assert (done.code, done.err) == (0, "")
    forms = [seen.form for seen in server.seen]
    assert [form and (form["scope"], form["audience"]) for form in forms] == [("write", "api")] * 2
    assert not session_of("bot").is_signed_in


async def test_why_no_answer_came(
    aio_token: CommandLine, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that is shut, a name, a proxy and TLS are told apart, as they are for the token endpoint."""
    await set_up("default", profile_of(server), server.credential(client_id="app"))
    port = unused_port()

    async def said(url: str) -> tuple[int, str]:
        done = await aio_token("request", "GET", url, "--send-token-to", url)
        return done.code, done.err

    code, err = await said(f"http://127.0.0.1:{port}")
    assert (code, f"127.0.0.1:{port} cannot be reached: it refuses connections; check the port" in err) == (4, True)
    code, err = await said("https://no-such-host.invalid")
    assert (code, "its name is not known (DNS)" in err) == (4, True)
    code, err = await said(server.issuer.replace("http:", "https:"))
    assert (code, "TLS is not spoken there" in err) == (4, True)
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("https_proxy", "http://no-such-proxy.invalid:3128")
    code, err = await said("https://api.example")
    assert (code, "the proxy on the way to https://api.example cannot be reached: its name is not" in err) == (4, True)


async def test_the_address_that_did_not_answer_is_named(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """4: where a redirect led, and not the API that answered."""
    away = f"http://127.0.0.1:{unused_port()}"
    done = await aio_token("request", "GET", f"{api.url}/redirect?to={away}/x", "--location")
    said = f"aio-token: {away} cannot be reached: it refuses connections; check the port, or try again later\n"
    assert (done.code, done.err) == (4, said)


async def test_a_token_endpoint_that_is_away_is_not_taken_for_the_api(
    aio_token: CommandLine, api: ProtectedAPI, server: AuthorizationServer
) -> None:
    """4: no token came, so the API was not asked, and it is the token endpoint that is named."""
    await set_up(
        "default", profile_of(server, origins=(api.url,)), replace(server.credential(client_id="app"), token=None)
    )
    server.inject(Broken(status=503))
    done = await aio_token("request", "GET", f"{api.url}/x")
    assert (done.code, api.requests) == (4, 0)
    assert f"the token endpoint of {server.issuer} answered 503" in done.err
    assert api.url not in done.err


async def test_redirects_that_do_not_end(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """1: no waiting helps."""

    async def again(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": str(request.url)})

    api.inject(again)
    done = await aio_token("request", "GET", f"{api.url}/x", "--location")
    assert (done.code, "redirects in a circle" in done.err) == (1, True)


@pytest.mark.parametrize("target", ["javascript:alert(1)", "ftp://files.example/", "http://[::1/"])
async def test_redirects_that_lead_nowhere(target: str, aio_token: CommandLine, api: ProtectedAPI) -> None:
    """1, and said of the redirect: neither waiting nor another address or proxy helps."""
    api.inject(Broken(status=302, headers={"Location": target}))
    done = await aio_token("request", "GET", f"{api.url}/x", "--location")
    assert (done.code, f"{api.url} redirects to what is no http address; look" in done.err) == (1, True)


async def test_an_api_that_does_not_answer(
    aio_token: CommandLine, api: ProtectedAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4: its backlog is full, and no connection is made."""
    monkeypatch.setattr(request_command, "_CONNECT", 0.05)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}"
        done = await aio_token("request", "GET", url, "--send-token-to", url)
        for one in waiting:
            one.close()
    assert (done.code, done.err) == (4, f"aio-token: {url} cannot be reached: it does not answer; try again later\n")


async def test_an_answer_that_is_no_redirect(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """304 leads nowhere."""

    async def not_modified(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=304)

    api.inject(not_modified)
    done = await aio_token("request", "GET", f"{api.url}/x")
    assert (done.code, done.err) == (0, "")


async def test_where_the_token_did_not_go(
    aio_token: CommandLine, api: ProtectedAPI, server: AuthorizationServer
) -> None:
    """1: a 401 from where a redirect has led is no fault of the token, and a sentence says how it may go there."""
    async with ProtectedAPI(server) as other:
        url = f"{api.url}/redirect?to={other.url}/x"
        done = await aio_token("request", "GET", url, "--location")
        assert (
            done.code,
            f"which the token did not go to; if it may, pass --send-token-to {other.url}" in done.err,
        ) == (
            1,
            True,
        )
        assert (await aio_token("request", "GET", url, "--location", "--send-token-to", other.url)).code == 0


async def test_the_head_of_an_answer(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """Before the body, or alone where there is none."""
    done = await aio_token("request", "HEAD", f"{api.url}/x", "--include")
    assert done.code == 0
    assert done.out.startswith("HTTP/1.1 200 OK\r\n")
    assert "\nContent-Type: application/json" in done.out
    assert api.seen[-1].headers["User-Agent"].startswith("aio-token/")


async def test_a_head_of_any_bytes(
    aio_token: CommandLine, api: ProtectedAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not UTF-8 comes out as it came."""

    async def odd(request: web.Request, handler: Handler) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 \xff\r\nContent-Length: 2\r\n\r\nok")
        request.protocol.force_close()
        return web.Response()  # goes nowhere

    api.inject(odd)
    written = tmp_path / "out"
    with written.open("w") as out, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        done = await aio_token("request", "GET", f"{api.url}/x", "--include")
    assert done.code == 0, done.err
    assert written.read_bytes().startswith(b"HTTP/1.1 200 \xff\r\n")


async def test_a_body_of_any_bytes(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """Those of the command line are sent as they are, whatever they mean in this locale."""
    done = await aio_token("request", "POST", f"{api.url}/x", "--data", os.fsdecode(b"\xff\x00"[:1]))
    assert json.loads(done.out)["sha256"] == hashlib.sha256(b"\xff").hexdigest()
    done = await aio_token("request", "POST", f"{api.url}/x", "--data", "@no-such-file")
    assert json.loads(done.out)["size"] == 13


async def test_what_curl_would_take(aio_token: CommandLine, api: ProtectedAPI) -> None:
    """2, with the option that does it here: a file's name is not sent as a body, no header takes the token's place."""
    file = aio_token.directory / "body"
    file.write_text("a body")
    file.chmod(0o600)
    for arguments, remedy in (
        (["--data", f"@{file}"], f"--data-file {file}"),
        (["--data", "x", "--data-file", file], "pass --data or --data-file"),
        (["-H", "authorization: Bearer x"], "Authorization is where the token goes"),
        (["-H", "content-length: 5", "--data", "x"], "this program says how long the body is, and how it is sent"),
        (["-H", "X-A: \x1b[31m"], "write a header like 'Accept: application/json'"),
        (["-H", "Cookie: a\x7f"], "write a header like"),
        (["-H", "é: x"], "write a header like"),
    ):
        done = await aio_token("request", "POST", api.url, *arguments)
        assert (done.code, remedy in done.err) == (2, True)
    done = await aio_token("request", api.url, "GET")
    assert (done.code, "it stands before the URL" in done.err) == (2, True)
    assert "write it whole" in (await aio_token("request", "GET", "/me")).err
    assert api.requests == 0
