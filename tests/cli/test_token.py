"""`aio-token token`: from the store if it is good, from the server otherwise."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shlex
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token import Credential, Token
from aio_token._disk.platform import HERE
from aio_token.cli._formats import FORMATS
from aio_token.cli._profile import Profile
from aio_token.cli._server import SessionGrant
from aio_token.cli._session import Session
from aio_token.testing import AuthorizationServer, Broken
from tests.cli.command_line import profile_of, set_up, stored, token_file

if TYPE_CHECKING:
    from aio_token.cli._profile import GrantType
    from tests.cli.command_line import CommandLine


async def test_a_good_token_comes_from_the_store(aio_token: CommandLine) -> None:
    """No server is asked, and standard output has the token alone."""
    async with AuthorizationServer() as server:
        credential = server.credential(client_id="app")
        await set_up("default", profile_of(server), credential)
        done = await aio_token("token")
        assert credential.token is not None
        assert (done.code, done.out, done.err) == (0, f"{credential.token.access_token}\n", "")
        assert not server.requests


async def test_a_token_at_its_end_is_renewed_and_kept(aio_token: CommandLine) -> None:
    """The new refresh token is in the store before anything is printed; the environment may name the profile."""
    async with AuthorizationServer() as server:
        profile = profile_of(server)
        credential = server.credential(client_id="app")
        assert credential.token is not None
        ended = replace(credential, token=replace(credential.token, expires_at=time.time() - 1))
        await set_up("work.eu", profile, ended)
        done = await aio_token("token", "work.eu")
        kept = await stored("work.eu", profile)
        assert kept is not None
        assert kept.token is not None
        assert done.out == f"{kept.token.access_token}\n"
        assert kept.refresh_token != credential.refresh_token
        assert server.accepts(done.out.strip())


async def test_force_passes_the_back_off(aio_token: CommandLine) -> None:
    """Law D8: what a person asks for now is asked for now, though the server is to be left alone for a while."""
    async with AuthorizationServer() as server:
        credential = server.credential(client_id="app")
        await set_up("default", profile_of(server), replace(credential, failures=3, retry_at=time.time() + 50))
        assert (await aio_token("token")).code == 0
        assert server.refreshes == 0
        done = await aio_token("token", "--force")
        assert (done.code, server.refreshes) == (0, 1)
        assert server.accepts(done.out.strip())


async def test_force_renews_a_valid_token(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is still valid."""
    monkeypatch.setenv("AIO_TOKEN_PROFILE", "work")
    async with AuthorizationServer() as server:
        await set_up("work", profile_of(server), server.credential(client_id="app"))
        first = await aio_token("token")
        second = await aio_token("token", "--force")
        assert server.refreshes == 1
        assert first.out != second.out
        assert server.accepts(second.out.strip())


async def test_min_valid_renews_and_says_what_the_server_does_not_give(aio_token: CommandLine) -> None:
    """A token that is good for long enough is left alone; a server that gives less is no error."""
    async with AuthorizationServer(lifetime=600) as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        assert (await aio_token("token", "--min-valid", "5m")).err == ""
        assert server.refreshes == 0
        done = await aio_token("token", "--min-valid", "1h")
        assert server.refreshes == 1
        assert done.code == 0
        assert server.accepts(done.out.strip())
        assert "the server gives none for longer" in done.err


async def test_a_service_account_asks_for_itself(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its secret is read from where the profile says, and only when the server has to be asked."""
    async with AuthorizationServer() as server:
        profile = profile_of(
            server,
            client_id="bot",
            grant="client_credentials",
            client_secret="env:BOT",
            client_auth="client_secret_basic",
        )
        await set_up("bot", profile)
        missing = await aio_token("token", "bot")
        assert (missing.code, missing.out) == (1, "")
        assert "set the environment variable BOT" in missing.err
        await set_up("other", profile)
        monkeypatch.setenv("BOT", server.client.secret or "")
        done = await aio_token("token", "other")
        assert server.accepts(done.out.strip())
        monkeypatch.delenv("BOT")
        assert (await aio_token("token", "other")).out == done.out


async def test_a_secret_in_a_file_and_in_the_body(aio_token: CommandLine) -> None:
    """`file:` reads it anew each time, and a server may want it in the body."""
    file = aio_token.directory / "secret"
    async with AuthorizationServer() as server:
        file.touch(0o600)
        file.write_text(f"{server.client.secret}\n")
        profile = profile_of(
            server, client_id="bot", client_secret=f"file:{file}", client_auth="client_secret_post", store="plain"
        )
        await set_up("default", profile, server.credential(client_id="bot"))
        done = await aio_token("token", "--force")
        assert server.accepts(done.out.strip())
        form = server.seen[-1].form
        assert form is not None
        assert form["client_secret"] == server.client.secret


@pytest.mark.parametrize(
    ("fault", "code", "says_so"),
    [("refused", 3, "run: aio-token login default"), ("broken", 4, "try again later"), ("no key", 5, "AIO_TOKEN_KEY")],
)
async def test_what_helps_is_the_exit_code(
    fault: str, code: int, says_so: str, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3 sign in, 4 try later, 5 store or key; standard output stays empty, and the sentence says it too."""
    async with AuthorizationServer() as server:
        credential = server.credential(client_id="app")
        await set_up("default", profile_of(server), replace(credential, token=None))
        if fault == "refused":
            server.revoke_all()
        elif fault == "broken":
            server.inject(Broken())
        else:
            monkeypatch.delenv("AIO_TOKEN_KEY")
        done = await aio_token("token")
    assert (done.code, done.out) == (code, "")
    assert says_so in done.err


async def test_a_token_that_cannot_be_saved_is_printed_with_a_warning(aio_token: CommandLine) -> None:
    """It is good; that a sign-in may be needed afterwards is said plainly."""
    async with AuthorizationServer() as server:
        profile = profile_of(server)
        await set_up("default", profile, replace(server.credential(client_id="app"), token=None))
        directory = token_file("default").parent
        with server.hold() as hold:
            running = asyncio.create_task(aio_token("token"))
            await hold.arrived.wait()
            directory.rename(aio_token.directory / "elsewhere")
            directory.touch()
            hold.release()
            done = await running
        assert done.code == 0
        assert server.accepts(done.out.strip())
        assert done.err.count("the new token is not saved") == 1


@pytest.mark.parametrize(
    ("grant", "kept", "spends"),
    [
        ("refresh_token", Credential(refresh_token="canary"), True),
        ("refresh_token", Credential(refresh_token="canary", reusable=True), False),
        ("refresh_token", Credential(), False),
        ("refresh_token", None, False),
        ("client_credentials", Credential(refresh_token="canary"), False),
    ],
)
def test_what_is_spent_is_said_beforehand(grant: GrantType, kept: Credential | None, spends: bool) -> None:
    """Law F8: where a refresh token would be presented that may be single-use, the store is tried first."""
    profile = Profile(issuer="", client_id="app", token_endpoint="https://server.example/token", grant=grant)
    assert SessionGrant(Session("default", profile)).spends(kept) is spends


async def test_nothing_is_spent_that_could_not_be_replaced(aio_token: CommandLine) -> None:
    """Law F8: on a disk that takes no successor the session is kept, with exit code 5; with room again it goes on."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), replace(server.credential(client_id="app"), token=None))
        with FullDisk():
            done = await aio_token("token")
        assert (done.code, done.out, server.refreshes) == (5, "", 0)
        assert "No space left on device; make room" in done.err
        assert (await aio_token("token")).code == 0


class FullDisk:
    """Takes no file for as long as it is entered."""

    def __enter__(self) -> None:
        self._sync = HERE.sync
        object.__setattr__(HERE, "sync", self._fail)

    def __exit__(self, *_: object) -> None:
        object.__setattr__(HERE, "sync", self._sync)

    def _fail(self, _: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


TOKEN = Token(access_token="canary-'a\"b\\c", expires_at=1_800_000_000.9, scope="read")
TIMELESS = Token(access_token="canary-t")


def test_the_formats() -> None:
    """Each is one line that its reader takes as it is."""
    assert FORMATS["raw"](TOKEN) == TOKEN.access_token
    assert FORMATS["header"](TOKEN) == f"Authorization: {TOKEN.authorization}"
    assert shlex.split(FORMATS["env"](TOKEN)) == ["export", f"ACCESS_TOKEN={TOKEN.access_token}"]
    assert FORMATS["curl"](TOKEN) == r'''header = "Authorization: Bearer canary-'a\"b\\c"'''
    assert json.loads(FORMATS["json"](TOKEN)) == {
        "access_token": TOKEN.access_token,
        "token_type": "Bearer",
        "expires_at": 1_800_000_000,
        "scope": "read",
    }
    assert json.loads(FORMATS["json"](TIMELESS))["expires_at"] is None
    assert not any("\n" in write(TOKEN) for write in FORMATS.values())


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("", "v1"),
        ("{}", "v1"),
        ("[]", "v1"),
        ('{"apiVersion": "client.authentication.k8s.io/v1beta1"}', "v1beta1"),
        ('{"apiVersion": "client.authentication.k8s.io/v9"}', "v1"),
    ],
)
def test_kubectl_is_answered_in_its_version(asked: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ExecCredential, with the end of the token where there is one."""
    monkeypatch.setenv("KUBERNETES_EXEC_INFO", asked)
    assert json.loads(FORMATS["exec-credential"](TOKEN)) == {
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "kind": "ExecCredential",
        "status": {"token": TOKEN.access_token, "expirationTimestamp": "2027-01-15T08:00:00Z"},
    }
    assert json.loads(FORMATS["exec-credential"](TIMELESS))["status"] == {"token": "canary-t"}


async def test_github_hides_the_token_that_it_is_told_of(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On standard error, so that standard output stays data; anywhere else the line would show it, so it is refused."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        done = await aio_token("token", "--mask")
        assert (done.code, done.out) == (2, "")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        done = await aio_token("token", "--mask")
        assert done.err == f"::add-mask::{done.out}"
        aio_token.said.remove(done.err)  # it is meant to be there


async def test_a_service_account_asks_for_another_scope_this_time(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token beside the stored one, which stays; a command gets such a one, too."""
    async with AuthorizationServer() as server:
        monkeypatch.setenv("BOT", server.client.secret or "")
        profile = profile_of(
            server,
            client_id="bot",
            grant="client_credentials",
            client_secret="env:BOT",
            client_auth="client_secret_basic",
            scope="read",
        )
        await set_up("default", profile)
        usual = (await aio_token("token")).out
        done = await aio_token("token", "--scope", "write", "--scope", "more", "--format", "json")
        assert json.loads(done.out)["scope"] == "write more"
        for options in (
            ["--audience", "api"],
            ["--resource", "https://api.example", "--resource", "https://b.example"],
        ):
            assert (await aio_token("token", *options)).code == 0
        forms = [seen.form for seen in server.seen]
        asked = [form.getall("scope") for form in forms if form is not None]
        assert asked == [["read"], ["write more"], ["read"], ["read"]]
        assert forms[2] is not None
        assert forms[2]["audience"] == "api"
        assert forms[3] is not None
        assert forms[3].getall("resource") == ["https://api.example", "https://b.example"]
        assert (await aio_token("token")).out == usual
        assert (await aio_token("token", "--scope", "write", "--id-token")).code == 3


async def test_a_person_s_session_has_other_tokens(aio_token: CommandLine) -> None:
    """Law E5: each is kept beside the usual one, by one refresh token; asked for again it comes from the store."""
    async with AuthorizationServer() as server:
        profile = profile_of(server, scope="read write")
        await set_up("default", profile, server.credential(client_id="app", scope="read write"))
        usual = (await aio_token("token")).out
        narrow = await aio_token("token", "--scope", "read", "--format", "json")
        assert json.loads(narrow.out)["scope"] == "read"
        assert (await aio_token("token", "--scope", "read", "--format", "json")).out == narrow.out
        assert (await aio_token("token")).out == usual
        assert (server.refreshes, server.reused) == (1, 0)
