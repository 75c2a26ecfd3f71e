"""`login --service-account --assertion-from`: a platform's word for the client, instead of a secret."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey

from aio_token.cli._profile_files import find
from aio_token.testing import AuthorizationServer, RegisteredClient
from tests.cli.command_line import at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cli.command_line import CommandLine

KEY = ECKey.generate_key("P-256", private=True)
VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


@asynccontextmanager
async def trusting() -> AsyncIterator[AuthorizationServer]:
    """Run a server that takes the platform's word, with a client that has no secret."""
    async with AuthorizationServer() as server:
        server.register(RegisteredClient("job", public_key=KEY.as_dict(private=False)))
        yield server


def word(server: AuthorizationServer) -> str:
    """Return what the platform says of the job, once."""
    now = int(time.time())
    claims = {"iss": "job", "sub": "job", "aud": server.token_url, "iat": now, "exp": now + 60, "jti": str(uuid4())}
    return jwt.encode({"alg": "ES256"}, claims, KEY)


async def test_a_job_signs_in_with_a_variable(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitLab's way; the profile remembers the variable's name alone, and another job brings its own."""
    monkeypatch.setenv("CI", "true")
    async with trusting() as server:
        monkeypatch.setenv("ID_TOKEN", word(server))
        done = await aio_token("login", *at(server, "job"), "--service-account", "--assertion-from", "env:ID_TOKEN")
        assert done.code == 0, done.err
        profile = find("default")
        assert profile is not None
        assert (profile.assertion, profile.client_secret, profile.client_auth) == ("env:ID_TOKEN", None, "none")
        monkeypatch.setenv("ID_TOKEN", word(server))
        assert (await aio_token("token", "--force")).code == 0
        assert "ID_TOKEN=" not in (await aio_token("exec", "--", "true")).out
        monkeypatch.delenv("ID_TOKEN")
        done = await aio_token("token", "--force")
        assert done.code == 1
        assert "set the environment variable ID_TOKEN" in done.err


async def test_a_pod_signs_in_with_a_file(aio_token: CommandLine) -> None:
    """It is read for each request, since the platform writes another one every hour."""
    file = aio_token.directory / "word"
    file.touch(0o600)
    async with trusting() as server:
        file.write_text(word(server) + "\n")
        done = await aio_token("login", *at(server, "job"), "--service-account", "--assertion-from", f"file:{file}")
        assert done.code == 0, done.err
        file.write_text(word(server))
        assert (await aio_token("token", "--force")).code == 0
        assert (await aio_token("login")).code != 0  # the same word twice: it was asked for again, in the same way


async def test_a_job_asks_its_platform(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub's way: an address, the job's own bearer token, a JSON object; no secret is told to the profile."""
    asked: list[str] = []

    async with trusting() as server:

        async def answer(request: web.Request) -> web.Response:
            asked.append(request.headers["Authorization"])
            return web.json_response({"value": word(server)} if "audience" in request.query else {})

        app = web.Application()
        app.router.add_get("/token", answer)
        async with TestServer(app) as platform:
            url = str(platform.make_url("/token"))
            options = [*at(server, "job"), "--service-account", "--assertion-from"]
            done = await aio_token("login", *options, f"url:{url}?audience=x")
            assert done.code == 1
            assert "permissions: id-token: write" in done.err
            monkeypatch.setenv(VARIABLE, "canary-token")
            done = await aio_token("login", *options, f"url:{url}?audience=x")
            assert done.code == 0, done.err
            assert asked == ["bearer canary-token"]
            done = await aio_token("login", *options, f"url:{url}")
            assert done.code == 1
            assert "gives no assertion" in done.err


@pytest.mark.parametrize("source", ["canary-token", "file:", "env:", "url:", "url:http://platform.example/token"])
async def test_the_word_itself_is_no_option(source: str, aio_token: CommandLine) -> None:
    """All users of a machine can read the list of processes; plain http would show it on the way (law A2)."""
    done = await aio_token("login", "--service-account", "--assertion-from", source)
    assert done.code == 2
    assert "canary" not in done.err


async def test_a_secret_takes_the_place_of_an_assertion(aio_token: CommandLine) -> None:
    """And the other way round: the last one that was named counts."""
    async with trusting() as server:
        file = aio_token.directory / "word"
        file.touch(0o600)
        file.write_text(word(server))
        options = [*at(server, "job"), "--service-account"]
        assert (await aio_token("login", *options, "--assertion-from", f"file:{file}")).code == 0
        secret = aio_token.directory / "secret"
        secret.touch(0o600)
        secret.write_text("another")
        done = await aio_token("login", "--client-secret-from", f"file:{secret}")
        assert done.code == 1
        assert "invalid_client" in done.err
