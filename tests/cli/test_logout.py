"""`aio-token logout`: at the server and here, and which of the two failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token.cli._profile_files import find
from aio_token.stores.keys import new_key
from aio_token.testing import AuthorizationServer, Broken
from tests.cli.command_line import profile_of, set_up, stored, token_file

if TYPE_CHECKING:
    import pytest

    from aio_token.cli._profile import Profile
    from tests.cli.command_line import CommandLine


async def signed_in(server: AuthorizationServer, *, revocable: bool = True) -> Profile:
    """Set a profile up that is signed in."""
    profile = profile_of(server, revocation_endpoint=server.revocation_url if revocable else None)
    await set_up("default", profile, server.credential(client_id="app"))
    return profile


async def test_a_session_ends_at_the_server_and_here(aio_token: CommandLine) -> None:
    """Law E3: the refresh token is revoked, the file is gone, the profile stays for the next sign-in."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        access_token = (await aio_token("token")).out.strip()
        done = await aio_token("logout")
        assert (done.code, done.out) == (0, "")
        assert "revoked at the server, and deleted here" in done.err
        assert not server.accepts(access_token)
        assert not token_file("default").exists()
        assert find("default") is not None
        assert (await aio_token("token")).code == 3


async def test_a_server_that_cannot_be_told(aio_token: CommandLine) -> None:
    """Law E3: it is deleted here all the same; 1, and the sentence says which part failed."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server)
        server.inject(Broken(), endpoint="revoke")
        done = await aio_token("logout")
        assert done.code == 1
        assert "Deleted here, but not revoked at the server: " in done.err
        assert await stored("default", profile) is None


async def test_a_server_that_has_no_way_to_be_told(aio_token: CommandLine) -> None:
    """Nothing failed; that the token lives on is said."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server, revocable=False)
        done = await aio_token("logout")
        assert done.code == 0
        assert "is valid there until it ends" in done.err
        assert await stored("default", profile) is None


async def test_a_token_that_cannot_be_read_stays(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """5: without its key there is nothing to revoke with."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server)
        with monkeypatch.context() as patch:
            patch.delenv("AIO_TOKEN_KEY")
            done = await aio_token("logout")
        assert done.code == 5
        assert "perhaps not told, and the token is still here" in done.err
        assert await stored("default", profile) is not None


async def test_a_token_whose_key_is_lost_can_be_deleted(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5, and every command that needs the key names the way out; then a sign-in is possible with another one."""
    async with AuthorizationServer() as server:
        profile = await signed_in(server)
        monkeypatch.setenv("AIO_TOKEN_KEY", new_key())
        request = ["request", "GET", server.userinfo_url, "--send-token-to", server.url]
        for command in (["logout"], ["token"], request, ["login", "--device"]):
            done = await aio_token(*command, terminal=True)
            assert done.code == 5
            assert "if that key is lost run: aio-token logout default --local, then sign in again" in done.err
        done = await aio_token("logout", "--local")
        assert done.code == 0
        assert "Deleted here. The server was not told" in done.err
        assert (await aio_token("token")).code == 3
        await set_up("default", profile, server.credential(client_id="app"))
        assert (await aio_token("token")).code == 0


async def test_a_token_that_cannot_be_deleted(aio_token: CommandLine) -> None:
    """5: the session has ended at the server, and the sentence says so."""
    async with AuthorizationServer() as server:
        await signed_in(server)
        aside = token_file("default").with_name("default.token.corrupt-20260101T000000.000000Z")
        aside.mkdir()
        done = await aio_token("logout")
        assert done.code == 5
        assert "has ended at the server, but the token is still here" in done.err


async def test_who_is_not_signed_in_is_told(aio_token: CommandLine) -> None:
    """It is no failure; --forget removes the profile, and a profile that is not there is one."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server))
        done = await aio_token("logout", "--forget")
        assert done.code == 0
        assert "was not signed in" in done.err
        assert find("default") is None
        assert (await aio_token("logout")).code == 3


async def test_another_client_s_credential_is_left_alone(aio_token: CommandLine) -> None:
    """Law E4: the profile was changed by hand; what is stored is neither shown nor deleted."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server, client_id="other"), server.credential(client_id="app"))
        done = await aio_token("logout")
        assert done.code == 1
        assert "left alone" in done.err
        assert await stored("default", profile_of(server)) is not None
