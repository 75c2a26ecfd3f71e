"""A profile whose client shows a certificate in TLS, and one that asks for authorization details."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aio_token.cli._login_options import Options
from aio_token.cli._profile import Profile
from aio_token.cli._profile_files import find
from aio_token.testing import AuthorizationServer, CertificateAuthority, ProtectedAPI, RegisteredClient
from tests.cli.command_line import Browser, at, profile_file, set_up

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command_line import CommandLine

PAYMENT = {"type": "payment", "amount": "1.00"}


async def test_a_certificate_proves_the_client_and_is_shown_to_the_api(aio_token: CommandLine, tmp_path: Path) -> None:
    """Law K2: sign-in, renewal, request and sign-out show it; the request of another program is refused without it."""
    authority = CertificateAuthority(tmp_path)
    authority.issue("bot")
    async with (
        AuthorizationServer(ssl_context=authority.server_context(), certificate_bound=True) as server,
        ProtectedAPI(server, ssl_context=authority.server_context()) as api,
    ):
        server.register(RegisteredClient("bot", tls_subject="CN=bot"))
        shown = ["--certificate", tmp_path / "bot.pem", "--certificate-key", tmp_path / "bot.key"]
        here = [*at(server, "bot"), "--service-account", "--ca-file", authority.ca_file, "--origin", api.url]
        done = await aio_token("login", *here, *shown)
        assert (done.code, done.out) == (0, "")
        assert (await aio_token("token", "--force")).code == 0
        done = await aio_token("request", "GET", f"{api.url}/me", "-v")
        assert (done.code, json.loads(done.out)["path"]) == (0, "/me")
        assert (await aio_token("doctor")).out.count("bot.pem can be shown") == 1
        done = await aio_token("login", "--service-account")  # the files are remembered
        assert done.code == 0
        (tmp_path / "bot.pem").unlink()
        done = await aio_token("doctor")
        assert (done.code, "cert" in done.out, str(tmp_path / "bot.pem") in done.out) == (1, True, True)
        authority.issue("bot")
        assert (await aio_token("logout")).code == 0


async def test_the_addresses_for_a_certificate_are_remembered(aio_token: CommandLine, tmp_path: Path) -> None:
    """RFC 8705 section 5: a renewal asks where the sign-in did, and the session is the server's all the same."""
    authority = CertificateAuthority(tmp_path)
    authority.issue("bot")
    async with AuthorizationServer(ssl_context=authority.server_context()) as server:
        server.register(RegisteredClient("bot", tls_subject="CN=bot"))
        dead = "https://127.0.0.1:9"
        server.metadata = {
            "token_endpoint": f"{dead}/token",
            "mtls_endpoint_aliases": {"token_endpoint": server.token_url, "revocation_endpoint": server.revocation_url},
        }
        shown = ["--certificate", tmp_path / "bot.pem", "--certificate-key", tmp_path / "bot.key"]
        here = [*at(server, "bot"), "--service-account", "--ca-file", authority.ca_file]
        assert (await aio_token("login", *here, *shown)).code == 0
        assert (await aio_token("token", "--force")).code == 0
        assert "that of https://127.0.0.1" in (await aio_token("doctor")).out
        profile = find("default")
    assert profile is not None
    assert (profile.token_endpoint, profile.token_alias) == (f"{dead}/token", server.token_url)
    assert profile.revocation_alias == server.revocation_url


async def test_a_certificate_without_an_origin_of_https(aio_token: CommandLine, tmp_path: Path) -> None:
    """An API of this machine is met as ever."""
    authority = CertificateAuthority(tmp_path)
    authority.issue("app")
    async with AuthorizationServer() as server, ProtectedAPI(server) as api:
        profile = Profile(
            issuer=server.issuer,
            client_id="app",
            token_endpoint=server.token_url,
            key="env:AIO_TOKEN_KEY",
            certificate=str(tmp_path / "app.pem"),
            certificate_key=str(tmp_path / "app.key"),
            origins=(api.url,),
        )
        await set_up("default", profile, server.credential(client_id="app"))
        assert (await aio_token("request", "GET", f"{api.url}/x")).code == 0
        assert "app.pem can be shown" in (await aio_token("doctor")).out


async def test_a_key_with_a_password(aio_token: CommandLine, tmp_path: Path) -> None:
    """1, before anybody is asked, for it or for anything else; and the command that writes one without."""
    CertificateAuthority(tmp_path).issue("bot", password="canary-password")
    shown = ["--certificate", tmp_path / "bot.pem", "--certificate-key", tmp_path / "bot.key"]
    here = ["--issuer", "https://127.0.0.1:9", "--client-id", "bot", "--service-account"]
    done = await aio_token("login", *here, *shown, terminal=True)
    assert (done.code, "it has a password; write it without one: openssl pkey" in done.err) == (1, True)


async def test_a_key_wants_its_certificate(aio_token: CommandLine, tmp_path: Path) -> None:
    """2, before anybody is asked."""
    (tmp_path / "a.key").touch()
    given = [
        "--issuer",
        "https://id.example",
        "--client-id",
        "app",
        "--device",
        "--certificate-key",
        tmp_path / "a.key",
    ]
    done = await aio_token("login", *given)
    assert (done.code, "pass --certificate too" in done.err) == (2, True)


BEFORE = Profile(
    issuer="https://id.example",
    client_id="app",
    token_endpoint="https://id.example/token",
    certificate="/a.pem",
    certificate_key="/a.key",
    push_url="https://id.example/par",
    authorization_details='[{"type":"payment"}]',
)


def test_what_is_remembered() -> None:
    """Both files while the client is the same one, and the key as long as the certificate is; the rest as its kin."""
    again = Options().over(BEFORE)
    assert (again.certificate, again.certificate_key, again.push_url) == ("/a.pem", "/a.key", BEFORE.push_url)
    assert again.authorization_details == BEFORE.authorization_details
    renewed = Options(certificate="/b.pem").over(BEFORE)
    assert (renewed.certificate, renewed.certificate_key) == ("/b.pem", None)
    other = Options(client_id="other").over(BEFORE)
    assert (other.certificate, other.certificate_key) == (None, None)
    elsewhere = Options(issuer="https://other.example").over(BEFORE)
    assert (elsewhere.push_url, elsewhere.certificate) == (None, None)


async def test_details_are_asked_for(aio_token: CommandLine, browser: Browser, tmp_path: Path) -> None:
    """RFC 9396: as text or from a file, by browser and for a service account; what was granted is in `status`."""
    file = tmp_path / "details.json"
    file.write_text(json.dumps([PAYMENT]))
    file.chmod(0o600)
    async with AuthorizationServer() as server:
        for given in (json.dumps(PAYMENT), f"@{file}"):
            done = await aio_token("login", *at(server), "--browser", "--authorization-details", given, terminal=True)
            assert done.code == 0
            shown = json.loads((await aio_token("status", "--json")).out)["profiles"][0]
            assert shown["authorization_details"] == [PAYMENT]
    assert len(browser.opened) == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("payment", "this is not JSON; write it like"),
        ('[{"amount": 1}]', "a mapping that names its type"),
        ('"payment"', "authorization_details is a list of mappings"),
        ("@/no/such", "/no/such: No such file or directory"),
    ],
)
async def test_details_that_are_none(given: str, says: str, aio_token: CommandLine) -> None:
    """2, and how they are written."""
    done = await aio_token("login", "--authorization-details", given)
    assert (done.code, says in done.err) == (2, True)


@pytest.mark.parametrize("details", ["{}", "payment"])
async def test_details_of_a_profile_that_was_edited(details: str, aio_token: CommandLine) -> None:
    """1: a profile is judged as it is read."""
    await set_up("default", BEFORE)
    profile_file().write_bytes(replace(BEFORE, authorization_details=details).to_json())
    assert "its authorization_details is not what it should be" in (await aio_token("token")).err


async def test_a_request_is_pushed_where_it_was_said(aio_token: CommandLine, browser: Browser) -> None:
    """RFC 9126, for a server without metadata: an address of its own has requests pushed, and is remembered."""
    async with AuthorizationServer(pushed_only=True) as server:
        given = ["--token-url", server.token_url, "--authorization-url", server.authorization_url]
        done = await aio_token(
            "login",
            *(*given, "--push-url", server.pushed_authorization_request_url, "--client-id", "app", "--browser"),
            terminal=True,
        )
        assert (done.code, len(browser.opened)) == (0, 1)
        profile = find("default")
    assert profile is not None
    assert (profile.push, profile.push_url) == ("always", server.pushed_authorization_request_url)
