"""`aio-token doctor`: each line says what is wrong and what repairs it."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import keyring
import pytest

from aio_token._token import fingerprint
from aio_token.cli import _key_choice
from aio_token.cli._session import Session
from aio_token.cli.commands.doctor import findings
from aio_token.testing import AuthorizationServer, Broken
from tests.cli.command_line import Terminal, profile_file, profile_of, set_up, token_file
from tests.support.keyrings import MemoryKeyring

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.cli._profile import Profile
    from tests.cli.command_line import CommandLine


async def signed_in(server: AuthorizationServer, **members: object) -> Profile:
    """Set a profile up that is signed in."""
    profile = profile_of(server, revocation_endpoint=server.revocation_url, **members)
    await set_up("default", profile, server.credential(client_id=profile.client_id))
    profile_file("default").parent.chmod(0o700)
    profile_file("default").chmod(0o600)
    return profile


async def lines_of(aio_token: CommandLine, code: int = 0) -> dict[str, str]:
    """Return what is said of each subject, with its level; the exit code is as expected."""
    done = await aio_token("doctor")
    assert done.code == code, done.out
    return {line[6:14].strip(): f"{line[:4].strip()}: {line[16:]}" for line in done.out.splitlines()}


async def test_all_is_well(aio_token: CommandLine) -> None:
    """Every line is ok, nothing is renewed, and no token is asked for."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        lines = await lines_of(aio_token)
        assert list(lines) == ["profile", "store", "damage", "token", "issuer", "endpoint", "clock"]
        assert {line.partition(":")[0] for line in lines.values()} == {"ok"}
        assert not server.refreshes


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
async def test_colours_are_for_terminals_that_want_them(
    no_color: str, coloured: bool, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe gets no escape sequence, as the other tests show, and neither does a terminal with NO_COLOR."""
    monkeypatch.setenv("NO_COLOR", no_color)
    async with AuthorizationServer() as server:
        await signed_in(server)
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            await aio_token("doctor")
    assert ("\x1b[32mok" in terminal.getvalue()) is coloured
    assert ("\x1b" in terminal.getvalue()) is coloured


async def test_what_is_odd_but_works(aio_token: CommandLine) -> None:
    """A token in clear and a damaged one are warnings, with the command or the place."""
    async with AuthorizationServer() as server:
        await signed_in(server, store="plain")
        token_file("default").with_name("default.token.corrupt-20260101T000000.000000Z").touch(0o600)
        lines = await lines_of(aio_token)
        assert lines["store"].startswith("warn")
        assert "--store encrypted" in lines["store"]
        assert lines["damage"].startswith("warn")


async def test_a_keyring_takes_its_own_time(aio_token: CommandLine, no_keyring: None) -> None:
    """How long, and what takes less."""
    keyring.set_keyring(MemoryKeyring())
    _key_choice.open_keyring(create=True)
    async with AuthorizationServer() as server:
        await signed_in(server, key="keyring")
        lines = await lines_of(aio_token)
    assert re.search(r"ok: takes \d+\.\d\d s of each `token`.*--key-file", lines["keyring"])


async def test_a_profile_that_others_may_change(aio_token: CommandLine) -> None:
    """Law G5: 5, with the command; nothing else is looked at, since the profile may send anything anywhere."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        profile_file().chmod(0o620)
        lines = await lines_of(aio_token, 5)
        assert list(lines) == ["profile"]
        assert lines["profile"].endswith(f"chmod go-w {profile_file()}")
        profile_file().write_text("{}")
        profile_file().chmod(0o600)
        assert (await lines_of(aio_token, 1))["profile"].startswith("fail: the profile default cannot be used")


async def test_a_store_that_is_refused(aio_token: CommandLine) -> None:
    """5: the message of the store has the command that repairs it."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        token_file("default").parent.chmod(0o777)
        lines = await lines_of(aio_token, 5)
        assert lines["store"].startswith("fail: ")
        assert "chmod go-w" in lines["store"]
        token_file("default").parent.chmod(0o700)


async def test_a_key_that_is_not_there(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """5: the key's own line, and the token's, which cannot be read without it."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        monkeypatch.delenv("AIO_TOKEN_KEY")
        lines = await lines_of(aio_token, 5)
        assert "AIO_TOKEN_KEY is not set" in lines["key"]
        assert lines["token"].startswith("fail")


async def test_a_lock_that_another_process_holds(home: Path) -> None:
    """5, after a moment's patience, with the command that tells who it is."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server)
        session = Session("default", profile)
        async with session.store.exclusive():
            (lock,) = [found async for found in findings(session, patience=0.05) if found.subject == "lock"]
    assert (lock.level, lock.exit) == ("fail", 5)
    assert "fuser" in lock.text


async def test_who_has_to_sign_in(aio_token: CommandLine) -> None:
    """3, with the command; and so is a profile that is not there."""
    async with AuthorizationServer() as server:
        profile = profile_of(server, revocation_endpoint=server.revocation_url)
        await set_up("default", profile)
        assert "aio-token login default" in (await lines_of(aio_token, 3))["token"]
        assert (await aio_token("doctor", "missing")).code == 3


async def test_a_client_s_secret(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is there, not what it is."""
    async with AuthorizationServer() as server:
        monkeypatch.setenv("BOT", server.client.secret or "")
        await signed_in(server, client_id="bot", client_secret="env:BOT", client_auth="client_secret_basic")
        assert (await lines_of(aio_token))["secret"] == "ok: the client's secret can be read"
        monkeypatch.delenv("BOT")
        assert "set the environment variable BOT" in (await lines_of(aio_token, 1))["secret"]


async def test_a_server_that_is_away(aio_token: CommandLine) -> None:
    """4 for the issuer and for the endpoint."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        async with server.offline():
            lines = await lines_of(aio_token, 4)
        assert lines["issuer"].startswith("fail")
        assert lines["endpoint"].startswith("fail")
        assert "clock" not in lines


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_endpoint_that_is_unavailable(status: int, aio_token: CommandLine) -> None:
    """4: it answers, and its answer says that it is of no use now."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        server.inject(Broken(status=status))
        lines = await lines_of(aio_token, 4)
        assert lines["endpoint"] == f"fail: that of {server.url} answers {status}; try again later"


async def test_a_refresh_token_that_was_refused(aio_token: CommandLine) -> None:
    """3 while the token is still valid: nothing will renew it; `status` says so as well, and `token` still works."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server)
        credential = server.credential(client_id="app")
        assert credential.refresh_token is not None
        await set_up("default", profile, replace(credential, refused=fingerprint(credential.refresh_token)))
        line = (await lines_of(aio_token, 3))["token"]
        assert line.startswith("fail: valid until ")
        assert line.endswith("the server refused its refresh token; sign in again: aio-token login default")
        done = await aio_token("status", "--check")
        assert (done.code, "aio-token login default" in done.out) == (0, True)
        assert (await aio_token("token")).code == 0


async def test_a_renewal_that_failed(aio_token: CommandLine) -> None:
    """A warning while the token is still valid, though the endpoint answers again."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server)
        await set_up("default", profile, replace(server.credential(client_id="app"), failures=1))
        line = (await lines_of(aio_token))["token"]
        assert line.startswith("warn: valid until ")
        assert line.endswith("the last renewal failed")


async def test_endpoints_that_have_moved(aio_token: CommandLine) -> None:
    """A warning: the profile remembers what the issuer said at the sign-in."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server)
        await set_up("default", replace(profile, revocation_endpoint=None))
        assert (await lines_of(aio_token))["issuer"].startswith("warn: its endpoints have moved")


@pytest.mark.parametrize(
    ("ahead", "level", "says_so"),
    [
        (600, "warn", "s behind the server's"),
        (-600, "warn", "s ahead of the server's"),
        (None, "ok", "does not say what time it is"),
    ],
    ids=["behind", "ahead", "no date"],
)
async def test_clocks_that_differ(ahead: int | None, level: str, says_so: str, aio_token: CommandLine) -> None:
    """A warning, with the command that sets the clock; none about a server that sends no date, such as Keycloak."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        date = "tea time" if ahead is None else formatdate(time.time() + ahead, usegmt=True)
        server.inject(Broken(status=400, headers={"Date": date}))
        line = (await lines_of(aio_token))["clock"]
    assert line.startswith(level)
    assert says_so in line
