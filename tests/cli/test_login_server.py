"""`aio-token login` at servers that do not describe themselves, and for clients that sign."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import unused_port
from joserfc import jwt
from joserfc.jwk import ECKey

from aio_token.cli._login_options import Options
from aio_token.cli._profile import Profile
from aio_token.cli._profile_files import find
from aio_token.testing import AuthorizationServer, Broken, RegisteredClient
from aio_token.testing.registered_client import SECRET
from tests.cli.command_line import Browser, at, profile_file, profile_of, set_up
from tests.support.certificates import certificate_of
from tests.support.token_server import GRANTED, says, token_server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.cli.command_line import CommandLine

KEY = ECKey.generate_key("P-256", {"kid": "of its JWK"})
SIGNER = RegisteredClient("signer", public_key=KEY.as_dict(private=False))


def forms(server: AuthorizationServer, member: str) -> list[tuple[str, Sequence[str]]]:
    """Return what each request had of a member, beside the grant."""
    found = [seen.form for seen in server.seen if seen.form is not None]
    return [(str(form.get("grant_type")), form.getall(member, [])) for form in found]


async def test_a_service_account_of_a_server_without_metadata(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is discovered, and the rest of the commands get along without an issuer."""
    monkeypatch.setenv("S", SECRET)
    async with AuthorizationServer() as server:
        url = server.token_url
        given = ["--token-url", url, "--client-id", "bot", "--client-secret-from", "env:S", "--service-account"]
        done = await aio_token("login", *given)
        assert done.code == 0, done.err
        assert f"Signed in at {server.url}." in done.err
        assert (await aio_token("token", "--force")).code == 0
        assert (await aio_token("login")).code == 0
        assert f"  {server.url}, client bot" in (await aio_token("status")).out
        examined = await aio_token("doctor")
        assert examined.code == 0
        assert "issuer" not in examined.out
        assert "--token-url" not in (await aio_token("whoami")).out
    profile = find("default")
    assert profile is not None
    assert (profile.issuer, profile.token_url, profile.token_endpoint) == (None, url, url)


async def test_a_person_signs_in_at_addresses_that_are_given(aio_token: CommandLine, browser: Browser) -> None:
    """They are kept: the next sign-in needs none of them, and signing out tells the server."""
    async with AuthorizationServer() as server:
        given = ["--token-url", server.token_url, "--authorization-url", server.authorization_url]
        given += ["--revocation-url", server.revocation_url, "--issuer", server.issuer, "--client-id", "app"]
        assert (await aio_token("login", *given, terminal=True)).code == 0
        for endpoint in ("oauth-authorization-server", "openid-configuration"):
            server.inject(Broken(status=503), endpoint=endpoint)
        assert (await aio_token("login", terminal=True)).code == 0
        assert len(browser.opened) == 2
        assert "revoked at the server" in (await aio_token("logout")).err


async def test_a_server_that_wants_requests_to_be_pushed(aio_token: CommandLine, browser: Browser) -> None:
    """Law K3: by its metadata. No address that is shown or that a browser is started with has the state in it."""
    async with AuthorizationServer(pushed_only=True) as server:
        done = await aio_token("login", *at(server), "--browser", terminal=True)
        assert done.code == 0, done.err
        assert "open this address on this machine:\nhttp://127.0.0.1:" in done.err
        assert (await aio_token("token", "--force")).code == 0
    assert "state" not in done.err + browser.opened[0]


async def test_a_server_that_wants_it_without_saying_so(aio_token: CommandLine, browser: Browser) -> None:
    """Law K3: of some clients alone, as Keycloak does; one says so, and it is remembered."""
    hidden: dict[str, object] = {"require_pushed_authorization_requests": False}
    async with AuthorizationServer(pushed_only=True, metadata=hidden) as server:
        done = await aio_token("login", *at(server), "--browser", terminal=True)
        assert (done.code, "A request has to be pushed first" in done.err) == (1, True)
        for options in ([*at(server), "--push"], []):
            done = await aio_token("login", *options, "--browser", terminal=True)
            assert done.code == 0, done.err
        assert (await aio_token("login", *at(server, "bot"), "--browser", terminal=True)).code != 0


async def test_a_server_that_demands_what_it_does_not_have(aio_token: CommandLine, browser: Browser) -> None:
    """The sentence says what a person at a command line can do."""
    lacking: dict[str, object] = {"pushed_authorization_request_endpoint": None}
    async with AuthorizationServer(pushed_only=True, metadata=lacking) as server:
        done = await aio_token("login", *at(server), "--browser", terminal=True)
    assert done.code == 1
    assert "pass --push-url, or sign in with --device" in done.err
    assert not browser.opened


async def test_what_such_a_server_says_is_shown(aio_token: CommandLine, browser: Browser) -> None:
    """4: it fails while the browser waits; the browser is told, and the command ends."""
    async with AuthorizationServer(pushed_only=True) as server:
        server.inject(Broken(status=503), endpoint="par")
        done = await aio_token("login", *at(server), "--browser", terminal=True)
    assert done.code == 4
    assert "the pushed authorization request endpoint of" in done.err
    assert len(browser.opened) == 1


async def test_an_address_by_hand_comes_before_the_metadata(aio_token: CommandLine) -> None:
    """Servers leave the device flow out of their metadata; `doctor` looks at the rest of it all the same."""
    async with AuthorizationServer(metadata={"device_authorization_endpoint": None}) as server:
        given = [*at(server), "--device", "--device-url", server.device_authorization_url]
        with server.hold(endpoint="device_authorization", after=True) as hold:
            running = asyncio.create_task(aio_token("login", *given))
            await hold.arrived.wait()
            server.approve(server.user_codes[0])
            hold.release()
            assert (await running).code == 0
        assert "describes itself as it did at the sign-in" in (await aio_token("doctor")).out


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (["--issuer", "https://id.example"], "--issuer and --client-id are needed, or --token-url"),
        (["--client-id", "app"], "--issuer and --client-id are needed, or --token-url"),
        (["--metadata-url", "https://id.example", "--client-id", "app"], "--issuer and --client-id are needed"),
    ],
)
async def test_what_is_needed_at_first(given: list[str], match: str, aio_token: CommandLine) -> None:
    """It is a matter of the command line."""
    done = await aio_token("login", "--device", *given)
    assert (done.code, match in done.err) == (2, True)


async def test_an_address_that_no_secret_may_go_to(aio_token: CommandLine) -> None:
    """Law A2: by hand as well, and no profile is left."""
    given = ["--token-url", "http://id.example/token", "--client-id", "app", "--device-url", "https://id.example/d"]
    done = await aio_token("login", "--device", *given)
    assert (done.code, "the address of the token endpoint is not https" in done.err) == (1, True)
    assert not profile_file().exists()


@pytest.mark.parametrize("where", ["--issuer", "--metadata-url"])
async def test_the_address_of_the_metadata_is_remembered(where: str, aio_token: CommandLine, browser: Browser) -> None:
    """Pasted in the place of the issuer, or said as what it is."""
    async with AuthorizationServer(path="/a") as server:
        pasted = f"{server.issuer}/.well-known/openid-configuration"
        given = ["--issuer", server.issuer, where, pasted, "--client-id", "app"]
        assert (await aio_token("login", *given, terminal=True)).code == 0
        profile = find("default")
        assert profile is not None
        assert (profile.issuer, profile.metadata_url) == (server.issuer, pasted)
        assert (await aio_token("login", terminal=True)).code == 0
        assert "describes itself as it did" in (await aio_token("doctor")).out


async def test_metadata_that_is_nowhere_usual(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked each time, and shown without its query in what `doctor` says."""
    monkeypatch.setenv("S", SECRET)
    async with AuthorizationServer() as server:
        metadata = {"issuer": server.issuer, "token_endpoint": server.token_url}
        async with token_server(says(metadata), says(metadata), says(metadata), says({}, status=404)) as elsewhere:
            given = [*at(server, "bot"), "--metadata-url", f"{elsewhere.url}/odd?p=q", "--client-secret-from", "env:S"]
            assert (await aio_token("login", *given, "--service-account")).code == 0
            assert (await aio_token("login")).code == 0
            assert "describes itself as it did" in (await aio_token("doctor")).out
            gone = await aio_token("doctor")
            assert f"publishes no metadata: {elsewhere.url}/odd answered 404;" in gone.out
        assert [sent.path for sent in elsewhere.received] == ["/odd?p=q"] * 4


async def test_a_resource_is_asked_for_in_every_request(aio_token: CommandLine, browser: Browser) -> None:
    """RFC 8707 section 2: in the browser's address, with the code and with the refresh token; again at a next login."""
    wanted = ["https://api.example/a", "https://api.example/b"]
    async with AuthorizationServer() as server:
        options = [option for uri in wanted for option in ("--resource", uri)]
        assert (await aio_token("login", *at(server), *options, terminal=True)).code == 0
        assert (await aio_token("token", "--force")).code == 0
        assert (await aio_token("login", terminal=True)).code == 0
        assert [members for grant, members in forms(server, "resource") if grant != "None"] == [wanted] * 3
    profile = find("default")
    assert profile is not None
    assert profile.resource == tuple(wanted)


async def test_a_service_account_asks_for_a_resource(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law E4: the token of the profile is for it and for the audience, and is recognised as such."""
    monkeypatch.setenv("S", SECRET)
    async with AuthorizationServer() as server:
        given = [*at(server, "bot"), "--client-secret-from", "env:S", "--service-account", "--audience", "api"]
        assert (await aio_token("login", *given, "--resource", "https://api.example")).code == 0
        first = (await aio_token("token")).out
        assert (await aio_token("token")).out == first
        assert forms(server, "resource") == [("client_credentials", ["https://api.example"])]


@pytest.mark.parametrize("uri", ["http://localhost:{}/back", "http://localhost:{}", "http://127.0.0.1:{}/callback"])
async def test_a_redirect_uri_of_one_s_own(uri: str, aio_token: CommandLine, browser: Browser) -> None:
    """It is as it was registered, and remembered."""
    async with AuthorizationServer() as server:
        uri = uri.format(unused_port())
        assert (await aio_token("login", *at(server), "--redirect-uri", uri, terminal=True)).code == 0
        assert (await aio_token("login", terminal=True)).code == 0
        redirected = [members for grant, members in forms(server, "redirect_uri") if grant == "authorization_code"]
        assert redirected == [[uri if uri.count("/") > 2 else f"{uri}/"]] * 2


@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost/back",
        "http://id.example/back",
        "http://a@localhost/back",
        "http://localhost/?a=b",
        "http://localhost/#a",
        "http://localhost:x/",
        "back",
    ],
)
async def test_a_redirect_uri_leads_to_this_machine(uri: str, aio_token: CommandLine) -> None:
    """And to no other; it is a matter of the command line."""
    done = await aio_token("login", "--redirect-uri", uri)
    assert (done.code, "write it as it is registered" in done.err) == (2, True)


async def test_a_client_signs(aio_token: CommandLine, tmp_path: Path) -> None:
    """`private_key_jwt`: the profile says where the key is, which is read for each request and never shown."""
    (tmp_path / "key.pem").write_bytes(KEY.as_pem(private=True))
    (tmp_path / "certificate.pem").write_text(certificate_of(KEY))
    given = ["--client-key-from", f"file:{tmp_path}/key.pem", "--client-certificate", tmp_path / "certificate.pem"]
    given += ["--client-key-alg", "ES256", "--client-key-id", "k1"]
    async with AuthorizationServer(clients={"signer": SIGNER}) as server:
        done = await aio_token("login", *at(server, "signer"), "--service-account", *given)
        assert done.code == 0, done.err
        assert (await aio_token("token", "--force")).code == 0
        assert (await aio_token("login")).code == 0
        assertions = [members[0] for _, members in forms(server, "client_assertion")]
        headers = [jwt.decode(text, KEY, algorithms=["ES256"]).header for text in assertions]
        assert [(header["kid"], len(header["x5t#S256"])) for header in headers] == [("k1", 43)] * 3
        assert "the client's key can be read" in (await aio_token("doctor")).out
        (tmp_path / "key.pem").unlink()
        assert (await aio_token("token", "--force")).code == 1
        examined = await aio_token("doctor")
        assert (examined.code, "the client's key cannot be read" in examined.out) == (1, True)
    profile = find("default")
    assert profile is not None
    assert profile.client_auth == "private_key_jwt"


async def test_a_key_of_the_environment(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept from what `exec` runs, and missed in words."""
    monkeypatch.setenv("K", KEY.as_pem(private=True).decode())
    async with AuthorizationServer(clients={"signer": SIGNER}) as server:
        given = ["--service-account", "--client-key-from", "env:K", "--client-key-alg", "ES256"]
        assert (await aio_token("login", *at(server, "signer"), *given)).code == 0
        profile = find("default")
        assert profile is not None
        assert profile.secret_variables == {"K", "AIO_TOKEN_KEY"}
        monkeypatch.delenv("K")
        done = await aio_token("token", "--force")
        assert (done.code, "the client's key is missing: set the environment variable K" in done.err) == (1, True)


@pytest.mark.parametrize("source", ["prompt", "stdin", "-----BEGIN PRIVATE KEY-----", "env:", "file:"])
async def test_what_is_no_place_of_a_key_is_refused(source: str, aio_token: CommandLine) -> None:
    """Law G5: a key on the command line would be in every list of processes, and it is not repeated."""
    done = await aio_token("login", "--client-key-from", source)
    assert (done.code, "write env:NAME or file:PATH, never the key itself" in done.err) == (2, True)


@pytest.mark.parametrize(
    "other", [["--client-secret-from", "env:S"], ["--client-auth", "client_secret_post"], ["--assertion-from", "env:A"]]
)
async def test_a_client_has_a_secret_or_a_key(other: list[str], aio_token: CommandLine) -> None:
    """Law D5: one way to prove who it is."""
    done = await aio_token("login", "--client-key-from", "env:K", *other)
    assert (done.code, "a client has a secret, a key or a platform's word" in done.err) == (2, True)


BEFORE = Profile(
    issuer="https://id.example",
    metadata_url="https://id.example/m",
    device_url="https://id.example/device",
    client_id="bot",
    token_endpoint="https://id.example/token",
    client_secret="env:S",
    client_auth="client_secret_post",
)
SIGNS = replace(
    BEFORE,
    client_secret=None,
    client_auth="private_key_jwt",
    client_key="env:K",
    client_key_alg="ES256",
    client_key_id="k1",
    client_certificate="/c",
)
BY_HAND = replace(BEFORE, issuer=None, metadata_url=None, token_url="https://id.example/token")


@pytest.mark.parametrize(
    ("before", "given", "then"),
    [
        (BEFORE, Options(), {"metadata_url": "https://id.example/m", "client_secret": "env:S"}),
        (BEFORE, Options(issuer="https://id.example"), {"device_url": "https://id.example/device"}),
        (BEFORE, Options(issuer="https://id.example/m"), {"issuer": "https://id.example", "client_secret": "env:S"}),
        (BEFORE, Options(issuer="https://other.example"), {"device_url": None, "metadata_url": None}),
        (BEFORE, Options(issuer="https://other.example"), {"client_secret": None, "client_id": "bot"}),
        (BEFORE, Options(token_url="https://id.example/t"), {"issuer": None, "client_secret": None}),
        (BEFORE, Options(client_id="other"), {"issuer": "https://id.example", "client_secret": None}),
        (BEFORE, Options(client_key="env:K"), {"client_secret": None, "client_key": "env:K", "client_key_alg": None}),
        (BY_HAND, Options(), {"issuer": None, "token_url": "https://id.example/token", "client_secret": "env:S"}),
        (BY_HAND, Options(issuer="https://id.example"), {"token_url": None, "client_secret": None}),
        (SIGNS, Options(), {"client_key": "env:K", "client_key_alg": "ES256", "client_certificate": "/c"}),
        (SIGNS, Options(client_key_id="k2"), {"client_key": "env:K", "client_key_id": "k2"}),
        (SIGNS, Options(client_key="env:L"), {"client_key": "env:L", "client_key_id": None}),
        (SIGNS, Options(client_secret="env:S"), {"client_key": None, "client_key_alg": None}),
        (SIGNS, Options(client_id="other"), {"client_key": None, "client_certificate": None}),
    ],
)
def test_what_is_remembered(before: Profile, given: Options, then: dict[str, object]) -> None:
    """Law E4: the addresses are the server's, a secret or a key is the client's."""
    found = given.over(before)
    assert {name: getattr(found, name) for name in then} == then


async def test_a_server_that_is_asked_for_nothing_but_tokens(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers everything with a token would confuse a discovery."""
    monkeypatch.setenv("S", SECRET)
    async with token_server(says(GRANTED)) as server:
        given = ["--token-url", f"{server.url}/t", "--client-id", "bot", "--client-secret-from", "env:S"]
        assert (await aio_token("login", *given, "--service-account")).code == 0
        whose = await aio_token("whoami")
        assert (whose.code, "cannot be asked" in whose.err) == (1, True)
    assert {sent.path for sent in server.received} == {"/t"}


def test_a_profile_without_a_server_is_told() -> None:
    """By the member that is missing."""
    with pytest.raises(ValueError, match="it has no issuer"):
        Profile.from_json(b'{"version": 1, "client_id": "a", "token_endpoint": "https://id.example"}')
    assert Profile.from_json(BY_HAND.to_json()) == BY_HAND
    assert BY_HAND.server == "https://id.example"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["--client-secret-from", "env:NO_SUCH"],
            "the client's secret is missing: set the environment variable NO_SUCH",
        ),
        (["--client-secret-from", "file:/no/such"], "/no/such: No such file or directory; mount it there, or name"),
        (["--client-secret-from", "file:{odd}"], "odd holds no text"),
        (["--client-secret-from", "file:{empty}"], "empty is empty"),
        (["--client-key-from", "file:/"], "the client's key cannot be read: /: Is a directory"),
        (["--assertion-from", "file:/no/such"], "the client's assertion cannot be read: /no/such"),
        (["--client-key-from", "env:K", "--client-certificate", "/no/such"], "the key's certificate cannot be read"),
    ],
)
async def test_no_person_signs_in_for_a_client_that_cannot_prove_itself(
    options: list[str], says: str, aio_token: CommandLine, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1: what it proves itself with is looked at first, and the sentence names the place; law H1: never its content."""
    monkeypatch.setenv("K", "canary-key")
    for name, content in (("odd", b"canary-\xff"), ("empty", b"\n")):
        (aio_token.directory / name).write_bytes(content)
        (aio_token.directory / name).chmod(0o600)
    places = {name: aio_token.directory / name for name in ("odd", "empty")}
    given = [option.format(**places) for option in options]
    async with AuthorizationServer() as server:
        done = await aio_token("login", *at(server), "--browser", *given, terminal=True)
    assert (done.code, browser.opened) == (1, [])
    assert says in done.err


async def test_doctor_reads_what_the_client_proves_itself_with(
    aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A platform's word too."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server, assertion="env:WORD"), server.credential(client_id="app"))
        assert "the client's assertion is missing" in (await aio_token("doctor")).out
        monkeypatch.setenv("WORD", "a.b.c")
        assert "the client's assertion can be read" in (await aio_token("doctor")).out


@pytest.mark.parametrize("option", [["--client-key-alg", "ES256"], ["--client-key-id", "1"]])
async def test_what_is_said_of_a_key_wants_one(option: list[str], aio_token: CommandLine) -> None:
    """2: without a key it would mean nothing, and be asked for a secret instead."""
    done = await aio_token("login", "--issuer", "https://id.example", "--client-id", "app", "--device", *option)
    assert (done.code, "pass --client-key-from too" in done.err) == (2, True)


@pytest.mark.parametrize(("way", "option"), [("--browser", "--authorization-url"), ("--device", "--device-url")])
async def test_an_address_that_was_not_said(way: str, option: str, aio_token: CommandLine, browser: Browser) -> None:
    """1, with the option that says it."""
    done = await aio_token("login", "--token-url", "https://id.example/t", "--client-id", "app", way, terminal=True)
    assert (done.code, f"is known; pass {option}" in done.err) == (1, True)
    assert not browser.opened


async def test_a_port_that_is_taken(aio_token: CommandLine, browser: Browser) -> None:
    """1, in words of the system's, not of Python's."""
    async with AuthorizationServer() as server:
        done = await aio_token("login", *at(server), "--browser", "--port", server.port, terminal=True)
    assert (done.code, browser.opened) == (1, [])
    assert f"port {server.port}: address already in use; free the port, or pass another --port" in done.err
