"""`aio-token git` and `aio-token docker`: the token as a password, for the origins of its profile alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import aio_token.cli
from aio_token import Token
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_file, profile_of, set_up

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command_line import CommandLine

ASKED = "protocol=https\nhost=git.example:8443\npath=x\n\n"
HERE = ("https://git.example:8443", "https://registry.example")


async def signed_in(server: AuthorizationServer, **members: object) -> str:
    """Set a profile up for two servers, and return its token."""
    credential = server.credential(client_id="app")
    await set_up("work", profile_of(server, origins=HERE), replace(credential, **members))  # type: ignore[arg-type]  # whatever
    assert credential.token is not None
    return credential.token.access_token


async def test_git_gets_a_password(aio_token: CommandLine) -> None:
    """With its end, if the server told it; another name is an option, or comes with the address."""
    async with AuthorizationServer() as server:
        text = await signed_in(server)
        await set_up("other", profile_of(server, origins=("https://api.example",)))
        lines = dict(line.split("=") for line in (await aio_token("git", "get", stdin=ASKED)).out.splitlines())
        assert lines.pop("password_expiry_utc").isdigit()
        assert lines == {"username": "oauth2", "password": text}
        assert (
            "username=x-token-auth\n" in (await aio_token("git", "--username", "x-token-auth", "get", stdin=ASKED)).out
        )
        assert "username=ada\n" in (await aio_token("git", "get", stdin=f"username=ada\n{ASKED}")).out
        await signed_in(server, token=Token(access_token="kit-access-endless"))
        assert (await aio_token("git", "get", stdin=ASKED)).out == "username=oauth2\npassword=kit-access-endless\n"


@pytest.mark.parametrize(
    "asked",
    [
        "protocol=https\nhost=git.example\n",
        "protocol=https\nhost=git.example:8443.evil.example\n",
        "protocol=http\nhost=git.example:8443\n",
        "protocol=https\nhost=git.example:many\n",
    ],
)
async def test_another_server_gets_nothing(asked: str, aio_token: CommandLine) -> None:
    """Law A1: git goes on to its next helper, and a sentence says how a server is named."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        done = await aio_token("git", "get", stdin=asked)
        assert (done.code, done.out) == (0, "")
        assert "aio-token login PROFILE --origin" in done.err
        for operation in ("store", "erase"):
            done = await aio_token("git", operation, stdin=asked)
            assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("asked", ["", "\n", "protocol=https\n", "host=git.example\n"])
async def test_who_names_no_server_learns_how_it_is_named(asked: str, aio_token: CommandLine) -> None:
    """0, since git goes on; a person who tries it is not told to sign in at `://`."""
    for operation in ("get", "erase"):
        done = await aio_token("git", operation, stdin=asked)
        assert (done.code, done.out, "protocol=https and host=git.example" in done.err) == (0, "", True)


async def test_git_is_not_sent_to_a_person_for_a_password(aio_token: CommandLine) -> None:
    """`quit` ends what git would ask next; the sentence and the exit code are those of every command."""
    async with AuthorizationServer() as server:
        await signed_in(server, token=None, refresh_token=None)
        done = await aio_token("git", "get", stdin=ASKED)
        assert (done.code, done.out) == (3, "quit=1\n")
        assert "run: aio-token login work" in done.err


async def test_a_token_that_a_server_rejected_is_renewed(aio_token: CommandLine) -> None:
    """Git says "erase" then; another password, or none, changes nothing, and neither does "store"."""
    async with AuthorizationServer() as server:
        text = await signed_in(server)
        for operation, more in (("store", f"password={text}\n"), ("erase", "password=x\n"), ("erase", "")):
            assert (await aio_token("git", operation, stdin=f"{more}{ASKED}")).code == 0
            assert server.refreshes == 0
        assert (await aio_token("git", "erase", stdin=f"password={text}\n{ASKED}")).code == 0
        assert server.refreshes == 1


async def test_git_itself(aio_token: CommandLine) -> None:
    """As its configuration names the helper."""
    async with AuthorizationServer() as server:
        text = await signed_in(server)
    config = aio_token.directory / "gitconfig"
    config.write_text(f'[credential "https://git.example:8443"]\nhelper = "!{sys.executable} -m aio_token git"\n')
    surroundings = {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    done = await asyncio.to_thread(
        subprocess.run,
        ["git", "credential", "fill"],
        input=ASKED,
        env={**os.environ, **surroundings},
        cwd=aio_token.directory,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"password={text}\n" in done.stdout


@pytest.mark.parametrize("server_url", ["registry.example", "https://registry.example"])
async def test_docker_gets_a_password(server_url: str, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON, and the name may come from the environment, since docker passes no options."""
    monkeypatch.setenv("AIO_TOKEN_USERNAME", "robot")
    async with AuthorizationServer() as server:
        text = await signed_in(server)
        done = await aio_token("docker", "get", stdin=f"{server_url}\n")
        assert json.loads(done.out) == {"ServerURL": server_url, "Username": "robot", "Secret": text}
        assert json.loads((await aio_token("docker", "list")).out) == dict.fromkeys(HERE, "robot")


async def test_docker_goes_on_without_a_password(aio_token: CommandLine) -> None:
    """For a registry that no profile names, by the words that docker knows; an error is another sentence."""
    async with AuthorizationServer() as server:
        await signed_in(server, token=None, refresh_token=None)
        done = await aio_token("docker", "get", stdin="elsewhere.example")
        assert (done.code, done.out) == (1, "credentials not found in native keychain\n")
        done = await aio_token("docker", "get", stdin="registry.example")
        assert done.code == 3
        assert "run: aio-token login work" in done.out


@pytest.mark.parametrize("operation", ["store", "erase"])
async def test_docker_stores_nothing(operation: str, aio_token: CommandLine) -> None:
    """It is no error: `docker login` and `docker logout` go their way."""
    assert (await aio_token("docker", operation, stdin="{}")).code == 0


async def test_a_profile_that_cannot_be_used_gives_no_password(aio_token: CommandLine) -> None:
    """It may be the one that is meant."""
    async with AuthorizationServer() as server:
        await signed_in(server)
    profile_file("work").write_text("{")
    assert (await aio_token("git", "get", stdin=ASKED)).out == "quit=1\n"


def test_docker_finds_its_helper(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the name of a program of its own."""
    monkeypatch.setattr(sys, "argv", ["docker-credential-aio-token", "list"])
    with pytest.raises(SystemExit) as left:
        aio_token.cli.docker()
    assert (left.value.code, capfd.readouterr().out) == (0, "{}\n")


async def test_what_docker_may_ask_besides(aio_token: CommandLine) -> None:
    """Its version; anything else is 2, with what there is. Git has helpers pass over what they do not know."""
    done = await aio_token("docker", "version")
    assert (done.code, done.out.startswith("docker-credential-aio-token ")) == (0, True)
    done = await aio_token("docker", "tea")
    assert (done.code, "get, store, erase, list and version" in done.err) == (2, True)
    async with AuthorizationServer() as server:
        await signed_in(server)
        done = await aio_token("git", "erase", stdin=ASKED)  # without the password that was rejected
        assert (done.code, done.out, done.err, server.refreshes) == (0, "", "", 0)
    done = await aio_token("git", "capability", stdin="protocol=https\nhost=git.example\n")
    assert (done.code, done.out, done.err) == (0, "", "")
