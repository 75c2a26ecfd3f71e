"""Runs the Python and shell blocks of a document as a reader would.

`python -m tests.support.document FILE CERTIFICATE`.

The names in the blocks lead to servers on loopback: `https://id.example` to an authorization server, and
`https://api.example` to an API that takes its tokens. Where a document has the names of other servers, those lead to
stubs that answer as they do, or to servers of the Model Context Protocol's SDK. No other name leads anywhere. All
blocks of a document share their variables. A block runs inside an event loop, as in `python -m asyncio`, unless it
starts one itself. There is a person who enters each code that is shown, and agrees at each address that a browser is
sent to.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import ssl
import sys
import urllib.request
import webbrowser
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aiohttp import web
from joserfc.jwk import ECKey

from aio_token.testing import AuthorizationServer, CertificateAuthority, ProtectedAPI, RegisteredClient
from tests.support.certificates import certificate_of
from tests.support.document_shell import Shell
from tests.support.loopback_names import lead
from tests.support.odd_servers import HOSTS, odd_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

ID, API = "id.example", "api.example"
PASSWORD = "a password that the documents do not show"
_REALM = "/realms/demo"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, *languages: str) -> Iterator[tuple[int, str, str]]:
    """Return each block of these languages: the number of its first line, its language, and itself."""
    for found in _BLOCK.finditer(text):
        if found[1] in languages:
            yield text.count("\n", 0, found.start(2)) + 1, found[1], found[2]


class _Issuer(AuthorizationServer):
    """The authorization server under the name that the documents give it."""

    @property
    def url(self) -> str:
        return f"https://{ID}"


class _API(ProtectedAPI):
    """The API of the documents, with a gateway that wants no header and the token in the first message."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/gateway", self._gateway, name="gateway"), *super().routes()]

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hello = await socket.receive_json()
        if not self.server.accepts(hello.get("token", "")):
            await socket.close(code=4004, message=b"invalid token")
            return socket
        await socket.send_json({"ready": True})
        await socket.receive()
        return socket


async def _main(document: Path, certificate: str) -> None:
    text = document.read_text(encoding="utf-8")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    issuer = _Issuer(
        path=_REALM if _REALM in text else "",
        users=dict.fromkeys(("alice", "bob"), PASSWORD),
        device_interval=1.0,
        ssl_context=context,
    )
    async with issuer, _API(issuer, ssl_context=context) as api, AsyncExitStack() as others:
        os.environ["CLIENT_SECRET"] = issuer.client.secret or ""
        os.environ["REFRESH_TOKEN"] = issuer.sign_in(user="alice")
        os.environ["PASSWORD"] = PASSWORD
        key = ECKey.generate_key("P-256")
        for name in ("signer", "https://partner.example"):
            issuer.register(RegisteredClient(name, public_key=dict(key.as_dict(private=False))))
        issuer.register(RegisteredClient("cli"))
        os.environ["SIGNING_KEY"] = key.as_pem(private=True).decode()
        os.environ["CERTIFICATE"] = certificate_of(key)
        if "client.pem" in text:
            _know_by_certificate(issuer, context)
        ports = {ID: issuer._port, API: api._port}
        if any(host in text for host in HOSTS):
            ports |= await others.enter_async_context(odd_servers(context))
        if "mcp.example" in text:
            from tests.support.mcp_servers import lead_httpx2, mcp_servers  # noqa: PLC0415  few documents need them

            ports |= (await others.enter_async_context(mcp_servers(certificate=certificate))).ports
            lead_httpx2(ports)
        lead(ports)
        webbrowser.open = _browse  # type: ignore[assignment]
        person = asyncio.create_task(_approve(issuer))
        with TemporaryDirectory() as commands:
            await asyncio.to_thread(_run, text, document.name, Shell(Path(commands), ports))
        person.cancel()


def _know_by_certificate(issuer: AuthorizationServer, context: ssl.SSLContext) -> None:
    """Put the certificate of the client `service` into the directory, and bind tokens to what is shown."""
    authority = CertificateAuthority(Path.cwd())
    authority.issue("client")
    context.load_verify_locations(authority.ca_file)
    context.verify_mode = ssl.CERT_OPTIONAL
    issuer.certificate_bound = True
    issuer.register(RegisteredClient("service", tls_subject="CN=client"))


def _browse(address: str) -> bool:
    """Be the browser of a person who agrees."""
    with urllib.request.urlopen(address) as page:  # noqa: S310  the kit's
        return bool(page.status == 200)


async def _approve(issuer: AuthorizationServer) -> None:
    """Be the person who enters every code that a device shows."""
    while True:
        for code in issuer.user_codes:
            issuer.approve(code, user="alice")
        await asyncio.sleep(0.05)


def _run(text: str, name: str, shell: Shell) -> None:
    variables: dict[str, object] = {"__name__": "__main__"}
    with asyncio.Runner() as runner:
        for line, language, source in blocks(text, "python", "sh"):
            if language == "sh":
                shell.run(source, f"{name}, line {line}")
                continue
            padded = "\n" * (line - 1) + source  # so that a traceback shows the document's own line numbers
            code = compile(padded, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if "asyncio.run(" in source and not code.co_flags & inspect.CO_COROUTINE:
                exec(code, variables)  # noqa: S102  that is what this module is for
            else:
                runner.run(_step(code, variables))


async def _step(code: object, variables: dict[str, object]) -> None:
    awaitable = eval(code, variables)  # type: ignore[arg-type]  # noqa: S307  see above
    if awaitable is not None:
        await awaitable


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))
