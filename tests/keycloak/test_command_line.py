"""The command line and a real Keycloak: processes as a shell starts them, and a person who signs in.

The person's pages are fetched without a browser engine, which Keycloak's forms do not need: see
`tests/support/browser.py`.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.keycloak.realm import BOT_SECRET

if TYPE_CHECKING:
    from tests.keycloak.administration import Administration
    from tests.keycloak.api import IntrospectingAPI
    from tests.keycloak.server import Keycloak
    from tests.keycloak.shell import Done, Shell
    from tests.support.browser import Person

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1_800)]  # seconds, the first download included

COMPLETE = r"Or open (\S+) and compare the code\."
CURL = "curl --silent --show-error --fail --noproxy '*'"


def at(keycloak: Keycloak, *options: str) -> list[str]:
    """Return the options of a person's first sign-in."""
    return ["--issuer", keycloak.issuer, "--client-id", "cli", "--scope", "openid", *options]


async def sign_in(shell: Shell, alice: Person, *options: str) -> Done:
    """Sign Alice in with a code, which she finds at the address that is shown."""
    login = await shell.start("aio-token", "login", "--device", *options)
    page = await alice.sign_in_at(await login.says(COMPLETE))
    assert "Device Login Successful" in page.text
    return await login.done()


async def test_a_session_from_its_code_to_its_end(
    keycloak: Keycloak, administration: Administration, api: IntrospectingAPI, shell: Shell, alice: Person
) -> None:
    """A code signs Alice in; her token is accepted, renewed and gone, here and at Keycloak."""
    await administration.end_sessions_of("alice")
    done = await sign_in(shell, alice, *at(keycloak, "--origin", api.url))
    assert (done.code, done.out) == (0, "")
    assert len(await administration.sessions_of("alice")) == 1
    assert (await shell.aio_token("status", "--check")).code == 0
    assert (await shell.aio_token("request", "GET", api.url)).out == "welcome"
    first = await shell.aio_token("token")
    assert (await shell.aio_token("token", "--force")).out != first.out
    assert (await shell.aio_token("request", "GET", api.url)).out == "welcome"
    assert await administration.token_requests() == {"LOGIN": 1, "REFRESH_TOKEN": 1}
    assert "revoked at the server, and deleted here" in (await shell.aio_token("logout")).err
    assert await administration.sessions_of("alice") == []
    assert (await shell.aio_token("token")).code == 3


async def test_alice_does_not_agree(keycloak: Keycloak, shell: Shell, alice: Person) -> None:
    """The exit code is 3, and there is no profile, no token and no session."""
    login = await shell.start("aio-token", "login", "--device", *at(keycloak))
    await alice.decline_at(await login.says(COMPLETE))
    done = await login.done()
    assert (done.code, "access_denied" in done.err) == (3, True)
    assert json.loads((await shell.aio_token("status", "--json")).out)["profiles"] == []


async def test_alice_signs_in_with_a_browser(keycloak: Keycloak, shell: Shell, alice: Person) -> None:
    """A wrong password keeps nothing; the right one leads back to this machine, to a page that has no secret in it."""
    login = await shell.start("aio-token", "login", "--browser", *at(keycloak, "--origin", keycloak.url))
    page = await alice.open(await login.says(r"(?m)^(http://\S+)$"))
    page = await alice.type_in(page, "wrong")
    assert page.asks_for_password
    assert (await shell.aio_token("token")).code == 3
    page = await alice.type_in(page)
    assert (page.url.host, page.url.path) == ("127.0.0.1", "/callback")
    assert not [value for value in page.url.query.values() if value in page.text]
    assert (await login.done()).code == 0
    user = await shell.aio_token("request", "GET", f"{keycloak.issuer}/protocol/openid-connect/userinfo")
    assert json.loads(user.out)["preferred_username"] == "alice"
    assert (await shell.aio_token("token", "--force")).code == 0


async def test_a_token_goes_nowhere_that_nobody_named(
    keycloak: Keycloak, api: IntrospectingAPI, shell: Shell, alice: Person
) -> None:
    """Law A1: `request` sends nothing to another origin until --send-token-to names it."""
    await sign_in(shell, alice, *at(keycloak))
    assert (await shell.aio_token("request", "GET", api.url)).code == 2
    assert api.refused == 0
    assert (await shell.aio_token("request", "GET", api.url, "--send-token-to", api.url)).out == "welcome"


async def test_two_shells_use_a_profile_at_once(
    keycloak: Keycloak, administration: Administration, api: IntrospectingAPI, shell: Shell, alice: Person
) -> None:
    """Law F5: each time that the token has ended both get one that counts, and no refresh token is presented twice."""
    await sign_in(shell, alice, *at(keycloak))
    pipeline = f"aio-token token --format curl | {CURL} --config - {api.url}"
    async with administration.tokens_live(3):
        token = await shell.aio_token("token", "--force", "--format", "json")
        for _ in range(3):
            await asyncio.sleep(json.loads(token.out)["expires_at"] + 1 - time.time())
            both = await asyncio.gather(*(shell.run("sh", "-c", pipeline) for _ in range(2)))
            assert [done.out for done in both] == ["welcome", "welcome"], both
            token = await shell.aio_token("token", "--format", "json")
    outcomes = await administration.token_requests()
    assert outcomes["REFRESH_TOKEN"] > 3
    assert outcomes["REFRESH_TOKEN_ERROR"] == 0


async def test_curl_in_a_pipeline(keycloak: Keycloak, api: IntrospectingAPI, shell: Shell, alice: Person) -> None:
    """`exec` gives a command the token and its own exit code; `token` gives one to curl by a pipe."""
    await sign_in(shell, alice, *at(keycloak))
    fetch = f'{CURL} -H "Authorization: Bearer $ACCESS_TOKEN" {api.url} | tr a-z A-Z'
    done = await shell.aio_token("exec", "default", "--min-valid", "30s", "--", "sh", "-c", fetch)
    assert (done.code, done.out, done.err) == (0, "WELCOME", "")
    refused = await shell.aio_token("exec", "default", "--variable", "OTHER", "--", "sh", "-c", f"{CURL} {api.url}")
    assert (refused.code, api.refused) == (22, 1)
    done = await shell.run("sh", "-c", f"aio-token token --format header | {CURL} -H @- {api.url}")
    assert done.out == "welcome"


async def test_a_session_that_was_ended(
    keycloak: Keycloak, administration: Administration, shell: Shell, alice: Person
) -> None:
    """Law E1: callers are told to sign in, Keycloak is asked once, and a sign-in ends that."""
    await sign_in(shell, alice, *at(keycloak))
    await administration.end_sessions_of("alice")
    for _ in range(2):
        done = await shell.aio_token("token", "--force")
        assert (done.code, done.out) == (3, "")
        assert "run: aio-token login default" in done.err
    assert (await administration.token_requests())["REFRESH_TOKEN_ERROR"] == 1
    assert (await sign_in(shell, alice)).code == 0
    assert (await shell.aio_token("token")).code == 0


def as_bot(keycloak: Keycloak, source: str) -> list[str]:
    """Return the options of the service account's first sign-in."""
    client = ["--issuer", keycloak.issuer, "--client-id", "bot", "--service-account"]
    return ["bot", *client, "--client-secret-from", source]


async def test_a_service_account(keycloak: Keycloak, api: IntrospectingAPI, shell: Shell) -> None:
    """Its secret is read from the environment whenever Keycloak is asked, and doctor finds nothing wrong."""
    shell.environment["BOT_SECRET"] = BOT_SECRET
    done = await shell.aio_token("login", *as_bot(keycloak, "env:BOT_SECRET"), "--origin", api.url)
    assert (done.code, done.out) == (0, "")
    assert (await shell.aio_token("token", "bot", "--force")).code == 0
    assert (await shell.aio_token("request", "--profile", "bot", "GET", api.url)).out == "welcome"
    doctor = await shell.aio_token("doctor", "bot")
    assert (doctor.code, {line[:4] for line in doctor.out.splitlines()}) == (0, {"ok  "}), doctor.out


async def test_a_service_account_whose_secret_comes_by_a_pipe(keycloak: Keycloak, shell: Shell) -> None:
    """Full of odd characters, it arrives, and is kept for the next token until it is to be forgotten."""
    done = await shell.aio_token("login", *as_bot(keycloak, "stdin"), stdin=f"{BOT_SECRET}\n")
    assert (done.code, done.out) == (0, "")
    assert (await shell.aio_token("token", "bot", "--force")).code == 0
    assert (await shell.aio_token("logout", "bot", "--forget")).code == 0
    assert (await shell.aio_token("token", "bot")).code == 3
