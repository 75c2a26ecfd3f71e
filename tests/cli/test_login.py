"""`aio-token login`: which way, what is shown, what is kept, and what is refused before a person signs in."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import segno

from aio_token.cli._flows import qr_code, show_address, show_code
from aio_token.cli._profile_files import find
from aio_token.grants import DevicePrompt
from aio_token.stores.key import new_key
from aio_token.testing import AuthorizationServer, Broken
from tests.cli.command_line import (
    Browser,
    Done,
    Terminal,
    at,
    profile_file,
    profile_of,
    session_of,
    set_up,
    stored,
    token_file,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command_line import CommandLine


async def by_code(aio_token: CommandLine, server: AuthorizationServer, *arguments: str, terminal: bool = False) -> Done:
    """Sign in with a code that a person enters at once."""
    with server.hold(endpoint="device_authorization", after=True) as hold:
        running = asyncio.create_task(aio_token("login", *arguments, terminal=terminal))
        await hold.arrived.wait()
        server.approve(server.user_codes[0])
        hold.release()
        return await running


async def test_a_person_with_a_desktop_signs_in_with_the_browser(aio_token: CommandLine, browser: Browser) -> None:
    """The token is kept encrypted, the profile holds no secret, and `token` goes on from there."""
    async with AuthorizationServer() as server:
        done = await aio_token("login", *at(server), "--scope", "read", "--scope", "write", terminal=True)
        assert (done.code, done.out) == (0, "")
        assert "encrypted, with the key of the environment variable AIO_TOKEN_KEY" in done.err
        assert re.search(r"^http://\S+[?&]state=", done.err, re.MULTILINE)
        profile = find("default")
        assert profile is not None
        assert profile == profile_of(server, scope="read write", revocation_endpoint=server.revocation_url)
        assert b"kit-" not in token_file("default").read_bytes()
        assert stat.S_IMODE(token_file("default").stat().st_mode) == 0o600
        assert server.accepts((await aio_token("token", "--force")).out.strip())


async def test_a_person_without_a_desktop_gets_a_code(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Address, code, and a QR code of both together: in a session over SSH no browser would appear."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_TTY", "/dev/pts/0")
    monkeypatch.setenv("COLUMNS", "80")
    async with AuthorizationServer(device_interval=1.0) as server:
        done = await by_code(aio_token, server, "work", *at(server), terminal=True)
        assert done.code == 0
        assert re.search(r"open http://\S+/device and enter the code \S+\.", done.err)
        assert "▀" in done.err
        assert await stored("work", profile_of(server)) is not None


async def test_an_explicit_choice_needs_no_terminal(aio_token: CommandLine) -> None:
    """--device is for a person who looks elsewhere; --store plain keeps the token in clear, and says so."""
    async with AuthorizationServer(device_interval=1.0) as server:
        done = await by_code(aio_token, server, *at(server), "--device", "--store", "plain", "--audience", "api")
        assert done.code == 0
        assert "▀" not in done.err
        assert "in clear, guarded by the file's permissions alone" in done.err
        assert json.loads(token_file("default").read_bytes())["refresh_token"].startswith("kit-refresh-")
        assert stat.S_IMODE(token_file("default").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("columns", "encoding", "shown"), [(80, "utf-8", True), (20, "utf-8", False), (80, "ascii", False)]
)
def test_a_qr_code_is_shown_where_it_can_be(
    columns: int, encoding: str, shown: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that is too narrow, or has no blocks, gets the address and the code alone."""
    terminal = Terminal()
    terminal.encoding = encoding
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    address = "https://id.example/device"
    show_code(
        DevicePrompt(
            verification_uri=address, user_code="A-B", verification_uri_complete=f"{address}?c=A-B", expires_in=600
        )
    )
    text = terminal.getvalue()
    assert "enter the code A-B" in text
    assert "10 minutes" in text
    assert ("█" in text) is shown


def test_a_qr_code_is_what_it_says() -> None:
    """Read back from its blocks, it is the code that the library made, with a margin, two modules to a character."""
    text = "https://id.example/device?user_code=WDJB-MJHT"
    upper, lower = {"█": 0, "▀": 0, "▄": 1, " ": 1}, {"█": 0, "▀": 1, "▄": 0, " ": 1}
    lines = qr_code(text).splitlines()
    rows = [[half[block] for block in line] for line in lines for half in (upper, lower)]
    matrix = [list(map(int, row)) for row in segno.make_qr(text, error="l").matrix_iter(border=2)]
    assert rows[: len(matrix)] == matrix
    assert not any(map(any, rows[len(matrix) :]))


def test_what_no_qr_code_holds_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server decides how long its address is, and a person can do without the picture."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    complete = f"https://id.example/{'日' * 1_500}"
    show_code(
        DevicePrompt(
            verification_uri="https://id.example/d",
            user_code="A-B",
            verification_uri_complete=complete,
            expires_in=60,
        )
    )
    assert complete in terminal.getvalue()
    assert "Waiting for up to 1 minutes" in terminal.getvalue()


class Reader(Terminal):
    """A terminal before which a person opens the address that is shown."""

    def write(self, text: str) -> int:
        """Show the text."""
        if found := re.search(r"^http://\S+$", text, re.MULTILINE):
            threading.Thread(target=Browser().open, args=(found[0],)).start()
        return super().write(text)


async def test_a_browser_without_a_desktop_is_opened_by_the_person(aio_token: CommandLine) -> None:
    """Only the address is shown; the parameter `audience` goes with it."""
    async with AuthorizationServer() as server:
        reader = Reader()
        done = await aio_token("login", *at(server), "--browser", "--audience", "an api", terminal=reader)
        assert done.code == 0
        assert "with a browser on this machine" in done.err
        assert "audience=an+api" in done.err


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [({}, []), ({"CI": "true"}, []), ({"CI": "1"}, ["--browser"]), ({"CI": "true"}, ["--device"])],
)
async def test_no_person_is_waited_for_who_is_not_there(
    variables: dict[str, str],
    arguments: list[str],
    aio_token: CommandLine,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a terminal, and in CI whatever is asked: 3, the sentence, no browser, no request."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with AuthorizationServer() as server:
        done = await aio_token("login", *at(server), *arguments, terminal=bool(variables))
        assert done.code == 3
        assert "no person is here to sign in" in done.err
        assert browser.opened == []
        assert find("default") is None


async def test_an_issuer_for_machines_only(aio_token: CommandLine, browser: Browser) -> None:
    """A person is told what remains; one with a desktop and a server without a browser's endpoint gets a code."""
    none: dict[str, object] = {"authorization_endpoint": None, "device_authorization_endpoint": None}
    async with AuthorizationServer(metadata=none) as server:
        done = await aio_token("login", *at(server), terminal=True)
        assert done.code == 1
        assert "use --service-account" in done.err
        server.metadata = {"authorization_endpoint": None}
        error = {"error": "unauthorized_client"}
        server.inject(Broken(status=400, body=error), endpoint="device_authorization")
        done = await aio_token("login", *at(server), terminal=True)
        assert done.code == 1
        assert "the device authorization endpoint" in done.err


async def test_a_service_account_signs_in_in_ci(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its secret stays in the environment; the profile remembers the variable, and a second login needs no option."""
    monkeypatch.setenv("CI", "true")
    async with AuthorizationServer() as server:
        monkeypatch.setenv("AIO_TOKEN_CLIENT_SECRET", server.client.secret or "")
        options = [*at(server, "bot"), "--service-account", "--scope", "read"]
        assert (await aio_token("login", "bot", *options)).code == 0
        profile = find("bot")
        assert profile is not None
        assert (profile.grant, profile.client_secret) == ("client_credentials", "env:AIO_TOKEN_CLIENT_SECRET")
        assert profile.client_auth == "client_secret_basic"
        assert (await aio_token("login", "bot")).code == 0
        assert server.requests["client_credentials"] == 2
        assert not session_of("bot").client_secret_file.exists()


@pytest.mark.parametrize("said", [5, {"a": 1}, [], None])
async def test_metadata_that_names_no_methods(said: object, aio_token: CommandLine) -> None:
    """The secret goes in a header then, as where nothing is said."""
    async with AuthorizationServer(metadata={"token_endpoint_auth_methods_supported": said}) as server:
        options = [*at(server, "bot"), "--service-account", "--client-secret-from", "stdin"]
        done = await aio_token("login", *options, stdin=server.client.secret or "")
        assert done.code == 0, done.err
        profile = find("default")
        assert profile is not None
        assert profile.client_auth == "client_secret_basic"


@pytest.mark.parametrize("source", ["prompt", "stdin", "none"])
async def test_a_secret_that_is_typed_in_is_kept_as_the_token_is(source: str, aio_token: CommandLine) -> None:
    """It is encrypted, it renews the token later, and `logout --forget` removes it; a service account is asked."""
    async with AuthorizationServer(
        metadata={"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    ) as server:
        given = f"{server.client.secret}\n"
        how = ["--client-secret-from", source] if source != "none" else []
        options = [*at(server, "bot"), "--service-account", *how]
        done = await aio_token("login", *options, stdin=given, terminal=source != "stdin")
        assert done.code == 0
        assert (server.client.secret or "").encode() not in session_of("default").client_secret_file.read_bytes()
        assert server.accepts((await aio_token("token", "--force")).out.strip())
        assert server.seen[-1].form is not None
        assert server.seen[-1].form["client_secret"] == server.client.secret
        assert (await aio_token("logout", "--forget")).code == 0
        assert not session_of("default").client_secret_file.exists()
        assert find("default") is None


async def test_a_stored_secret_that_is_gone(aio_token: CommandLine) -> None:
    """A person has to type it again."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server, client_id="bot", client_secret="stored"), server.credential())
        done = await aio_token("token", "--force")
    assert done.code == 3
    assert "no longer stored" in done.err


@pytest.mark.parametrize(
    ("source", "stdin", "terminal", "code", "says_so"),
    [
        ("canary-secret", "", False, 2, "never the secret itself"),
        ("env:", "", False, 2, "never the secret itself"),
        ("file:", "", False, 2, "never the secret itself"),
        ("stdin", "", False, 2, "holds no secret"),
        ("prompt", "", False, 3, "no person is here to type"),
        ("prompt", "", True, 130, ""),
    ],
)
async def test_what_is_not_a_secret_is_refused(
    source: str, stdin: str, terminal: bool, code: int, says_so: str, aio_token: CommandLine
) -> None:
    """An option's value would be in every process listing; what was written there is not repeated."""
    options = ["--issuer", "https://id.example", "--client-id", "bot", "--service-account"]
    done = await aio_token("login", *options, "--client-secret-from", source, stdin=stdin, terminal=terminal)
    assert done.code == code
    assert says_so in done.err


async def test_a_secret_s_file_is_remembered_by_its_whole_path(aio_token: CommandLine, tmp_path: Path) -> None:
    """The next command may run elsewhere."""
    async with AuthorizationServer() as server:
        (tmp_path / "secret").write_text(server.client.secret or "")
        (tmp_path / "secret").chmod(0o600)
        source = f"file:{tmp_path}/../{tmp_path.name}/secret"
        options = [*at(server, "bot"), "--service-account", "--client-secret-from", source]
        assert (await aio_token("login", *options)).code == 0


async def test_a_first_sign_in_needs_to_know_where(aio_token: CommandLine) -> None:
    """2: issuer and client cannot be guessed."""
    done = await aio_token("login", terminal=True)
    assert done.code == 2
    assert "--issuer and --client-id are needed" in done.err


async def test_a_failed_sign_in_leaves_the_profile_as_it_was(aio_token: CommandLine, browser: Browser) -> None:
    """A new one is gone; one that was there is as before, and so is its session."""
    async with AuthorizationServer(at_the_browser=None) as server:
        done = await aio_token("login", *at(server), terminal=True)
        assert done.code == 3
        assert "access_denied" in done.err
        assert find("default") is None
        before = profile_of(server, scope="read", origins=("https://api.example",))
        await set_up("default", before, server.credential(client_id="app"))
        assert (await aio_token("login", "--scope", "more", terminal=True)).code == 3
        assert find("default") == before
        assert (await aio_token("token")).code == 0


async def test_nobody_signs_in_for_a_store_that_would_fail(
    aio_token: CommandLine, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F7: a directory in the wrong place, and a key that is none, are found before the browser opens."""
    async with AuthorizationServer() as server:
        monkeypatch.setenv("AIO_TOKEN_KEY", "too short")
        done = await aio_token("login", *at(server), terminal=True)
        assert (done.code, browser.opened) == (5, [])
        assert "does not hold a key" in done.err
        assert find("default") is None
        profile_file("x").parent.rmdir()
        profile_file("x").parent.symlink_to("nowhere")
        done = await aio_token("login", *at(server), "--store", "plain", terminal=True)
        assert (done.code, browser.opened) == (5, [])


async def test_nobody_signs_in_over_a_token_whose_key_is_lost(
    aio_token: CommandLine, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law F7: what is stored could not be replaced, and that is found before the browser opens; the file stays."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        kept = token_file("default").read_bytes()
        monkeypatch.setenv("AIO_TOKEN_KEY", new_key())
        done = await aio_token("login", terminal=True)
    assert (done.code, browser.opened) == (5, [])
    assert str(token_file("default")) in done.err
    assert token_file("default").read_bytes() == kept


def test_an_address_is_shown_as_it_is_and_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What an issuer writes into its metadata is encoded where it is not plain."""
    show_address("https://id.example/\x1b[2J\n?a=%20b&c=d~e")
    assert capsys.readouterr().err.endswith(":\nhttps://id.example/%1B[2J%0A?a=%20b&c=d~e\n")


async def test_a_stored_secret_does_not_move_to_another_store(aio_token: CommandLine) -> None:
    """It is asked for again, since nothing could read it there."""
    async with AuthorizationServer() as server:
        secret = server.client.secret or ""
        options = [*at(server, "bot"), "--service-account"]
        assert (await aio_token("login", *options, stdin=secret, terminal=True)).code == 0
        assert (await aio_token("logout")).code == 0
        assert (await aio_token("login")).code == 0
        assert (await aio_token("logout")).code == 0
        done = await aio_token("login", "--store", "plain")
        assert done.code == 3
        assert "no person is here to type the client's secret" in done.err


async def test_a_token_that_is_not_saved_is_no_sign_in(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """5, and the profile is not kept either."""
    async with AuthorizationServer() as server:
        with server.hold() as hold:
            options = [*at(server, "bot"), "--service-account", "--client-secret-from", "stdin"]
            running = asyncio.create_task(aio_token("login", *options, stdin=server.client.secret or ""))
            await hold.arrived.wait()
            monkeypatch.delenv("AIO_TOKEN_KEY")
            hold.release()
            done = await running
        assert done.code == 5
        assert "you are not signed in" in done.err
        assert find("default") is None


async def test_a_session_of_another_client_is_not_replaced(aio_token: CommandLine, browser: Browser) -> None:
    """Law E4: the person signs out first, or names another profile; the same client may sign in again."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        kept = await stored("default", profile_of(server))
        for change in (["--client-id", "other"], ["--store", "plain"], ["--key-file", "other"]):
            done = await aio_token("login", *change, terminal=True)
            assert done.code == 1
            assert "aio-token logout default first" in done.err
        assert browser.opened == []
        assert await stored("default", profile_of(server)) == kept
        assert (await aio_token("login", terminal=True)).code == 0
        assert await stored("default", profile_of(server)) != kept


async def test_a_token_that_cannot_be_renewed_is_told(aio_token: CommandLine, browser: Browser) -> None:
    """It is kept all the same, with what helps."""
    async with AuthorizationServer(extra={"refresh_token": ...}) as server:
        done = await aio_token("login", *at(server), terminal=True)
    assert done.code == 0
    assert "--scope offline_access" in done.err


@pytest.mark.parametrize("origin", ["api.example", "http://api.example", "https://api.example/v1"])
async def test_an_origin_is_an_origin(origin: str, aio_token: CommandLine) -> None:
    """Law A2: scheme, host and port, and https; 2 otherwise."""
    assert (await aio_token("login", "--origin", origin)).code == 2


async def test_an_issuer_that_is_away(aio_token: CommandLine, browser: Browser) -> None:
    """4: it may come back."""
    async with AuthorizationServer() as server:
        for endpoint in ("oauth-authorization-server", "openid-configuration"):
            server.inject(Broken(), endpoint=endpoint)
        assert (await aio_token("login", *at(server), terminal=True)).code == 4


async def test_new_keys_differ(aio_token: CommandLine) -> None:
    """Each is random, and of the form that the stores read."""
    keys = {(await aio_token("new-key")).out for _ in range(2)}
    assert len(keys) == 2
    assert {len(key.strip()) for key in keys} == {len(new_key())}


async def test_a_sign_in_over_a_live_session_lives(aio_token: CommandLine) -> None:
    """Law E3: a command is not told whether a server would end the new session with the old one: that is left alone."""
    async with AuthorizationServer(device_interval=1.0, revocation_ends_grant=True) as server:
        for _ in range(2):
            assert (await by_code(aio_token, server, "work", *at(server), terminal=True)).code == 0
        assert server.accepts((await aio_token("token", "work", "--force")).out.strip())
