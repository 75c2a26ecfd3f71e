"""From the address of an API to its tokens: three lines, and what may be said besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    DeviceGrant,
    MemoryTokenStore,
    PublicClient,
    SignInRequired,
    TokenRepository,
)
from aio_token.oauth import DPoP
from aio_token.resources import ProtectedResource
from aio_token.testing import INSUFFICIENT_SCOPE, AuthorizationServer, ProtectedAPI, RecordingObserver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token.oauth import EndpointOptions


@pytest.fixture
async def server() -> AsyncIterator[AuthorizationServer]:
    """Run an authorization server."""
    async with AuthorizationServer(registration=True) as server:
        yield server


@pytest.fixture
async def api(server: AuthorizationServer) -> AsyncIterator[ProtectedAPI]:
    """Run an API of it."""
    async with ProtectedAPI(server, resource="/mcp", metadata={"scopes_supported": ["read"]}) as api:
        yield api


async def browse(address: str) -> None:
    """Be the browser of a person who agrees."""
    async with ClientSession() as browser, browser.get(address) as page:
        assert page.status == 200


def said(server: AuthorizationServer, member: str) -> list[str | None]:
    """Return a member of each token request."""
    return [None if request.form is None else request.form.get(member) for request in server.seen]


@pytest.mark.parametrize("send_resource", [True, False])
async def test_the_resource_is_in_every_request(
    server: AuthorizationServer, api: ProtectedAPI, send_resource: bool
) -> None:
    """Law L1: RFC 8707, at the sign-in, for the code and at each renewal; or nowhere, for servers that refuse it."""
    addresses: list[str] = []

    async def show(address: str) -> None:
        addresses.append(address)
        await browse(address)

    resource = await ProtectedResource.discover(api.resource_url, servers=server.issuer)
    async with await resource.tokens(show=show, observer=None, send_resource=send_resource) as tokens:
        await tokens.token()
        await tokens.renew()
    assert said(server, "grant_type") == ["authorization_code", "refresh_token"]
    assert said(server, "resource") == [api.resource_url if send_resource else None] * 2
    assert ("resource=" in addresses[0]) is send_resource


async def test_a_token_for_another_resource_does_not_count(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """The kit's API looks at what the token was asked for, as a resource should (RFC 8707 section 2.2)."""
    async with ProtectedAPI(server, resource="") as other:
        resource = await ProtectedResource.discover(other.url, servers=server.issuer)
        async with (
            await resource.tokens(show=browse, observer=None) as tokens,
            ClientSession(middlewares=(BearerMiddleware(tokens, api.url, other.url),)) as client,
        ):
            async with client.get(other.url) as response:
                assert response.status == 200
            async with client.get(api.resource_url) as response:
                assert response.status == 401
            assert f'resource_metadata="{api.metadata_url}"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("scope", "asked"), [(None, "read"), ("read write", "read write")])
async def test_the_scope_is_the_resources_unless_it_is_said(
    server: AuthorizationServer, api: ProtectedAPI, scope: str | None, asked: str
) -> None:
    """It is what the person is asked for."""
    resource = await ProtectedResource.discover(api.resource_url, servers=server.issuer)
    async with await resource.tokens(show=browse, scope=scope, observer=None) as tokens:
        assert (await tokens.token()).scope == asked


async def test_without_a_person_the_error_says_what_to_do(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Neither a browser nor a place to show an address: callers are told."""
    resource = await ProtectedResource.discover(api.resource_url, servers=server.issuer)
    async with await resource.tokens(observer=None, name="mcp") as tokens:
        assert tokens.name == "mcp"
        with pytest.raises(SignInRequired, match="sign in"):
            await tokens.token()


async def test_a_browser_is_enough(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """If it does not open, the address is shown on standard error."""
    import urllib.request  # noqa: PLC0415  of a browser in a thread

    def opens(address: str) -> bool:
        with urllib.request.urlopen(address) as page:  # noqa: S310  the kit's
            return bool(page.status == 200)

    resource = await ProtectedResource.discover(api.resource_url, servers=server.issuer)
    async with await resource.tokens(browser=opens, observer=None) as tokens:
        assert server.accepts((await tokens.token()).access_token)


async def test_step_up_by_a_person(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """Law L1: an API that wants more scope gets it by a person's yes, beside the registration, and for itself."""
    store, observer = MemoryTokenStore(), RecordingObserver()
    resource = await ProtectedResource.discover(api.resource_url, servers=server.issuer)
    async with await resource.tokens(store, show=browse, observer=observer) as tokens:
        await tokens.token()
        api.handlers = {"/mcp": INSUFFICIENT_SCOPE.respond}
        async with (
            ClientSession(middlewares=(BearerMiddleware(tokens, resource.origin, step_up="write"),)) as client,
            client.get(api.resource_url) as response,
        ):
            assert response.status == 403  # whatever it is shown
        token = api.authorizations[-1]
        assert token is not None
        active = server._ledger.active(token.removeprefix("Bearer "))
        assert active is not None
        assert set((active.scope or "").split()) == {"read", "write"}
        assert (await tokens.renew()).scope == "read"
    kept = await store.load()
    assert kept is not None
    assert b'"registration"' in kept.to_json()
    assert b'"agreed"' in kept.to_json()
    assert server.registrations == 1


async def test_any_grant_may_be_used(server: AuthorizationServer, api: ProtectedAPI) -> None:
    """The endpoint says the resource in each request, with a service's own grant and beside other parameters."""
    resource = await ProtectedResource.discover(api.resource_url, servers=server.issuer)
    bot = ClientSecretBasic(server.client.client_id, server.client.secret or "")
    endpoint = resource.token_endpoint(bot, parameters={"tenant": "a"})
    async with TokenRepository(ClientCredentialsGrant(endpoint), observer=None) as tokens:
        await tokens.token()
    assert (said(server, "resource"), said(server, "tenant")) == ([api.resource_url], ["a"])
    plain = resource.token_endpoint(PublicClient("app"), send_resource=False)
    assert DeviceGrant(plain).issued_by == plain.issued_by(scope="", audience="")


@pytest.mark.parametrize("said_by", ["the resource", "the user"])
async def test_a_resource_may_want_tokens_that_are_bound_to_a_key(said_by: str) -> None:
    """RFC 9728 section 2: it says so, or whoever makes the repository does; a person's yes to more is bound as well."""
    required: dict[str, object] = {"dpop_bound_access_tokens_required": True} if said_by == "the resource" else {}
    async with (
        AuthorizationServer(registration=True, dpop=True) as server,
        ProtectedAPI(server, resource="/mcp", metadata={"scopes_supported": ["read"], **required}) as api,
    ):
        resource = await ProtectedResource.discover(api.resource_url, servers=server.issuer)
        endpoint: EndpointOptions | None = {"dpop": DPoP()} if said_by == "the user" else None
        async with (
            await resource.tokens(show=browse, observer=None, endpoint=endpoint) as tokens,
            ClientSession(middlewares=(BearerMiddleware(tokens, api.url, step_up="write"),)) as client,
        ):
            async with client.get(api.resource_url) as response:
                assert response.status == 200
            api.handlers = {"/mcp": INSUFFICIENT_SCOPE.respond}
            async with client.get(api.resource_url) as response:
                assert response.status == 403
    assert {str(header).partition(" ")[0] for header in api.authorizations[2:]} == {"DPoP"}
    assert server.requests["authorization_code"] == 2
