"""What a resource says about itself, and what of it is believed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import TCPConnector, web
from aiohttp.abc import AbstractResolver
from aiohttp.test_utils import unused_port

from aio_token import ConfigurationError, ServerUnavailable
from aio_token.oauth import Transport
from aio_token.oauth.private import Names, is_private, looking_up
from aio_token.oauth.provider import Provider
from aio_token.oauth.transport import DIRECT
from aio_token.resources import ProtectedResource
from aio_token.resources._metadata import SoughtResource
from aio_token.resources._servers import Surroundings
from aio_token.testing import AuthorizationServer, Dropped, ProtectedAPI, Refusal
from tests.support.exposure import exposure
from tests.support.token_server import says, sends, token_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.token_server import Answer

WELL_KNOWN = "/.well-known/oauth-protected-resource"
NOTHING_HERE = sends(b"<h1>Not Found</h1>", status=404)


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer() as server:
        yield server


def describes(path: str = "", **members: Any) -> Answer:
    """Answer with the metadata of the resource at this path."""

    async def answer(request: web.Request) -> web.StreamResponse:
        metadata = {"resource": f"{request.url.origin()}{path}", **members}
        return await says({name: value for name, value in metadata.items() if value is not ...})(request)

    return answer


@pytest.mark.parametrize("path", ["", "/mcp", "/a/b"])
async def test_a_resource_says_whose_tokens_it_takes(server: AuthorizationServer, path: str) -> None:
    """Law L1: its 401 says where the metadata is, and that names the resource and its authorization server."""
    metadata = {"scopes_supported": ["read", "write"]}
    async with ProtectedAPI(server, resource=path, metadata=metadata) as api:
        found = await ProtectedResource.discover(api.resource_url, servers=[server.issuer])
    assert (found.url, found.origin, found.scope) == (api.resource_url, api.url, "read write")
    assert found.provider.issuer == server.issuer
    assert found.metadata["bearer_methods_supported"] == ["header"]
    with pytest.raises(TypeError):
        found.metadata["resource"] = "other"  # type: ignore[index]
    assert repr(found) == f"<ProtectedResource at {api.url} of {server.issuer}>"
    assert [request.headers.get("Authorization") for request in api.seen] == [None, None]


async def test_the_scope_of_the_challenge_comes_first(server: AuthorizationServer) -> None:
    """RFC 6750 section 3: a 401 may say which scope the resource wants here."""
    wants = Refusal(challenges=('Basic realm="x"', 'Bearer scope="read here"'))
    async with ProtectedAPI(server, resource="", refusal_without_token=wants) as api:
        assert (await ProtectedResource.discover(api.url, servers=server.issuer)).scope == "read here"


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        (sends(status=200), ["/mcp", f"{WELL_KNOWN}/mcp"]),
        (sends(status=405), ["/mcp", f"{WELL_KNOWN}/mcp"]),
        (sends(status=401, headers={"WWW-Authenticate": 'Bearer realm="x"'}), ["/mcp", f"{WELL_KNOWN}/mcp"]),
        (
            sends(status=401, headers={"WWW-Authenticate": 'Digest resource_metadata="x"'}),
            ["/mcp", f"{WELL_KNOWN}/mcp"],
        ),
    ],
)
async def test_without_a_word_it_is_looked_for_in_the_usual_places(
    server: AuthorizationServer, first: Answer, asked: list[str]
) -> None:
    """Law L1: a well-known part before the path (RFC 9728 section 3.1); no more is asked than needed."""
    async with token_server(first, describes("/mcp", authorization_servers=[server.issuer])) as api:
        found = await ProtectedResource.discover(f"{api.url}/mcp", servers=[server.issuer])
    assert [sent.path for sent in api.received] == asked
    assert found.scope is None


async def test_a_resource_that_does_not_answer_without_a_token(server: AuthorizationServer) -> None:
    """It may hang up: its metadata is asked for all the same."""
    async with ProtectedAPI(server, resource="") as api:
        api.inject(Dropped(), times=None)
        found = await ProtectedResource.discover(api.url, servers=[server.issuer])
    assert found.url == api.url


@pytest.mark.parametrize(
    ("pointer", "answers", "message"),
    [
        ("https://elsewhere.example/metadata", [], "at another origin, https://elsewhere.example"),
        ("http://169.254.169.254/latest", [], "is not https"),
        ("not an address", [], "is not an https URL"),
        (
            "{origin}/here",
            [describes("/other")] * 3,
            "that of another resource, 'http://127.0.0.1:.*/other'; pass that one",
        ),
        ("{origin}/here", [describes("/mcp", resource=...)] * 3, "does not say of which resource it is"),
        ("{origin}/here", [describes("/mcp", resource=["x"])] * 3, "does not say of which resource it is"),
        ("{origin}/here", [describes("/mcp", bearer_methods_supported=["query"])] * 3, "takes no token in a header"),
        ("{origin}/here", [sends(status=302, headers={"Location": "https://other.example/"})] * 3, "is not followed"),
        ("{origin}/here", [NOTHING_HERE] * 3, "publishes no metadata"),
        ("{origin}/here", [sends(b"{" + b" " * 300_000)] * 3, "has trouble.* more than 262144 bytes"),
        ("{origin}/here", [describes("/mcp")], "names no authorization server"),
        ("{origin}/here", [describes("/mcp", authorization_servers="x")], "names no authorization server"),
        (
            "{origin}/here",
            [describes("/mcp", authorization_servers=[3, "", "a b", "é"])],
            "names no authorization server",
        ),
    ],
)
async def test_what_is_not_believed(pointer: str, answers: list[Answer], message: str) -> None:
    """Law L1: metadata of another origin or another resource, redirects, huge answers, names that are none."""

    async def first(request: web.Request) -> web.StreamResponse:
        at = pointer.format(origin=request.url.origin())
        return await sends(status=401, headers={"WWW-Authenticate": f'Bearer resource_metadata="{at}"'})(request)

    async with token_server(first, *answers) as api:
        with pytest.raises((ConfigurationError, ServerUnavailable), match=message):
            await ProtectedResource.discover(f"{api.url}/mcp", servers=[])
    assert all(sent.path in {"/mcp", "/here", WELL_KNOWN, f"{WELL_KNOWN}/mcp"} for sent in api.received)


async def test_a_server_that_no_one_has_named_is_not_asked(server: AuthorizationServer) -> None:
    """Law L1: a hostile resource names its own authorization server, where a person would sign in."""
    async with AuthorizationServer() as hostile, ProtectedAPI(hostile, resource="") as api:
        for servers in ((), [server.issuer], server.issuer):
            with pytest.raises(
                ConfigurationError, match=r"which no one here has named; if that is right, pass servers="
            ):
                await ProtectedResource.discover(api.url, servers=servers)
        with hostile.hold(endpoint="oauth-authorization-server") as hold:
            with pytest.raises(ConfigurationError):
                await ProtectedResource.discover(api.url)
            assert not hold.arrived.is_set()


async def test_a_person_may_agree(server: AuthorizationServer) -> None:
    """Law L1: with the server's address before them; anything but True is no yes."""
    asked: list[str] = []

    def says_no(address: str) -> bool:
        asked.append(address)
        return False

    async def says_yes(address: str) -> bool:
        asked.append(address)
        return True

    async with ProtectedAPI(server, resource="") as api:
        for answer in (says_no, lambda _: "yes"):
            with pytest.raises(ConfigurationError, match="no one here has named"):
                await ProtectedResource.discover(api.url, agree=answer)  # type: ignore[arg-type]
        assert (await ProtectedResource.discover(api.url, agree=says_yes)).provider.issuer == server.issuer
        assert asked == [server.issuer] * 2


async def test_of_several_the_one_that_is_known_is_taken(server: AuthorizationServer) -> None:
    """Law L1: whatever stands before it; at most sixteen are read."""
    others = [f"https://id-{number}.example" for number in range(3)]
    async with ProtectedAPI(server, resource="") as api:
        api.metadata = {"authorization_servers": [*others, server.issuer]}
        assert (
            await ProtectedResource.discover(api.url, servers=[f"{server.issuer}/"])
        ).provider.issuer == server.issuer
        api.metadata = {"authorization_servers": [*others * 6, server.issuer]}
        with pytest.raises(ConfigurationError, match="id-0"):
            await ProtectedResource.discover(api.url, servers=[server.issuer])


async def test_a_resource_that_names_none_is_served_by_what_is_known(server: AuthorizationServer) -> None:
    """RFC 9728 section 2: the member is optional; an empty list is none."""
    async with ProtectedAPI(server, resource="", metadata={"authorization_servers": ...}) as api:
        assert (await ProtectedResource.discover(api.url, servers=[server.issuer])).provider.issuer == server.issuer
        api.metadata = {"authorization_servers": []}
        with pytest.raises(ConfigurationError, match="names no authorization server"):
            await ProtectedResource.discover(api.url, servers=[server.issuer])


class Loopback(AbstractResolver):
    """Leads every name to this machine, as no one outside can see."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        """Return this machine."""
        found = {"hostname": host, "host": "127.0.0.1", "port": self._port, "family": family, "proto": 0, "flags": 0}
        return [found]

    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("http://169.254.169.254/", "is on a private address, which only a resource on one may name"),
        ("https://10.0.0.1", "private address"),
        ("http://localhost:8080", "private address"),
        ("https://[::ffff:192.168.0.1]", "private address"),
        ("https://user:password@id.example", "holds a user name or a password"),
        ("ftp://id.example", "is not an https URL"),
    ],
)
async def test_a_public_resource_names_no_private_server(named: str, message: str) -> None:
    """Law L1: not with a yes, nor where it was named here."""

    async def metadata(request: web.Request) -> web.StreamResponse:
        return await says({"resource": "http://api.example", "authorization_servers": [named]})(request)

    async with token_server(NOTHING_HERE, metadata) as api:
        port = int(api.url.rpartition(":")[2])
        transport = Transport(connector=lambda: TCPConnector(resolver=Loopback(port)))
        with pytest.raises(ConfigurationError, match=message) as raised:
            await ProtectedResource.discover(
                "http://api.example",
                servers=[named],
                agree=lambda _: True,
                transport=transport,
                send_secrets_over_plain_http=True,
            )
    assert "password@" not in str(raised.value)


@pytest.mark.parametrize("at", ["http://10.0.0.1/token", "http://\uff11\uff10.0.0.1/token", "http://[::1]/token"])
async def test_nor_does_the_server_that_it_names(at: str) -> None:
    """Law L1: an endpoint of a server that is believed leads to no private address either, however it is written."""
    answers = [
        NOTHING_HERE,
        says({"resource": "http://api.example", "authorization_servers": ["http://id.example"]}),
        says({"issuer": "http://id.example", "token_endpoint": at}),
    ]

    async def find() -> ProtectedResource:
        async with token_server(*answers) as both:
            port = int(both.url.rpartition(":")[2])
            transport = Transport(connector=lambda: TCPConnector(resolver=Loopback(port)))
            named: Any = {"servers": "http://id.example", "send_secrets_over_plain_http": True}
            return await ProtectedResource.discover("http://api.example", transport=transport, **named)

    with pytest.raises(ConfigurationError, match=r"the token_endpoint of http://id\.example is on a private address"):
        await find()
    answers[2] = says({"issuer": "http://id.example", "token_endpoint": "http://id.example/token"})
    assert (await find()).provider.token_endpoint_url == "http://id.example/token"


async def test_a_name_that_leads_to_a_private_address_is_not_asked(
    server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law L1: whatever it is called, and each time that it is looked up: names may change their minds."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *given, **named: real("127.0.0.1", *given, **named))
    around = Surroundings(SoughtResource("https://api.example", plain_http=False), DIRECT, plain_http=True)
    assert not around.are_private
    issuer = f"http://id.example:{server.issuer.rpartition(':')[2]}"
    with pytest.raises(ConfigurationError, match="is not asked, as its name leads to a private address"):
        await Provider.discover(issuer, transport=around.transport_to(issuer), send_secrets_over_plain_http=True)


async def test_a_resource_on_a_private_address_may_name_one(
    server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law L1: as inside a company, where both have names; what the name leads to counts, when it is looked up."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *given, **named: real("127.0.0.1", *given, **named))
    async with ProtectedAPI(server, resource="", metadata={"resource": ...}) as api:
        url = api.url.replace("127.0.0.1", "api.corp")
        api.metadata = {"resource": url}
        api.refusal_without_token = Refusal()
        found = await ProtectedResource.discover(url, servers=[server.issuer], send_secrets_over_plain_http=True)
    assert found.provider.issuer == server.issuer


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),  # noqa: S104  it is only looked at
        ("224.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("2002:a00:1::", True),
        ("64:ff9b::a00:1", True),
        ("64:ff9b::808:808", False),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("a.localhost", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("id.example", False),
        ("", False),
        (None, False),
    ],
)
def test_private_addresses_are_known(host: str | None, private: bool) -> None:
    """Law L1: by the address, and by that which it stands for."""
    assert is_private(host) is private


def test_a_way_of_its_own_is_left_as_it_is() -> None:
    """With a proxy, or a connector of the user's, names are not looked up here."""
    proxied = Transport(proxy="http://proxy.example:3128")
    own = Transport(connector=TCPConnector)
    odd = Transport(trust_env=True)
    assert looking_up(Names(), "https://id.example", proxied) is proxied
    assert looking_up(Names(), "https://id.example", own) is own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("https_proxy", "socks5://proxy.example:1080")
        assert looking_up(Names(), "https://id.example", odd) is odd
    assert looking_up(Names(), "https://id.example", DIRECT) is not DIRECT


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"url": "api.example"}, ConfigurationError, "the resource's address is not an https URL"),
        ({"url": "https://alice:hunter2@api.example"}, ConfigurationError, "holds a user name or a password"),
        ({"url": "http://api.example"}, ConfigurationError, "is not https"),
        ({"url": "https://api.example", "servers": 3}, TypeError, "servers is the address of an authorization server"),
        ({"url": "https://api.example", "agree": "yes"}, TypeError, "agree is a function"),
        ({"url": "https://api.example", "transport": 1}, ConfigurationError, "transport is a Transport"),
    ],
)
async def test_what_cannot_work_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """At once, without a word of what was given."""
    with pytest.raises(error, match=message) as raised:
        await ProtectedResource.discover(**arguments)
    assert "hunter2" not in exposure(raised.value)


async def test_a_resource_that_is_away() -> None:
    """It is tried later."""
    with pytest.raises(ServerUnavailable, match="cannot be reached"):
        await ProtectedResource.discover(f"http://127.0.0.1:{unused_port()}/mcp")


async def test_an_https_resource_names_no_http_server() -> None:
    """Law H4, for resources: not even on this machine, unless that is said."""
    around = Surroundings(SoughtResource("https://127.0.0.1", plain_http=False), DIRECT, plain_http=False)
    assert "is not https, though the resource is" in str(around.problem_with("http://127.0.0.1"))
    assert around.problem_with("https://127.0.0.1") is None
    said = Surroundings(SoughtResource("https://127.0.0.1", plain_http=True), DIRECT, plain_http=True)
    assert said.problem_with("http://127.0.0.1") is None


async def test_the_place_may_be_named(server: AuthorizationServer) -> None:
    """Law L1: at the resource's own origin."""
    async with token_server(NOTHING_HERE, describes("", authorization_servers=[server.issuer])) as api:
        found = await ProtectedResource.discover(api.url, servers=server.issuer, metadata_url=f"{api.url}/about")
        assert [sent.path for sent in api.received] == ["/", "/about"]
        assert found.provider.issuer == server.issuer
    async with token_server(NOTHING_HERE) as api:
        with pytest.raises(ConfigurationError, match="at another origin"):
            await ProtectedResource.discover(api.url, metadata_url=server.issuer)
