"""Runs command lines in this process, and signs profiles in without them."""

from __future__ import annotations

import asyncio
import base64
import getpass
import io
import json
import sys
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aio_token.cli._app import run
from aio_token.cli._profile import Profile
from aio_token.cli._session import Session
from tests.support.exposure import SECRETS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from aio_token._credential import Credential
    from aio_token.testing import AuthorizationServer


class Terminal(io.StringIO):
    """Standard input or error with a person before it, who types what it was made of."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Say so."""
        return True


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a command line."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs command lines, and looks at all that they tell people."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.said: list[str] = []

    async def __call__(self, *arguments: object, stdin: str = "", terminal: bool | Terminal = False) -> Done:
        """Run one in a thread, since it runs its own event loop; `terminal` puts a person there, with a terminal."""
        err = terminal if isinstance(terminal, Terminal) else Terminal()
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Terminal(stdin) if terminal else io.TextIOWrapper(io.BytesIO(stdin.encode())))
            if terminal:
                patch.setattr(sys, "stderr", err)
                patch.setattr(getpass, "getpass", lambda _prompt, **_: input())
            code = await asyncio.to_thread(run, [str(argument) for argument in arguments])
        shown = self._capsys.readouterr()
        done = Done(code=code, out=shown.out, err=err.getvalue() + shown.err)
        self.said.append(done.err)
        return done

    def secrets_in_view(self) -> list[str]:
        """Return what was told to people, or written where no secret belongs, with a secret in it."""
        files = [file for file in self.directory.rglob("*") if file.is_file() and file.stat().st_mode & 0o077]
        files += [file for file in (self.directory / "config").rglob("*") if file.is_file()]
        texts = self.said + [file.read_bytes().decode(errors="replace") for file in files]
        return [text for text in texts if SECRETS.search(text)]


def jwt(claims: object) -> str:
    """Return an ID token, unsigned."""
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


ENDED, VALID = jwt({"exp": 1_000_000_000}), jwt({"exp": 4_000_000_000})


def profile_of(server: AuthorizationServer, **members: object) -> Profile:
    """Return a profile of the kit's public client."""
    profile = Profile(issuer=server.issuer, client_id="app", token_endpoint=server.token_url, key="env:AIO_TOKEN_KEY")
    return replace(profile, **members)  # type: ignore[arg-type]  # whatever the test gives


async def set_up(name: str, profile: Profile, credential: Credential | None = None) -> None:
    """Write a profile and its credential, as `login` would."""
    session = Session(name, profile)
    file = session.profile_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(profile.to_json())
    if credential is not None:
        async with session.store.exclusive() as slot:
            await slot.save(credential)


async def stored(name: str, profile: Profile) -> Credential | None:
    """Return what is kept for a profile."""
    return await Session(name, profile).store.load()


def session_of(name: str) -> Session:
    """Return the session of a name, for its files alone."""
    return Session(name, Profile(issuer="", client_id="", token_endpoint=""))


def profile_file(name: str = "default") -> Path:
    """Return the file of a profile."""
    return session_of(name).profile_file


def token_file(name: str = "default") -> Path:
    """Return the file of a profile's token."""
    return session_of(name).token_file


def at(server: AuthorizationServer, client_id: str = "app") -> list[str]:
    """Return the options of a first sign-in."""
    return ["--issuer", server.issuer, "--client-id", client_id]


class Browser:
    """Opens addresses as a person's browser would."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open(self, address: str) -> bool:
        """Follow the address to its end; there is no browser for it to return."""
        self.opened.append(address)
        with urllib.request.urlopen(address) as page:  # noqa: S310  the kit's
            page.read()
        return False
