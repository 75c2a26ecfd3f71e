"""`aio-token token --id-token`: what clusters take instead of an access token."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from aio_token import SignInRequired, Token
from aio_token.cli._id_token import id_token_of
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import ENDED, VALID, at, jwt, profile_of, set_up

if TYPE_CHECKING:
    from tests.cli.command_line import Browser, CommandLine


async def test_the_id_token_takes_the_place_of_the_access_token(aio_token: CommandLine) -> None:
    """It comes from the store, and its own end goes into kubectl's answer."""
    async with AuthorizationServer(extra={"id_token": VALID}) as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        assert (await aio_token("token", "--force")).code == 0
        assert (await aio_token("token", "--id-token")).out == f"{VALID}\n"
        done = await aio_token("token", "--id-token", "--format", "exec-credential")
        assert server.refreshes == 1
    assert json.loads(done.out)["status"] == {"token": VALID, "expirationTimestamp": "2096-10-02T07:06:40Z"}


async def test_an_id_token_that_has_ended_is_renewed_with_the_token(aio_token: CommandLine) -> None:
    """3 if the new token comes without another one."""
    async with AuthorizationServer(extra={"id_token": ENDED}) as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        assert (await aio_token("token", "--force")).code == 0
        done = await aio_token("token", "--id-token")
        assert (done.code, done.out, server.refreshes) == (3, "", 2)
        assert "the ID token has ended" in done.err
        server.extra = {"id_token": VALID}
        assert (await aio_token("token", "--id-token")).out == f"{VALID}\n"


async def test_no_id_token_came(aio_token: CommandLine) -> None:
    """3, with the scope that asks for one; the server is not asked again."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        done = await aio_token("token", "--id-token")
    assert (done.code, done.out, server.refreshes) == (3, "", 0)
    assert "the scope openid brings none; run: aio-token login default --scope openid" in done.err


@pytest.mark.parametrize(
    "text",
    [
        "opaque",
        "a.b",
        "a.%.c",
        jwt([]),
        jwt({}),
        jwt({"exp": "tea"}),
        jwt({"exp": None}),
        jwt({"exp": float("nan")}),
        jwt({"exp": 1e300}),
        jwt({"exp": -1}),
    ],
)
async def test_an_end_that_cannot_be_read_is_unknown(text: str) -> None:
    """The ID token is handed over as it is."""
    token = Token(access_token="a", extra={"id_token": text})
    found = await id_token_of(token, pytest.fail, now=time.time(), min_valid=60)
    assert (found.access_token, found.expires_at) == (text, None)


@pytest.mark.parametrize("member", [None, 1, "", "a b", "x" * 70_000, "\ud800"])
async def test_what_is_not_an_id_token(member: object) -> None:
    """It does not leave as one."""
    token = Token(access_token="a", extra={"id_token": member})
    with pytest.raises(SignInRequired):
        await id_token_of(token, pytest.fail, now=0.0)


async def test_kubectl_gets_an_id_token_after_a_sign_in(aio_token: CommandLine, browser: Browser) -> None:
    """From the sign-in with the scope `openid` on."""
    async with AuthorizationServer() as server:
        assert (await aio_token("login", *at(server), "--browser", "--scope", "openid")).code == 0
        shown = json.loads((await aio_token("token", "--id-token", "--format", "exec-credential")).out)
        assert shown["status"]["token"].count(".") == 2
        assert "expirationTimestamp" in shown["status"]
