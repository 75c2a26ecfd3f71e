"""A profile whose token is bound to a key (DPoP): what the command can do with it, and what it says that it cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aio_token.cli._profile import Profile
from aio_token.cli._profile_files import find
from aio_token.testing import AuthorizationServer, Broken, ProtectedAPI
from tests.cli.command_line import session_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cli.command_line import CommandLine

SECRET_VARIABLE = "AIO_TOKEN_CLIENT_SECRET"


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AuthorizationServer]:
    """Run a server that binds tokens, and put the client's secret into the environment."""
    async with AuthorizationServer(dpop=True) as server:
        monkeypatch.setenv(SECRET_VARIABLE, server.client.secret or "")
        yield server


async def sign_in(aio_token: CommandLine, server: AuthorizationServer, *options: str) -> None:
    """Sign the default profile in, bound to a key."""
    at = ["--issuer", server.issuer, "--client-id", "bot", "--service-account", "--store", "plain"]
    assert (await aio_token("login", *at, "--dpop", *options)).code == 0


async def test_a_request_proves_the_key(aio_token: CommandLine, server: AuthorizationServer) -> None:
    """`request` and `whoami` use the token; the log of the request shows neither it nor the proof."""
    async with ProtectedAPI(server, dpop_nonce="one") as api:
        await sign_in(aio_token, server, "--origin", api.url)
        done = await aio_token("request", "GET", f"{api.url}/me", "-v")
        assert (done.code, json.loads(done.out)["path"]) == (0, "/me")
        for request in api.seen:
            proof, text = request.headers["DPoP"], request.headers["Authorization"].removeprefix("DPoP ")
            assert proof not in done.err
            assert proof.split(".")[1] not in done.err
            assert text not in done.err
    assert (await aio_token("whoami")).code == 0


async def test_whoami_answers_a_nonce_demand(aio_token: CommandLine, server: AuthorizationServer) -> None:
    """Law K1: once, with the same token; one that was revoked is renewed beside it."""
    await sign_in(aio_token, server)
    server.dpop_nonce = "one"
    assert (await aio_token("whoami")).code == 0
    assert server.requests.total() == 1
    server.revoke_access_tokens()
    server.dpop_nonce = "two"
    assert (await aio_token("whoami")).code == 0
    server.inject(
        Broken(status=401, headers={"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "three"}),
        endpoint="userinfo",
    )
    asked = server.requests.total()
    done = await aio_token("whoami")
    assert (done.code, server.requests.total()) == (3, asked)


@pytest.mark.parametrize(
    "arguments",
    [
        ("token",),
        ("token", "--format", "curl"),
        ("token", "--format", "json"),
        ("token", "--force"),
        ("exec", "--", "true"),
        ("git", "get"),
    ],
    ids=" ".join,
)
async def test_no_other_program_can_use_it(
    arguments: tuple[str, ...], aio_token: CommandLine, server: AuthorizationServer
) -> None:
    """Law K1: it is not handed out, to be sent as Bearer; a sentence says what to run instead."""
    await sign_in(aio_token, server, "--origin", "https://git.example")
    done = await aio_token(*arguments, stdin="protocol=https\nhost=git.example\n\n")
    assert done.code == 1
    assert "kit-access" not in done.out
    assert "bound to a key that stays here (DPoP)" in done.err
    assert "aio-token request METHOD URL --profile default" in done.err


async def test_the_status_names_the_key(aio_token: CommandLine, server: AuthorizationServer) -> None:
    """Its thumbprint alone, for people and in JSON."""
    await sign_in(aio_token, server)
    stored = json.loads(session_of("default").token_file.read_bytes())
    jwk = stored["dpop_key"]
    plain, shown = (await aio_token("status")).out, (await aio_token("status", "--json")).out
    thumbprint = json.loads(shown)["profiles"][0]["bound_to"]
    assert server.bound_to(stored["token"]["access_token"]) == thumbprint
    assert f"bound to the key {thumbprint} (DPoP)" in plain
    assert jwk["d"] not in plain + shown


async def test_a_profile_remembers_it(aio_token: CommandLine, server: AuthorizationServer) -> None:
    """A later sign-in is bound as well, unless it says otherwise."""
    await sign_in(aio_token, server)
    assert (await aio_token("login")).code == 0
    assert "DPoP" in server.seen[-1].headers
    profile = find("default")
    assert profile is not None
    assert profile.dpop
    assert (await aio_token("login", "--no-dpop")).code == 0
    assert "DPoP" not in server.seen[-1].headers
    assert (await aio_token("token")).code == 0


def test_a_profile_says_yes_or_no() -> None:
    """What a person writes there in another way is told."""
    text = json.dumps({"version": 1, "issuer": "i", "client_id": "c", "token_endpoint": "t", "dpop": "yes"})
    with pytest.raises(ValueError, match="its dpop is not what it should be"):
        Profile.from_json(text.encode())
