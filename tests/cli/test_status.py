"""`aio-token status`: offline, and without a token."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_file, profile_of, set_up, token_file
from tests.support.exposure import SECRETS

if TYPE_CHECKING:
    from aio_token._credential import Credential
    from tests.cli.command_line import CommandLine

SERVER = AuthorizationServer(lifetime=600)  # never started: nothing may ask it


def credential(**members: Any) -> Credential:
    """Return a credential, its token's end included."""
    given = SERVER.credential(client_id="app", scope="read")
    assert given.token is not None
    token = replace(given.token, expires_at=members.pop("expires_at", given.token.expires_at))
    return replace(given, **{"token": token, **members})


async def status_of(aio_token: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    """Return what the JSON says of each profile."""
    done = await aio_token("status", "--json", *arguments)
    assert not SECRETS.search(done.out)
    members = json.loads(done.out)
    assert members["schema"] == 1
    profiles: list[dict[str, Any]] = members["profiles"]
    return profiles


async def test_the_members(aio_token: CommandLine) -> None:
    """They are those that docs/command-line.md promises; times are whole POSIX seconds."""
    held = credential(refresh_expires_at=4_000_000_000.5)
    await set_up("default", profile_of(SERVER, scope="read"), held)
    (shown,) = await status_of(aio_token)
    assert held.token is not None
    assert shown == {
        "profile": "default",
        "issuer": SERVER.issuer,
        "client_id": "app",
        "grant": "refresh_token",
        "store": "encrypted",
        "state": "fresh",
        "usable": True,
        "renewable": True,
        "expires_at": int(held.token.expires_at or 0),
        "refresh_expires_at": 4_000_000_000,
        "retry_at": None,
        "scope": "read",
        "missing_scope": None,
        "authorization_details": None,
        "fingerprint": held.token.fingerprint,
        "bound_to": None,
        "problem": None,
    }


async def test_authorization_details_that_were_granted(aio_token: CommandLine) -> None:
    """RFC 9396: their types for people, all of them in the JSON."""
    details = [{"type": "payment", "amount": "1.00"}, {"type": "accounts\x1b[2J"}]
    held = credential()
    assert held.token is not None
    given = replace(held.token, extra={"authorization_details": details})
    await set_up("default", profile_of(SERVER), replace(held, token=given))
    (shown,) = await status_of(aio_token)
    assert shown["authorization_details"] == details
    assert "authorization details granted: payment, accounts" in (done := await aio_token("status")).out
    assert "\x1b" not in done.out


PAST = 1_000_000_000.0


@pytest.mark.parametrize(
    ("members", "state", "usable", "renewable", "code"),
    [
        ({}, "fresh", True, True, 0),
        ({"refresh_token": None}, "fresh", True, False, 0),
        ({"expires_at": PAST}, "expired", False, True, 0),
        ({"expires_at": PAST, "refresh_token": None}, "expired", False, False, 3),
        ({"expires_at": PAST, "refresh_expires_at": PAST}, "expired", False, False, 3),
        ({"token": None}, "absent", False, True, 0),
    ],
)
async def test_what_check_says(
    members: dict[str, Any], state: str, usable: bool, renewable: bool, code: int, aio_token: CommandLine
) -> None:
    """0: `token` would give one, from the store or from the server; 3: a person has to sign in."""
    await set_up("default", profile_of(SERVER), credential(**members))
    (shown,) = await status_of(aio_token, "default")
    assert (shown["state"], shown["usable"], shown["renewable"]) == (state, usable, renewable)
    assert (await aio_token("status")).code == 0
    assert (await aio_token("status", "--check")).code == code


async def test_a_server_that_rests(aio_token: CommandLine) -> None:
    """4: it failed, and is not to be asked before `retry_at`; with a good token that is no problem."""
    retry_at = time.time() + 50
    await set_up("default", profile_of(SERVER), credential(expires_at=PAST, retry_at=retry_at))
    (shown,) = await status_of(aio_token)
    assert shown["retry_at"] == pytest.approx(retry_at, abs=1)
    done = await aio_token("status", "--check")
    assert done.code == 4
    assert "the server is asked again in" in done.out
    await set_up("default", profile_of(SERVER), credential(retry_at=retry_at))
    assert (await aio_token("status", "--check")).code == 0


async def test_nothing_is_stored(aio_token: CommandLine) -> None:
    """A person has to sign in; a service account asks for itself."""
    await set_up("bot", profile_of(SERVER, grant="client_credentials", store="plain"))
    await set_up("me", profile_of(SERVER))
    assert [(one["profile"], one["state"], one["renewable"]) for one in await status_of(aio_token)] == [
        ("bot", "absent", True),
        ("me", "absent", False),
    ]
    assert (await aio_token("status", "bot", "--check")).code == 0
    assert (await aio_token("status", "--check")).code == 3


async def test_what_is_stored_belongs_to_another_client(aio_token: CommandLine) -> None:
    """Law E4: it is not used; to sign out or to correct the profile is the person's choice."""
    await set_up("default", profile_of(SERVER, client_id="other"), credential())
    done = await aio_token("status", "--check")
    assert done.code == 1
    assert "the stored token belongs to another issuer or client" in done.out


async def test_what_cannot_be_read_hides_nothing_else(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """5: the key is missing; the other profiles are shown all the same, a broken one included."""
    await set_up("a", profile_of(SERVER), credential())
    await set_up("b", profile_of(SERVER, store="plain"), credential())
    profile_file("c").write_text("{}")
    profile_file("not a name").write_text("{}")
    monkeypatch.delenv("AIO_TOKEN_KEY")
    a, b, c = await status_of(aio_token)
    assert (a["state"], a["usable"], a["store"]) == ("unreadable", False, "encrypted")
    assert "AIO_TOKEN_KEY is not set" in a["problem"]
    assert b["state"] == "fresh"
    assert (c["state"], c["issuer"]) == ("unreadable", None)
    assert "its version is not 1" in c["problem"]
    assert (await aio_token("status", "--check")).code == 5


async def test_people_read_sentences(aio_token: CommandLine) -> None:
    """How long, where, for whom, and how it is kept; no token."""
    await set_up("a", profile_of(SERVER, scope="read", store="plain"), credential(expires_at=2_000_000_000.0))
    await set_up("b", profile_of(SERVER, key="keyring"))
    await set_up("c", profile_of(SERVER, key="file:/run/key", grant="client_credentials"))
    done = await aio_token("status", "a")
    assert done.out == (
        "a: valid until 2033-05-18 03:33:20 UTC\n"
        f"  {SERVER.issuer}, client app, scope read\n"
        "  kept in clear, guarded by the file's permissions alone\n"
    )
    done = await aio_token("status")
    assert "b: sign in first: aio-token login b" in done.out
    assert "encrypted, with the key of the keyring" in done.out
    assert "c: there is no valid token; the next use obtains one" in done.out
    assert "encrypted, with the key of the file /run/key" in done.out


async def test_a_token_without_an_end(aio_token: CommandLine) -> None:
    """The server did not say; and it cannot be renewed."""
    await set_up("default", profile_of(SERVER), credential(expires_at=None, refresh_token=None))
    assert "valid until a time that the server did not tell, and cannot be renewed" in (await aio_token("status")).out


async def test_a_server_s_text_commands_no_terminal(aio_token: CommandLine) -> None:
    """Law G3: control, bidirectional and lone surrogate characters are gone, and a long scope is cut."""
    given = credential()
    assert given.token is not None
    scope = "read \x1b]0;title\x07\x9b2J\u202etxt.exe\u2066\ud800" + "A" * 3_000
    held = replace(given, token=replace(given.token, scope=scope))
    await set_up("default", profile_of(SERVER, scope="read", issuer="https://id.example/\x1b[2J\u200f"), held)
    done = await aio_token("status")
    assert all(letter.isprintable() or letter == "\n" for letter in done.out)
    assert "scope read  ]0;title" in done.out
    assert "AAA...\n" in done.out
    assert len(done.out) < 600
    assert (await status_of(aio_token))[0]["scope"].startswith("read \x1b]0;title")


async def test_there_is_no_profile(aio_token: CommandLine) -> None:
    """Data is empty, people are told how to begin; a profile that is named has to be there."""
    done = await aio_token("status")
    assert (done.code, done.out) == (0, "")
    assert "aio-token login" in done.err
    assert (await status_of(aio_token)) == []
    assert (await aio_token("status", "missing")).code == 3
    done = await aio_token("status", "--check")
    assert (done.code, "aio-token login" in done.err) == (3, True), "as `token` would"
    assert (await aio_token("status", "--check", "--json")).code == 3


async def test_looking_changes_nothing(aio_token: CommandLine) -> None:
    """A damaged file is left to those who may move it aside."""
    await set_up("default", profile_of(SERVER), credential())
    token_file("default").write_bytes(b"damaged")
    (shown,) = await status_of(aio_token)
    assert shown["state"] == "absent"
    assert token_file("default").read_bytes() == b"damaged"
    assert [file.name for file in token_file("default").parent.iterdir() if "corrupt" in file.name] == []


async def test_what_was_asked_for_and_not_granted_is_told(aio_token: CommandLine) -> None:
    """To people in words; nothing fails for it, since a person may have left a box unticked."""
    held = credential()
    assert held.issued_by is not None
    asked = replace(held, issued_by=replace(held.issued_by, scope="read write"))
    await set_up("default", profile_of(SERVER, scope="read write"), asked)
    done = await aio_token("status")
    assert done.code == 0
    assert "the server did not grant write, which was asked for" in done.out
