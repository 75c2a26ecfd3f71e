"""What an issuer says about itself, and what of it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import unused_port

from aio_token import ConfigurationError, Provider, PublicClient, ServerUnavailable, TokenEndpoint
from aio_token.grants.client_credentials import ClientCredentialsGrant
from aio_token.oauth import Form, Transport
from aio_token.testing import AuthorizationServer, credential
from tests.support.certificates import loopback_contexts
from tests.support.exposure import exposure
from tests.support.token_server import GRANTED, drops, says, sends, token_server

if TYPE_CHECKING:
    from aiohttp import web

    from aio_token import TokenError
    from tests.support.token_server import Answer

NOTHING_HERE = sends(b"<h1>Not Found</h1>", status=404)


def describes(path: str = "", **members: Any) -> Answer:
    """Answer with the metadata of the issuer at this path."""

    async def answer(request: web.Request) -> web.StreamResponse:
        issuer = f"{request.url.origin()}{path}"
        metadata = {"issuer": issuer, "token_endpoint": f"{issuer}/token", **members}
        return await says({name: value for name, value in metadata.items() if value is not ...})(request)

    return answer


@pytest.mark.parametrize(
    ("path", "answers", "asked"),
    [
        ("", [describes()], ["/.well-known/oauth-authorization-server"]),
        ("/realms/a", [describes("/realms/a")], ["/.well-known/oauth-authorization-server/realms/a"]),
        ("/realms/a/", [describes("/realms/a/")], ["/.well-known/oauth-authorization-server/realms/a"]),
        (
            "/realms/a",
            [NOTHING_HERE, describes("/realms/a")],
            ["/.well-known/oauth-authorization-server/realms/a", "/realms/a/.well-known/openid-configuration"],
        ),
        (
            "/",
            [sends(b"<html>", status=200), describes("/")],
            ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"],
        ),
        (
            "",
            [sends(status=503), describes()],
            ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"],
        ),
    ],
)
async def test_metadata_is_looked_for_in_both_places(path: str, answers: list[Answer], asked: list[str]) -> None:
    """RFC 8414 section 3.1 puts the well-known part before the path, OpenID Connect Discovery behind it."""
    async with token_server(*answers) as server:
        provider = await Provider.discover(server.url + path)
    assert [sent.path for sent in server.received] == asked
    assert {sent.method for sent in server.received} == {"GET"}
    assert provider.issuer == server.url + path
    assert provider.token_endpoint_url == f"{server.url}{path}/token"
    assert repr(provider) == f"<Provider {server.url}{path}>"


async def test_a_provider_yields_its_endpoints() -> None:
    """Each address by its name, None where there is none, and everything else in `metadata`."""
    names = ["authorization_endpoint", "device_authorization_endpoint", "revocation_endpoint"]
    names += ["introspection_endpoint", "userinfo_endpoint", "jwks_uri"]
    addresses = {name: f"https://id.example/{name}" for name in names}
    async with token_server(describes(**addresses, scopes_supported=["a"]), describes()) as server:
        full, bare = [await Provider.discover(server.url) for _ in range(2)]
    assert {name: getattr(full, name) for name in names} == addresses
    assert {name: getattr(bare, name) for name in names} == dict.fromkeys(names)
    assert full.metadata["scopes_supported"] == ["a"]
    with pytest.raises(TypeError):
        full.metadata["issuer"] = "other"  # type: ignore[index]


async def test_a_provider_makes_the_token_endpoint() -> None:
    """It is reached as the metadata was, and revokes; an option given then wins."""
    server_side, client_side = loopback_contexts()
    async with token_server(describes(), says(GRANTED), ssl_context=server_side) as server:
        provider = await Provider.discover(server.url, transport=Transport(ssl=client_side))
        obtained = await ClientCredentialsGrant(provider.token_endpoint(PublicClient("bot"))).obtain(None)
        assert obtained.token is not None
        with pytest.raises(ConfigurationError, match="certificate"):
            await provider.token_endpoint(PublicClient("bot"), transport=Transport()).request("password", Form())


async def test_revocation_is_wired() -> None:
    """The address of the metadata is used."""
    async with token_server(says({})) as server:
        revocation = f"{server.url}/revoke"
        metadata = {"token_endpoint": "https://id.example/token", "revocation_endpoint": revocation}
        endpoint = Provider("https://id.example", metadata).token_endpoint(PublicClient("bot"))
        assert isinstance(endpoint, TokenEndpoint)
        await endpoint.revoke(credential())
    assert [sent.path for sent in server.received] == ["/revoke"]


@pytest.mark.parametrize("names", [True, False])
async def test_the_endpoints_beside_it_are_wired(*, names: bool) -> None:
    """A token endpoint knows where people sign in, and whether answers name the issuer (RFC 9207)."""
    members: dict[str, Any] = {"authorization_response_iss_parameter_supported": names}
    members |= {name: f"https://id.example/{name}" for name in ("authorization_endpoint", "introspection_endpoint")}
    async with token_server(describes(device_authorization_endpoint="https://id.example/d", **members)) as server:
        endpoint = (await Provider.discover(server.url)).token_endpoint(PublicClient("bot"))
        assert (endpoint.issuer, endpoint.names_issuer, endpoint.client_id) == (server.url, names, "bot")
    assert endpoint.address("authorization") == "https://id.example/authorization_endpoint"
    assert endpoint.address("introspection") == "https://id.example/introspection_endpoint"
    assert endpoint.address("device authorization") == "https://id.example/d"
    with pytest.raises(ConfigurationError, match="pass revocation_url"):
        endpoint.address("revocation")


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": "https://evil.example"},
        {"issuer": ...},
        {"issuer": None},
        {"token_endpoint": ...},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": 7},
        {"token_endpoint": ""},
        {"revocation_endpoint": "http://id.example/revoke"},
        {"userinfo_endpoint": "http://id.example/me"},
        {"jwks_uri": "ftp://id.example/keys"},
        {"odd_endpoint": ["https://id.example"]},
    ],
)
async def test_metadata_that_cannot_be_trusted_is_refused(members: dict[str, Any]) -> None:
    """Law A2 and RFC 8414 section 3.3: the issuer letter by letter, and https for every address."""
    async with token_server(describes(**members)) as server:
        with pytest.raises(ConfigurationError, match=r"another issuer|https|not a URL"):
            await Provider.discover(server.url)


async def test_an_issuer_must_be_written_as_it_writes_itself() -> None:
    """RFC 8414 section 3.3: a slash more is another issuer, and the message shows the right one."""
    async with token_server(describes()) as server:
        with pytest.raises(ConfigurationError, match=f"another issuer, '{server.url}'"):
            await Provider.discover(f"{server.url}/")


@pytest.mark.parametrize(
    ("answers", "kind", "match"),
    [
        ([NOTHING_HERE], ConfigurationError, "publishes no metadata"),
        ([sends(status=302, headers={"Location": "/login"})], ConfigurationError, "publishes no metadata"),
        ([sends(b"[]")], ConfigurationError, "publishes no metadata"),
        ([sends(status=503)], ServerUnavailable, "answered 503; try again later"),
        ([NOTHING_HERE, sends(status=429)], ServerUnavailable, "answered 429"),
        ([sends(status=500), describes("/other")], ServerUnavailable, "answered 500"),
        ([describes("/other"), NOTHING_HERE], ConfigurationError, "another issuer"),
        ([drops], ServerUnavailable, "dropped the connection"),
        ([sends(bytes((1 << 20) + 1))], ServerUnavailable, "more than"),
    ],
)
async def test_what_keeps_from_discovery_is_said(answers: list[Answer], kind: type[TokenError], match: str) -> None:
    """Law D6: trouble that passes comes before what has to be configured."""
    async with token_server(*answers) as server:
        with pytest.raises(kind, match=match):
            await Provider.discover(server.url)


@pytest.mark.parametrize(
    ("issuer", "match"),
    [
        ("http://id.example", "is not https"),
        ("https://bot:canary@id.example", "password"),
        ("https://id.example/?realm=canary", "query"),
        ("id.example", "https"),
    ],
)
async def test_an_issuer_must_be_an_https_address(issuer: str, match: str) -> None:
    """Law A2 and RFC 8414 section 2: nothing is asked, and nothing of it is shown."""
    with pytest.raises(ConfigurationError, match=match) as caught:
        await Provider.discover(issuer, transport=Transport(proxy="http://user:canary@proxy"))
    assert "canary" not in exposure(caught.value)


async def test_an_issuer_that_cannot_be_reached_is_tried_later() -> None:
    """Law D10: as for every request."""
    with pytest.raises(ServerUnavailable, match=r"^the issuer http://127\.0\.0\.1"):
        await Provider.discover(f"http://127.0.0.1:{unused_port()}")


@pytest.mark.parametrize("path", ["/realms/dmeo", "/realms/demo/", "/realms/demo/.well-known/openid-configuration"])
async def test_a_message_shows_the_address_that_was_asked(path: str) -> None:
    """Law D11: a typing error is seen in the sentence, and the name that the issuer gives itself can be copied."""
    async with AuthorizationServer(path="/realms/demo") as server:
        with pytest.raises(ConfigurationError) as caught:
            await Provider.discover(f"{server.url}{path}")
        assert f"{server.url}{path} " in str(caught.value)
        if path == "/realms/demo/":
            assert f"another issuer, '{server.issuer}'; pass that one" in str(caught.value)


@pytest.mark.parametrize(
    "other", ["https://id.example/?a=b", "https://id.example/\x1b[2J", "https://id.example/" + "a" * 400]
)
async def test_an_odd_name_of_an_issuer_is_made_fit_to_be_shown(other: str) -> None:
    """Law D6: what is no plain address passes as any other text of a server does."""
    async with token_server(describes(issuer=other)) as server:
        with pytest.raises(ConfigurationError, match="another issuer") as caught:
            await Provider.discover(server.url)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["token_endpoint", "revocation_endpoint", "jwks_uri"])
async def test_an_https_issuer_names_no_http_endpoint(name: str) -> None:
    """Law H4: nor one on this machine, where another program may listen; unless it is asked for."""
    server_side, client_side = loopback_contexts()
    transport = Transport(ssl=client_side)
    async with token_server(describes(**{name: "http://127.0.0.1:1/here"}), ssl_context=server_side) as server:
        with pytest.raises(ConfigurationError, match=f"the issuer's {name} is not https, though the issuer is"):
            await Provider.discover(server.url, transport=transport)
        await Provider.discover(server.url, transport=transport, send_secrets_over_plain_http=True)
