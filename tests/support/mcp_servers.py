"""The Model Context Protocol's own servers on loopback: one that has a tool, and the one that lets people in.

Both are the SDK's. What it leaves to its users is here: who the clients are, and which tokens there are.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    ProviderTokenVerifier,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette

from aio_token._clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from aio_token import Clock


class Ledger(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Who is a client, and which tokens there are: in memory, with a person who always agrees."""

    def __init__(self, lifetime: int, clock: Clock) -> None:
        self.lifetime = lifetime
        self.clock = clock
        self.ends: dict[str, float] = {}
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refreshes = self.strange = 0
        self.resources: list[str | None] = []

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Look a client up."""
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a client."""
        self.clients[str(client_info.client_id)] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Agree, and send the browser back."""
        code = AuthorizationCode(
            code=f"kit-code-{secrets.token_urlsafe(24)}",
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=str(client.client_id),
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        """Look a code up."""
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        """Spend a code."""
        code = self.codes.pop(authorization_code.code)
        return self._issue(code.client_id, code.scopes, code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        """Look a refresh token up; one that is not there was spent."""
        found = self.refresh_tokens.get(refresh_token)
        self.strange += found is None
        return found

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        """Rotate strictly: the tokens of before end at once."""
        self.refreshes += 1
        del self.refresh_tokens[refresh_token.token]
        self.access_tokens.clear()
        return self._issue(refresh_token.client_id, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        """Look an access token up, which ends by the clock that the client has too."""
        return self.access_tokens.get(token) if self.clock.time() < self.ends.get(token, 0.0) else None

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        """End everything."""
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    def _issue(self, client_id: str, scopes: list[str], resource: str | None) -> OAuthToken:
        access, refresh = (f"kit-{kind}-{secrets.token_urlsafe(24)}" for kind in ("access", "refresh"))
        self.ends[access] = self.clock.time() + self.lifetime
        alike: dict[str, Any] = {"client_id": client_id, "scopes": scopes, "resource": resource}
        self.access_tokens[access] = AccessToken(token=access, **alike)
        self.refresh_tokens[refresh] = RefreshToken(token=refresh, **alike)
        self.resources.append(resource)
        return OAuthToken(access_token=access, expires_in=self.lifetime, scope=" ".join(scopes), refresh_token=refresh)


class MCPServers:
    """Both servers: `url` is the resource, `issuer` the authorization server, `ledger` what that knows.

    `ports` are those that their names lead to.
    """

    def __init__(self, url: str, issuer: str, ledger: Ledger, ports: dict[str, int]) -> None:
        self.ports = ports
        self.url = url
        self.issuer = issuer
        self.ledger = ledger


NAMES = ("login.mcp.example", "mcp.example")
"""What the documents call them: the authorization server, and the resource."""


@asynccontextmanager
async def mcp_servers(
    *, lifetime: int = 60, clock: Clock = SYSTEM_CLOCK, certificate: str | None = None
) -> AsyncIterator[MCPServers]:
    """Run them while the block lasts, by their names if there is a certificate of those.

    Access tokens live for that many seconds of the clock.
    """
    ledger, listeners = Ledger(lifetime, clock), [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [listener.getsockname()[1] for listener in listeners]
    issuer, resource = (f"http://127.0.0.1:{port}" for port in ports)
    if certificate is not None:
        issuer, resource = (f"https://{name}" for name in NAMES)
    url = f"{resource}/mcp"
    registration = ClientRegistrationOptions(enabled=True, valid_scopes=["tools"], default_scopes=["tools"])
    routes = create_auth_routes(
        ledger,
        AnyHttpUrl(issuer),
        client_registration_options=registration,
        revocation_options=RevocationOptions(enabled=True),
    )
    settings = AuthSettings(
        issuer_url=AnyHttpUrl(issuer),
        resource_server_url=AnyHttpUrl(url),
        required_scopes=["tools"],
        validate_token_resource=True,
    )
    server = MCPServer("calculator", token_verifier=ProviderTokenVerifier(ledger), auth=settings)

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    anyone = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # it knows addresses, and no names
    protected = server.streamable_http_app(json_response=True, stateless_http=True, transport_security=anyone)
    async with AsyncExitStack() as stack:
        for application, listener in zip((Starlette(routes=routes), protected), listeners, strict=True):
            await stack.enter_async_context(_serving(application, listener, certificate))
        yield MCPServers(url, issuer, ledger, dict(zip(NAMES, ports, strict=True)))


def lead_httpx2(ports: Mapping[str, int]) -> None:
    """Let each name lead to its port for httpx2 as well: anyio connects to the port that it was asked for."""
    real = anyio.connect_tcp

    async def connect_tcp(remote_host: str, remote_port: int, **options: Any) -> Any:
        here = ports.get(remote_host) if remote_port == 443 else None
        return await (real(remote_host, remote_port, **options) if here is None else real("127.0.0.1", here, **options))

    anyio.connect_tcp = connect_tcp  # type: ignore[assignment]


class _Server(uvicorn.Server):
    """One that says when it is ready, and leaves signals to the test runner."""

    def __init__(self, application: Any, certificate: str | None) -> None:
        config = uvicorn.Config(
            application, log_config=None, lifespan="on", timeout_graceful_shutdown=2, ssl_certfile=certificate
        )
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def _serving(application: Any, listener: socket.socket, certificate: str | None) -> AsyncIterator[None]:
    server = _Server(application, certificate)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await running
