"""The command line as such: names, exit codes, what a missing extra says, completion."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import ShellComplete

import aio_token.cli
from aio_token.cli import _profile_files
from aio_token.cli._app import app
from aio_token.cli._options import seconds
from aio_token.cli._profile import Profile
from tests.cli.command_line import profile_file, set_up

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command_line import CommandLine

CONTEXT = click.Context(app)
PARAMETER = click.Option(["--min-valid"])
PROFILE = Profile(issuer="https://id.example", client_id="app", token_endpoint="https://id.example/token")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["token", "--help"], ["--version"]])
async def test_help_goes_to_standard_output(arguments: list[str], aio_token: CommandLine) -> None:
    """It is what was asked for, and no failure."""
    done = await aio_token(*arguments)
    assert done.code == 0
    assert done.out
    assert done.err == ""


async def test_every_command_says_what_it_does(aio_token: CommandLine) -> None:
    """The group lists all commands with a sentence each, and each has its help."""
    names = app.list_commands(click.Context(app))
    overview = (await aio_token("--help")).out
    for name in names:
        assert f"\n  {name} " in overview
        assert (await aio_token(name, "--help")).out.count("\n") > 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["tea"],
        ["token", "--tea"],
        ["token", "../secret"],
        ["token", ".hidden"],
        ["token", "a" * 65],
        ["token", "--min-valid", "soon"],
        ["token", "--format", "xml"],
    ],
)
async def test_a_mistake_in_the_command_line_is_usage(arguments: list[str], aio_token: CommandLine) -> None:
    """2, the sentence on standard error, and nothing on standard output; a profile's name leads to no other place."""
    done = await aio_token(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Error: " in done.err


async def test_no_profile_asks_for_a_sign_in(aio_token: CommandLine) -> None:
    """3, and the command that makes one."""
    done = await aio_token("token", "work")
    assert (done.code, done.out) == (3, "")
    assert "aio-token login work --issuer URL --client-id ID" in done.err


@pytest.mark.parametrize(
    ("text", "says_so"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"version": 0}', "version is not 1"),
        ('{"version": 2}', "written by a newer aio-token"),
        ('{"version": 1}', "has no issuer"),
        ('{"version": 1, "issuer": 1}', "its issuer is not"),
        ('{"version": 1, "store": "cloud"}', "its store is not"),
        ('{"version": 1, "origins": ["https://a", 1]}', "its origins is not"),
    ],
)
async def test_a_profile_that_cannot_be_used(text: str, says_so: str, aio_token: CommandLine) -> None:
    """The sentence names the file and what is wrong with it."""
    await set_up("default", PROFILE)
    profile_file("default").write_text(text)
    done = await aio_token("token")
    assert done.code == 1
    assert says_so in done.err
    assert str(profile_file("default")) in done.err


async def test_a_profile_that_cannot_be_read(aio_token: CommandLine) -> None:
    """A directory in the file's place is told from a missing profile."""
    profile_file("default").mkdir(parents=True)
    done = await aio_token("token")
    assert done.code == 5
    assert "is a directory" in done.err


def test_a_profile_is_what_was_written() -> None:
    """Every member comes back; what a newer version added and null are passed over."""
    text = PROFILE.to_json()
    assert Profile.from_json(text) == PROFILE
    more = {**json.loads(text), "new": 1, "scope": None, "origins": ["https://api.example"]}
    assert Profile.from_json(json.dumps(more).encode()).origins == ("https://api.example",)


@pytest.mark.parametrize(("text", "duration"), [("90", 90), ("1.5s", 1.5), ("5m", 300), ("1h", 3_600), ("2d", 172_800)])
def test_durations(text: str, duration: float) -> None:
    """Seconds unless a unit says otherwise."""
    assert seconds(CONTEXT, PARAMETER, text) == duration


@pytest.mark.parametrize("text", ["", "-1", "1 m", "5min", "nan", "inf", "9" * 400])
def test_what_is_no_duration(text: str) -> None:
    """It is refused, however large."""
    with pytest.raises(click.BadParameter, match="is not a duration"):
        seconds(CONTEXT, PARAMETER, text)


async def test_a_profile_that_may_be_meant(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """3: by a name that is spelled like it, or where none was named; and how a new one is made."""
    for name in ("work", "home", "a1", "a2", "a3", "a4"):
        await set_up(name, PROFILE)
    done = await aio_token("token", "wrok")
    assert (done.code, "did you mean work? A new one is made by: aio-token login wrok" in done.err) == (3, True)
    done = await aio_token("token")
    assert "which is meant where none is named; there is a1, a2, a3, a4, home, ...: name it" in done.err
    assert "aio-token profiles default NAME" in done.err
    assert "there is no profile zzz; run: aio-token login zzz" in (await aio_token("token", "zzz")).err
    monkeypatch.setenv("AIO_TOKEN_PROFILE", "a/b")
    done = await aio_token("token")
    assert (done.code, "AIO_TOKEN_PROFILE in the environment is 'a/b'" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("member", "value"),
    [("client_secret", "canary-secret"), ("client_key", "canary-key"), ("assertion", "env:"), ("key", "floppy:a")],
)
async def test_a_secret_is_no_place_of_one(member: str, value: str, aio_token: CommandLine) -> None:
    """Law G5: a profile that a person has edited is refused by the member's name, which shows no secret."""
    await set_up("default", PROFILE)
    profile_file().write_text(json.dumps({**json.loads(PROFILE.to_json()), member: value}))
    profile_file().chmod(0o600)
    done = await aio_token("token")
    assert (done.code, f"its {member} is not what it should be" in done.err) == (1, True)
    profile_file().unlink()


async def test_profiles_are_completed(home: Path) -> None:
    """Click's own completion offers those that begin so."""
    for name in ("work", "web", "home"):
        await set_up(name, PROFILE)
    completion = ShellComplete(app, {}, "aio-token", "_AIO_TOKEN_COMPLETE")
    assert [item.value for item in completion.get_completions(["token"], "w")] == ["web", "work"]


async def test_a_bug_is_a_sentence(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """1, its kind and its place for the report; not its text, which may hold a secret."""

    def fail() -> list[str]:
        message = "canary-token"
        raise RuntimeError(message)

    monkeypatch.setattr(_profile_files, "names", fail)
    done = await aio_token("status")
    assert (done.code, done.out) == (1, "")
    assert re.search(r"RuntimeError in fail, line \d+ of \S+test_app.py; this is a bug", done.err)


def test_standard_output_may_be_any_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a program that embeds the command line replaces it."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["aio-token", "--version"])
    with pytest.raises(SystemExit) as left:
        aio_token.cli.main()
    assert left.value.code == 0
    assert stream.getvalue()


@pytest.mark.parametrize("missing", ["click", "platformdirs"])
def test_a_missing_extra_is_a_sentence(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what to install, and nothing else."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as left:
        aio_token.cli.main()
    assert left.value.code == 1
    assert capsys.readouterr().err.endswith("Run: pip install 'aio-token[cli]'\n")
