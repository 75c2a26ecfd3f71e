"""`aio-token profiles`: the list, the default one, other names, and an end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token.cli import _profile_files
from aio_token.cli._session import Session
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_file, profile_of, session_of, set_up, stored, token_file

if TYPE_CHECKING:
    from tests.cli.command_line import CommandLine


async def test_the_list_shows_the_default(aio_token: CommandLine) -> None:
    """A star marks the one that is meant where none is named: `default`, until another one is chosen."""
    server = AuthorizationServer()
    for name in ("default", "work"):
        await set_up(name, profile_of(server))
    assert (await aio_token("profiles")).out == "* default\n  work\n"
    assert (await aio_token("profiles", "default", "work")).code == 0
    assert (await aio_token("profiles")).out == "  default\n* work\n"


async def test_the_list_has_a_name_of_its_own(aio_token: CommandLine) -> None:
    """As in other tools; where there is none, a sentence says how one is made."""
    done = await aio_token("profiles", "list")
    assert (done.code, done.out, "There is no profile yet" in done.err) == (0, "", True)
    await set_up("work", profile_of(AuthorizationServer()))
    assert (await aio_token("profiles", "list")).out == "  work\n"


async def test_what_is_removed_is_no_longer_chosen(aio_token: CommandLine) -> None:
    """The next command is about the usual profile again."""
    server = AuthorizationServer()
    for name in ("default", "work"):
        await set_up(name, profile_of(server))
    await aio_token("profiles", "default", "work")
    assert (await aio_token("profiles", "remove", "work")).code == 0
    assert (await aio_token("profiles")).out == "* default\n"


async def test_the_name_that_it_has(aio_token: CommandLine) -> None:
    """2: nothing is to be removed for it."""
    await set_up("work", profile_of(AuthorizationServer()))
    done = await aio_token("profiles", "rename", "work", "work")
    assert (done.code, "has that name already" in done.err) == (2, True)
    assert profile_file("work").exists()


async def test_the_chosen_profile_is_used(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By all commands; the environment and a name on the command line go before it."""
    async with AuthorizationServer() as server:
        for name in ("a", "b"):
            await set_up(name, profile_of(server), server.credential(client_id="app"))
        await aio_token("profiles", "default", "b")
        a, b = (await aio_token("token", "a")).out, (await aio_token("token", "b")).out
        assert a != b
        assert (await aio_token("token")).out == b
        monkeypatch.setenv("AIO_TOKEN_PROFILE", "a")
        assert (await aio_token("token")).out == a


async def test_what_others_may_write_chooses_nothing(aio_token: CommandLine) -> None:
    """Law G5: who can write it would choose whose token a script hands on; what is no name is passed over."""
    await set_up("work", profile_of(AuthorizationServer()))
    await aio_token("profiles", "default", "work")
    choice = profile_file().parent.with_name("default-profile")
    choice.chmod(0o666)
    done = await aio_token("profiles")
    assert done.code == 5
    assert "chmod go-w" in done.err
    choice.chmod(0o600)
    choice.write_text("../../elsewhere")
    assert _profile_files.chosen() == "default"


@pytest.mark.parametrize("arguments", [("default", "work"), ("rename", "work", "x"), ("remove", "work")])
async def test_a_profile_that_is_not_there(arguments: tuple[str, ...], aio_token: CommandLine) -> None:
    """3, as everywhere."""
    done = await aio_token("profiles", *arguments)
    assert done.code == 3
    assert "there is no profile work" in done.err


async def test_another_name_for_the_same_session(aio_token: CommandLine) -> None:
    """What is encrypted is bound to its place and is moved, typed secret included; the choice follows."""
    async with AuthorizationServer() as server:
        profile = profile_of(server, client_id="bot", client_secret="stored", client_auth="client_secret_basic")
        await set_up("old", profile, server.credential(client_id="bot"))
        async with Session("old", profile).client_secret_store.exclusive() as slot:
            await slot.save(replace(server.credential(), refresh_token=server.client.secret or ""))
        await aio_token("profiles", "default", "old")
        before = await stored("old", profile)
        assert (await aio_token("profiles", "rename", "old", "new")).code == 0
        assert await stored("new", profile) == before
        assert not token_file("old").exists()
        assert not session_of("old").client_secret_file.exists()
        assert (await aio_token("profiles")).out == "* new\n"
        assert (await aio_token("token", "--force")).code == 0
        assert server.refreshes == 1


async def test_a_name_for_one_that_is_not_signed_in(aio_token: CommandLine) -> None:
    """The profile alone is moved; a secret that is gone is no hindrance, and another default stays."""
    profile = profile_of(AuthorizationServer(), client_secret="stored", client_auth="client_secret_basic")
    await set_up("old", profile)
    assert (await aio_token("profiles", "rename", "old", "new")).code == 0
    assert (await aio_token("profiles")).out == "  new\n"


async def test_a_damaged_token_is_not_moved(aio_token: CommandLine) -> None:
    """It is set aside where it was."""
    profile = profile_of(AuthorizationServer())
    await set_up("old", profile)
    token_file("old").parent.mkdir(parents=True, exist_ok=True)
    token_file("old").touch(0o600)
    assert (await aio_token("profiles", "rename", "old", "new")).code == 0
    assert not token_file("new").exists()


async def test_no_session_is_written_over(aio_token: CommandLine) -> None:
    """2, with the command that removes it."""
    server = AuthorizationServer()
    for name in ("a", "b"):
        await set_up(name, profile_of(server))
    done = await aio_token("profiles", "rename", "a", "b")
    assert done.code == 2
    assert "aio-token profiles remove b" in done.err


async def test_an_end(aio_token: CommandLine) -> None:
    """Revoked at the server, and forgotten here."""
    async with AuthorizationServer() as server:
        profile = profile_of(server, revocation_endpoint=server.revocation_url)
        await set_up("work", profile, server.credential(client_id="app"))
        done = await aio_token("profiles", "remove", "work")
        assert done.code == 0
        assert "revoked at the server" in done.err
    assert (await aio_token("profiles")).out == ""


async def test_the_name_that_was_meant(aio_token: CommandLine) -> None:
    """Below this command too."""
    done = await aio_token("profiles", "renam", "a", "b")
    assert done.code == 2
    assert "did you mean rename?" in done.err
