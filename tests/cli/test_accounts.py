"""`aio-token accounts`: the users of a program, without a token, and signed out by its operator."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token import ConfigurationError, Wish
from aio_token.cli._encryption_key import KEY_VARIABLE
from aio_token.cli._onlooker import Onlooker
from aio_token.stores import DirectoryTokenStores, Encrypted, EnvironmentKey
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_of, set_up
from tests.support.exposure import SECRETS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aio_token import Credential
    from tests.cli.command_line import CommandLine

KEY = ("--key", f"env:{KEY_VARIABLE}")


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Return a server that the users have signed in to."""
    async with AuthorizationServer(lifetime=600) as server:
        yield server


@pytest.fixture
def directory(home: Path) -> Path:
    """Return where the program keeps its users."""
    return home / "accounts"


def encrypted(directory: Path) -> DirectoryTokenStores:
    """Return the program's stores."""
    return DirectoryTokenStores(directory, codec=Encrypted(EnvironmentKey(KEY_VARIABLE)))


async def keep(stores: DirectoryTokenStores, **users: Credential) -> None:
    """Keep what their sign-ins left."""
    for name, credential in users.items():
        async with stores.of(name).exclusive() as slot:
            await slot.save(credential)


async def test_the_users_are_told(aio_token: CommandLine, directory: Path, server: AuthorizationServer) -> None:
    """Law I5: valid, ended and refused, with the time but without a token; names and problems take one line each."""
    good = server.credential(client_id="app", scope="read")
    assert good.token is not None
    await keep(
        encrypted(directory),
        ada=replace(good, token=replace(good.token, expires_at=4_000_000_000.5)),
        ended=replace(good, token=replace(good.token, expires_at=1.0)),
        endless=replace(good, token=replace(good.token, expires_at=None)),
        over=replace(good, token=None, refresh_token=None),
        trouble=replace(good, token=None, failure="ServerUnavailable", sentence="down\nada: valid"),
    )
    done = await aio_token("accounts", directory, *KEY)
    assert done.code == 0
    assert sorted(done.out.splitlines()) == [
        "ada: valid until 2096-10-02 07:06:40 UTC",
        "ended: the next use obtains a token",
        "endless: valid until a time that the server did not tell",
        "over: not signed in",
        "trouble: down ada: valid",
    ]
    shown = json.loads((await aio_token("accounts", directory, "ada", "--json", *KEY)).out)
    assert shown == {
        "schema": 1,
        "accounts": [
            {
                "account": "ada",
                "state": "fresh",
                "usable": True,
                "renewable": True,
                "expires_at": 4_000_000_000,
                "scope": "read",
                "fingerprint": good.token.fingerprint,
                "problem": None,
            }
        ],
    }
    assert not SECRETS.search(done.out + json.dumps(shown))


async def test_who_is_not_there_is_told(aio_token: CommandLine, directory: Path) -> None:
    """An empty directory is no error, nor one that is yet to be made; a name that is not there is exit code 3."""
    done = await aio_token("accounts", directory)
    assert (done.code, done.out, done.err) == (0, "", "There is no such directory; is its path right?\n")
    done = await aio_token("accounts", directory, "mallory")
    assert (done.code, done.out) == (3, "mallory: not signed in\n")
    assert not directory.exists()
    directory.mkdir()
    done = await aio_token("accounts", directory)
    assert (done.code, done.out, done.err) == (0, "", "No one is signed in there.\n")


@pytest.mark.parametrize("key", ["floppy", "env:", "canary-key", "keyring:x"])
async def test_a_key_is_named_and_not_said(key: str, aio_token: CommandLine, directory: Path) -> None:
    """2: what is no place of a key is not taken for the keyring, and not repeated."""
    done = await aio_token("accounts", directory, "--key", key)
    assert (done.code, "never the key itself" in done.err) == (2, True)


async def test_records_that_are_encrypted_want_their_key(
    aio_token: CommandLine, directory: Path, server: AuthorizationServer
) -> None:
    """Exit code 5, with the option that helps; with another key, what the key's source says."""
    await keep(encrypted(directory), ada=server.credential(client_id="app"))
    done = await aio_token("accounts", directory)
    assert done.code == 5
    assert done.err.endswith(
        "it is encrypted, and its key was not named; say --key env:VARIABLE, file:PATH or keyring\n"
    )
    done = await aio_token("accounts", directory, "ada", "--json")
    assert done.code == 5
    assert "--key env:VARIABLE" in json.loads(done.out)["accounts"][0]["problem"]
    done = await aio_token("accounts", directory, "--key", "env:NO_SUCH_KEY")
    assert done.code == 5
    assert "NO_SUCH_KEY is not set" in done.err
    assert "--key" not in done.err


async def test_an_operator_signs_users_out(
    aio_token: CommandLine, directory: Path, server: AuthorizationServer
) -> None:
    """Law I5: the profile's client revokes each, and the others stay; one of another client is told, and left alone."""
    await set_up("bot", profile_of(server, revocation_endpoint=server.revocation_url))
    stores = encrypted(directory)
    ada = server.credential(client_id="app")
    await keep(stores, ada=ada, grace=server.credential(client_id="app"), hedy=server.credential(client_id="bot"))
    done = await aio_token("accounts", directory, "ada", "--sign-out", "--profile", "bot", *KEY)
    assert (done.code, done.err) == (0, "")
    assert ada.token is not None
    assert not server.accepts(ada.token.access_token)
    assert sorted([name async for name in stores.names()]) == ["grace", "hedy"]
    done = await aio_token("accounts", directory, "--all", "--sign-out", "--profile", "bot", *KEY)
    assert done.code == 1
    assert "hedy: what is stored belongs to another token endpoint or client" in done.err
    assert [name async for name in stores.names()] == ["hedy"]


async def test_a_server_that_cannot_be_told_is_said(
    aio_token: CommandLine, directory: Path, server: AuthorizationServer
) -> None:
    """The account is removed here all the same."""
    await set_up("bot", profile_of(server))
    await keep(encrypted(directory), ada=server.credential(client_id="app"))
    done = await aio_token("accounts", directory, "ada", "--sign-out", "--profile", "bot", *KEY)
    assert "ada: deleted here, but not revoked at the server" in done.err
    assert [name async for name in encrypted(directory).names()] == []


async def test_signing_out_here_needs_no_key_and_no_server(
    aio_token: CommandLine, directory: Path, server: AuthorizationServer
) -> None:
    """When the key is lost, what is left can be removed by name."""
    await keep(encrypted(directory), ada=server.credential(client_id="app"), grace=server.credential(client_id="app"))
    assert (await aio_token("accounts", directory, "ada", "--sign-out", "--local")).code == 0
    assert [name async for name in encrypted(directory).names()] == ["grace"]
    assert (await aio_token("accounts", directory, "--all", "--sign-out", "--local", *KEY)).code == 0
    assert [name async for name in encrypted(directory).names()] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--sign-out", "--local"), "takes the names of accounts, or --all"),
        (("ada", "--all", "--sign-out", "--local"), "takes the names of accounts, or --all"),
        (("ada", "--sign-out"), "takes the --profile of the client that revokes, or --local"),
        (("a\nb",), "an account's name is a text of 1 to 256 characters"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    arguments: tuple[str, ...], says: str, aio_token: CommandLine, directory: Path
) -> None:
    """No one is signed out by an option that was forgotten."""
    done = await aio_token("accounts", directory, *arguments)
    assert done.code in {1, 2}
    assert says in done.err


async def test_an_onlooker_renews_nothing() -> None:
    """What only looks asks no server, whatever happens."""
    with pytest.raises(ConfigurationError, match="renews nothing"):
        await Onlooker().obtain(None, Wish())
