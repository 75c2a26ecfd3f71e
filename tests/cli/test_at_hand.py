"""A fresh token from the disk: what is answered without the whole command line, and what is left to it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest

from aio_token import Credential, Token
from aio_token.cli import _places
from aio_token.cli._at_hand import answer
from aio_token.cli._profile import Profile
from aio_token.stores.key import new_key
from tests.cli.command_line import ENDED, VALID, profile_file, set_up, token_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.command_line import CommandLine

PROFILE = Profile(
    issuer="https://id.example", client_id="app", token_endpoint="https://id.example/token", key="env:AIO_TOKEN_KEY"
)
PLAIN = replace(PROFILE, store="plain", key=None)
SPARED: tuple[str, ...] = (
    "aiofiles",
    "aiohttp",
    "asyncio",
    "authlib",
    "click",
    "concurrent.futures",
    "dataclasses",
    "filelock",
)
SPARED += ("datetime", "inspect", "logging", "platformdirs", "random", "subprocess", "threading", "yarl")
RUN = f"""
import os, sys, aio_token.cli
os._exit = sys.exit  # so that there is an end to look at
sys.argv = ["aio-token", *sys.argv[1:]]
try:
    aio_token.cli.main()
finally:
    sys.stderr.write(" ".join(name for name in ("typing", *{SPARED!r}) if name in sys.modules))
"""


def credential(profile: Profile = PROFILE, *, lives: float = 3_600, **members: object) -> Credential:
    """Return a credential that was obtained just now."""
    now = time.time()
    token = Token(access_token="kit-access-at-hand", expires_at=now + lives, extra={"id_token": VALID})
    return replace(
        Credential(token=token, obtained_at=now, refresh_token="kit-refresh-1", issued_by=profile.issued_by),
        **members,  # type: ignore[arg-type]  # whatever the test gives
    )


@pytest.mark.parametrize("kept", ["plain", "key file", "environment"])
async def test_what_a_fresh_token_does_not_import(kept: str, home: Path) -> None:
    """No event loop, no parser, no library for files, nothing of the network: only what reads and decrypts."""
    key = home / "key"
    key.write_text(new_key())
    key.chmod(0o600)
    profile = {"plain": PLAIN, "key file": replace(PROFILE, key=f"file:{key}"), "environment": PROFILE}[kept]
    await set_up("default", profile, credential(profile))
    # Not under coverage's eyes, which import half of the standard library.
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", RUN, "token", "--format", "header", "--min-valid", "90s"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=surroundings, capture_output=True, text=True, check=True
    )
    imported = "" if kept == "plain" else "typing"  # cryptography does
    assert (done.stdout, done.stderr) == ("Authorization: Bearer kit-access-at-hand\n", imported)


@pytest.mark.parametrize(
    ("arguments", "answered"),
    [
        (["token"], "kit-access-at-hand"),
        (["token", "default"], "kit-access-at-hand"),
        (["token", "--format=header"], "Authorization: Bearer kit-access-at-hand"),
        (["token", "--format", "fish", "default"], "set -gx ACCESS_TOKEN 'kit-access-at-hand'"),
        (["token", "--id-token"], VALID),
        (["token", "--force"], None),
        (["token", "--format"], None),
        (["token", "--format", "xml"], None),
        (["token", "default", "other"], None),
        (["token", "../default"], None),
        (["token", "--min-valid", "5m"], "kit-access-at-hand"),
        (["token", "--min-valid=3000", "--id-token"], VALID),
        (["token", "--min-valid", "2h"], None),
        (["token", "--min-valid", "soon"], None),
        (["token", "--min-valid"], None),
        (["token", "--help"], None),
        (["status"], None),
        ([], None),
    ],
)
async def test_what_is_answered(arguments: list[str], answered: str | None, home: Path) -> None:
    """The usual spellings are; the whole command line has the rest."""
    await set_up("default", PROFILE, credential())
    assert answer(arguments) == answered


@pytest.mark.parametrize(
    "arguments", [["token"], ["token", "--format", "json"], ["token", "--id-token"], ["token", "--min-valid", "1m"]]
)
async def test_both_ways_print_the_same(arguments: list[str], aio_token: CommandLine) -> None:
    """Whichever of them answers."""
    await set_up("default", PROFILE, credential())
    assert (await aio_token(*arguments)).out == f"{answer(arguments)}\n"


async def test_the_environment_names_the_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere; set to nothing, it names none."""
    await set_up("work", PROFILE, credential())
    assert answer(["token"]) is None
    monkeypatch.setenv("AIO_TOKEN_PROFILE", "work")
    assert answer(["token"]) == "kit-access-at-hand"
    monkeypatch.setenv("AIO_TOKEN_PROFILE", "")
    assert answer(["token"]) is None


@pytest.mark.parametrize(
    "find",
    [
        lambda: None,
        lambda: credential(lives=-1),
        lambda: credential(lives=200, obtained_at=time.time() - 3_400),  # it is due, or nearly
        lambda: credential(refresh_expires_at=time.time() - 1),
        lambda: credential(token=None),
        lambda: credential(issued_by=replace(PROFILE, client_id="other").issued_by),
    ],
    ids=["nothing", "ended", "due", "refresh token ends", "no token", "another client's"],
)
async def test_what_is_not_fresh_is_left_to_the_repository(find: Callable[[], Credential | None], home: Path) -> None:
    """It alone renews, and says what stands in the way."""
    await set_up("default", PROFILE, find())
    assert answer(["token"]) is None


@pytest.mark.parametrize("id_token", [ENDED, ""])
async def test_an_id_token_that_is_not_good(id_token: str, home: Path) -> None:
    """The whole command line renews it, or says that none came."""
    found = credential()
    assert found.token is not None
    token = replace(found.token, extra={"id_token": id_token})
    await set_up("default", PROFILE, replace(found, token=token))
    assert answer(["token", "--id-token"]) is None
    assert answer(["token"]) == "kit-access-at-hand"


async def test_what_others_may_read_or_exchange_is_no_answer(home: Path, aio_token: CommandLine) -> None:
    """Laws F4 and G5: the checks are those of the whole command line, which says what is wrong."""
    await set_up("default", PLAIN, credential(PLAIN))
    assert answer(["token"]) == "kit-access-at-hand"
    for path, mode, repaired in (
        (token_file(), 0o644, 0o600),
        (token_file().parent, 0o777, 0o700),
        (profile_file(), 0o666, 0o600),
    ):
        path.chmod(mode)
        assert answer(["token"]) is None
        assert (await aio_token("token")).code == 5
        path.chmod(repaired)
    assert answer(["token"]) == "kit-access-at-hand"


async def test_an_encrypted_token_needs_its_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law F7: without it, or with another one, there is no answer; nor with a keyring, which takes its own time."""
    await set_up("default", PROFILE, credential())
    profile_file().write_bytes(replace(PROFILE, key="keyring").to_json())
    assert answer(["token"]) is None
    profile_file().write_bytes(PROFILE.to_json())
    monkeypatch.setenv("AIO_TOKEN_KEY", new_key())
    assert answer(["token"]) is None


async def test_standard_output_that_takes_nothing(home: Path) -> None:
    """A disk that is full: 1, and a sentence instead of a traceback, which Python would print again at its end."""
    await set_up("default", PLAIN, credential(PLAIN))
    command = f"{sys.executable} -m aio_token.cli token > /dev/full"
    done = await asyncio.to_thread(
        subprocess.run, ["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "aio-token: standard output cannot be written to: No space left on device\n"


async def test_the_program_answers(home: Path) -> None:
    """0, and the token whole, though Python is not taken apart at the end."""
    await set_up("default", PROFILE, credential())
    command = [sys.executable, "-m", "aio_token", "token", "--format", "json"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["access_token"] == "kit-access-at-hand"
    assert done.stderr == ""


@pytest.mark.parametrize("at", ["", "a/relative/path"])
async def test_a_user_without_a_home(at: str, aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """1: a key made in whatever directory a command runs in would be another one in the next."""
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", "also/relative")
    monkeypatch.setenv("HOME", at)
    for arguments in (["token"], ["status"], ["login", "--issuer", "https://id.example", "--client-id", "app"]):
        done = await aio_token(*arguments)
        assert (done.code, done.out) == (1, "")
        assert "HOME is not the absolute path of a directory; set it, or XDG_CONFIG_HOME and XDG_STATE_HOME" in done.err


async def test_files_of_a_user_without_a_home(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both places are enough; what is above them is looked at up to the root."""
    monkeypatch.setenv("HOME", "")
    await set_up("default", PROFILE, credential())
    assert (await aio_token("token")).out == "kit-access-at-hand\n"
    profile_file().chmod(0o666)
    assert (await aio_token("token")).code == 5


def test_paths_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the home; that of a user who is not known is a name, as a shell has it."""
    monkeypatch.setenv("HOME", "/somewhere")
    assert _places.absolute("~/key") == Path("/somewhere/key")
    assert _places.absolute("~no-such-user/key") == Path.cwd() / "~no-such-user/key"


@pytest.mark.parametrize("named", ["", "/somewhere/else", None])
def test_places_are_those_of_every_program(named: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG's, as platformdirs knows them, which is asked on other systems."""
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        if named is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, named)
    config = platformdirs.user_config_path("aio-token", appauthor=False)
    state = platformdirs.user_state_path("aio-token", appauthor=False)
    assert (_places.configuration(), _places.state()) == (config, state)
    monkeypatch.setattr(_places, "_XDG", set())
    assert (_places.configuration(), _places.state()) == (config, state)
