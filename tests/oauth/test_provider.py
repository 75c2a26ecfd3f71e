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
        (
            "/realms/a",
            [*[NOTHING_HERE] * 3, describes("/realms/a")],
            [
                "/.well-known/oauth-authorization-server/realms/a",
                "/realms/a/.well-known/openid-configuration",
                "/.well-known/openid-configuration/realms/a",
                "/realms/a/.well-known/oauth-authorization-server",
            ],
        ),
    ],
)
async def test_metadata_is_looked_for_where_it_may_be(path: str, answers: list[Answer], asked: list[str]) -> None:
    """RFC 8414 section 3.1 puts the well-known part before the path, OpenID Connect Discovery behind it.

    Servers mix the two. Without a path both are one place.
    """
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
        {"mtls_endpoint_aliases": {"token_endpoint": "http://id.example/token"}},
    ],
)
async def test_metadata_that_cannot_be_trusted_is_refused(members: dict[str, Any]) -> None:
    """Law A2 and RFC 8414 section 3.3: the issuer letter by letter, and https for every address."""
    async with token_server(describes(**members)) as server:
        with pytest.raises(ConfigurationError, match=r"another issuer|which issuer|https|not a URL"):
            await Provider.discover(server.url)


async def test_an_issuer_must_be_written_as_it_writes_itself() -> None:
    """RFC 8414 section 3.3: a slash more is another issuer, and the message shows the right one."""
    async with token_server(describes()) as server:
        with pytest.raises(ConfigurationError, match=f"another issuer, '{server.url}'; pass that one"):
            await Provider.discover(f"{server.url}/")


@pytest.mark.parametrize(
    ("answers", "kind", "match"),
    [
        ([NOTHING_HERE], ConfigurationError, "publishes no metadata"),
        ([sends(status=302, headers={"Location": "/login"})], ConfigurationError, "redirects too often"),
        ([sends(status=302)], ConfigurationError, "redirects to no address, which is not followed"),
        (
            [sends(status=307, headers={"Location": "https://d1a2b3c4d5e6f7.cdn.example/x?y=canary"})],
            ConfigurationError,
            "oauth-authorization-server redirects to https://d1a2b3c4d5e6f7.cdn.example, which is not followed",
        ),
        ([sends(status=307, headers={"Location": "//[/"})], ConfigurationError, "redirects to an unusable address"),
        ([sends(b"[]")], ConfigurationError, "openid-configuration answered with what is no JSON object; check"),
        ([sends(status=503)], ServerUnavailable, "-configuration answered 503; try again later"),
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
        ("https://bot:canary@id.example/.well-known/openid-configuration", "password"),
        ("https://id.example/{tenantid}", "https://id.example/{tenantid} has a placeholder in it"),
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


async def test_a_message_shows_the_addresses_that_were_asked() -> None:
    """Law D11: a typing error is seen in the sentence."""
    async with AuthorizationServer(path="/realms/demo") as server:
        with pytest.raises(ConfigurationError) as caught:
            await Provider.discover(f"{server.url}/realms/dmeo")
    said = str(caught.value)
    assert said.startswith(f"the issuer {server.url}/realms/dmeo publishes no metadata: ")
    for path in (
        "/.well-known/oauth-authorization-server/realms/dmeo",
        "/realms/dmeo/.well-known/openid-configuration",
        "/.well-known/openid-configuration/realms/dmeo",
        "/realms/dmeo/.well-known/oauth-authorization-server",
    ):
        assert f"{server.url}{path} answered 404" in said


@pytest.mark.parametrize(("asked", "named"), [("/realms/demo/", "/realms/demo"), ("/realms/demo", "/realms/demo/")])
async def test_a_slash_at_the_end_is_told_of(asked: str, named: str) -> None:
    """Law D11: it is a part of the name, which people leave out, and the right name can be copied."""
    async with token_server(describes(named)) as server:
        with pytest.raises(ConfigurationError) as caught:
            await Provider.discover(server.url + asked)
    told = f"the metadata of {server.url}{asked} is for another issuer, '{server.url}{named}'; pass that one: the slash"
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("pasted", "issuer"),
    [
        ("/.well-known/openid-configuration", ""),
        ("/.well-known/openid-configuration/", ""),
        ("/.well-known/openid-configuration", "/"),
        ("/realms/a/.well-known/openid-configuration", "/realms/a"),
        ("/.well-known/oauth-authorization-server/realms/a", "/realms/a"),
        ("/realms/a/.well-known/openid-configuration?p=sign-in", "/realms/a/"),
    ],
)
async def test_the_address_of_the_metadata_may_be_pasted(pasted: str, issuer: str) -> None:
    """It is asked as it is, and the issuer that it is derived from has to be named, a slash at its end or not."""
    async with token_server(describes(issuer)) as server:
        provider = await Provider.discover(server.url + pasted)
        assert provider.issuer == server.url + issuer
        assert provider.token_endpoint(PublicClient("bot")).issuer == server.url + issuer
    assert [sent.path for sent in server.received] == [pasted]


@pytest.mark.parametrize("answer", [NOTHING_HERE, describes("/other")])
async def test_a_pasted_address_with_a_query_does_not_show_it(answer: Answer) -> None:
    """Law G1: as no address does."""
    async with token_server(answer) as server:
        pasted = f"{server.url}/a/.well-known/openid-configuration"
        with pytest.raises(ConfigurationError, match=pasted) as caught:
            await Provider.discover(f"{pasted}?p=canary")
    assert "canary" not in str(caught.value)


async def test_other_addresses_below_the_well_known_part_are_issuers() -> None:
    """Only those of metadata say where it is."""
    async with token_server(describes("/.well-known/acme")) as server:
        assert (await Provider.discover(f"{server.url}/.well-known/acme")).issuer == f"{server.url}/.well-known/acme"


async def test_metadata_that_is_elsewhere() -> None:
    """AD FS, Azure AD B2C: the name is one thing and the address another; the message of a first try says both."""
    async with token_server(describes("/adfs/services/trust")) as server:
        with pytest.raises(ConfigurationError) as caught:
            await Provider.discover(f"{server.url}/adfs")
        issuer = f"{server.url}/adfs/services/trust"
        metadata_url = f"{server.url}/.well-known/oauth-authorization-server/adfs"
        told = f"another issuer, {issuer!r}; pass that one, letter by letter, with metadata_url={metadata_url!r}, if"
        assert told in str(caught.value)
        provider = await Provider.discover(issuer, metadata_url=f"{metadata_url}?canary")
        assert provider.issuer == issuer
        with pytest.raises(ConfigurationError, match=f"another issuer, {issuer!r}") as caught:
            await Provider.discover(server.url, metadata_url=f"{metadata_url}?canary")
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("metadata_url", "match"),
    [
        ("http://id.example/x", "^metadata_url is not https; use https"),
        ("https://bot:canary@id.example/x", "^metadata_url holds a user name or a password"),
        ("http://127.0.0.1:1/canary", "^metadata_url is not https, though the issuer is"),
        ("", "^metadata_url is not"),
    ],
)
async def test_metadata_is_not_read_from_anywhere(metadata_url: str, match: str) -> None:
    """Laws A2 and H4: what tells where secrets go to is not read in clear; nothing is asked, and nothing shown."""
    with pytest.raises(ConfigurationError, match=match) as caught:
        await Provider.discover("https://id.example", metadata_url=metadata_url)
    assert "canary" not in exposure(caught.value)


async def test_metadata_is_read_in_clear_if_that_is_asked_for() -> None:
    """Law H4: by the argument that says so."""
    async with token_server(describes(issuer="https://id.example")) as server:
        provider = await Provider.discover(
            "https://id.example", metadata_url=server.url, send_secrets_over_plain_http=True
        )
    assert provider.token_endpoint_url == f"{server.url}/token"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_origin_is_followed(status: int) -> None:
    """django-oauth-toolkit appends a slash: metadata is public, and whose it is shows the name in it."""
    moved = sends(status=status, headers={"Location": "/a/?canary#there"})
    async with token_server(moved, sends(status=status, headers={"Location": "b"}), describes()) as server:
        assert (await Provider.discover(server.url)).issuer == server.url
    paths = [sent.path for sent in server.received]
    assert paths == ["/.well-known/oauth-authorization-server", "/a/?canary", "/a/b"]


@pytest.mark.parametrize("location", ["http://bot:canary@{}/x", "http://localhost:1/x", "https://{}/x", ""])
async def test_a_redirect_to_elsewhere_is_not_followed(location: str) -> None:
    """Law H4: another server, and another scheme, are asked only if a person says so."""

    async def moves(request: web.Request) -> web.StreamResponse:
        headers = {"Location": location.format(request.url.authority)}
        return await sends(status=302, headers=headers)(request)

    async with token_server(moves, describes()) as server:
        assert (await Provider.discover(server.url)).issuer == server.url
    assert [sent.path for sent in server.received] == [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ]


@pytest.mark.parametrize(
    ("template", "asked", "is_it"),
    [
        ("/{tenantid}/v2.0", "/common/v2.0", True),
        ("/{tenantid}/v2.0", "/8e0f/v2.0", True),
        ("/{a}/{b}", "/common/v2.0", True),
        ("/{tenantid}/v2.0", "/common/v2.0/", False),
        ("/{tenantid}/v2.0", "/common/v1.0", False),
        ("/{tenantid}/v2.0", "//v2.0", False),
        ("/x{tenantid}/v2.0", "/xcommon/v2.0", False),
        ("/{tenantid}", "/common/v2.0", False),
        ("/" + "{a}" * 4_000, "/common", False),
    ],
)
async def test_an_issuer_with_a_placeholder(template: str, asked: str, *, is_it: bool) -> None:
    """Entra ID, asked for several tenants: a placeholder is a part of the path, and the rest is letter by letter.

    Which issuer it will be is not known then: a client's JWT is for the token endpoint, and no issuer is insisted on.
    """
    supported = {"authorization_response_iss_parameter_supported": True}
    async with token_server(describes(template, token_endpoint="https://id.example/token", **supported)) as server:
        if not is_it:
            with pytest.raises(ConfigurationError, match="another issuer"):
                await Provider.discover(server.url + asked)
            return
        provider = await Provider.discover(server.url + asked)
        assert provider.issuer == server.url + asked
        endpoint = provider.token_endpoint(PublicClient("bot"))
        assert (endpoint.issuer, endpoint.names_issuer) == (None, False)
        with_template = await Provider.discover(server.url + template, metadata_url=server.url)
        assert with_template.token_endpoint(PublicClient("bot")).issuer is None


@pytest.mark.parametrize("host", ["{host}", "id.example"])
async def test_a_placeholder_stands_for_no_server(host: str) -> None:
    """RFC 8414 section 3.3: another server is another issuer."""
    async with token_server(describes(issuer=f"http://{host}/{{tenantid}}")) as server:
        with pytest.raises(ConfigurationError, match="another issuer"):
            await Provider.discover(f"{server.url}/common")


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
