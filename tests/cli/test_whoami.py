"""`aio-token whoami`: what the server says of a token, and nothing that the token says of itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aio_token.testing import AuthorizationServer, Broken
from tests.cli.command_line import profile_of, set_up

if TYPE_CHECKING:
    from tests.cli.command_line import CommandLine


async def test_the_user_info_endpoint_says_it(aio_token: CommandLine) -> None:
    """Its members in words, or all of them as JSON."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        assert (await aio_token("whoami")).out == "sub: ada\n"
        assert json.loads((await aio_token("whoami", "--json")).out) == {"sub": "ada"}


async def test_a_rejected_token_is_renewed_once(aio_token: CommandLine) -> None:
    """As with `request`."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        server.revoke_access_tokens()
        assert (await aio_token("whoami")).out == "sub: ada\n"
        assert server.refreshes == 1


@pytest.mark.parametrize(("status", "code"), [(200, 1), (401, 3), (403, 3), (404, 1), (429, 4), (500, 4)])
async def test_an_endpoint_that_says_no(status: int, code: int, aio_token: CommandLine) -> None:
    """The scope that is missing as a rule, or patience."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        server.inject(Broken(status=status), endpoint="userinfo")
        done = await aio_token("whoami")
        assert (done.code, done.out) == (code, "")
        assert f"the user-info endpoint answers {status}" in done.err


async def test_without_user_info_there_is_introspection(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a client that may ask; a token that counts no longer is renewed once."""
    async with AuthorizationServer(metadata={"userinfo_endpoint": None}) as server:
        monkeypatch.setenv("BOT", server.client.secret or "")
        profile = profile_of(server, client_id="bot", client_secret="env:BOT", client_auth="client_secret_basic")
        await set_up("default", profile, server.credential(client_id="bot"))
        assert "ada" in (await aio_token("whoami")).out
        server.revoke_access_tokens()
        assert "ada" in (await aio_token("whoami")).out
        assert server.refreshes == 1


async def test_a_server_that_names_nobody(aio_token: CommandLine) -> None:
    """It is said, since an empty line could be anything."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        server.inject(Broken(status=200, body=b"{}"), endpoint="userinfo")
        assert (await aio_token("whoami")).out == "the server names no user\n"


async def test_a_server_that_cannot_be_asked(aio_token: CommandLine) -> None:
    """1: nothing else is believed in its place."""
    async with AuthorizationServer(metadata={"userinfo_endpoint": None, "introspection_endpoint": None}) as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        done = await aio_token("whoami")
        assert (done.code, done.out) == (1, "")
        assert "neither a user-info nor an introspection endpoint" in done.err
