"""The server of the benchmarks, a process of its own: token endpoint and API as one raw protocol, cheap and countable.

`python -m benchmarks._server` says in JSON where it listens, and serves until its standard input ends. It is told what
to do by `POST /control` (JSON of `Settings`; `reset` counts anew, `revoke` ends every access token), which answers with
what it counted.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import tempfile
import time
from base64 import b64decode
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from benchmarks._issuing import CONTENT, STATIC, Issuer, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

PHRASES = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 503: "Service Unavailable"}


@dataclass(slots=True)
class Server:
    """What all connections share."""

    settings: Settings = field(default_factory=Settings)
    issuer: Issuer = field(init=False)
    answered: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.issuer = Issuer(self.settings)

    def control(self, body: bytes) -> dict[str, object]:
        """Take new settings, and tell what was counted until now."""
        wanted = json.loads(body or b"{}")
        told = self.told()
        if wanted.pop("reset", False):
            self.answered = self.refused = 0
            self.issuer.reset()
        if wanted.pop("revoke", False):
            self.issuer.revoke()
        names = {one.name for one in fields(Settings)}
        for name, value in wanted.items():
            assert name in names, name
            setattr(self.settings, name, value)
        return told

    def told(self) -> dict[str, object]:
        """Return the counts, and the processor time of this process so far (seconds)."""
        return {
            "answered": self.answered,
            "refused": self.refused,
            "reused": self.issuer.reused,
            "posts": dict(self.issuer.posts),
            "issued": dict(self.issuer.issued),
            "cpu": time.process_time(),
        }


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as much as the clients here send: one request at a time, bodies with a length."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.loop = loop
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Stop answering."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Answer a request that is there whole."""
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        line, *headers = head.split(b"\r\n")
        named = {name.strip().lower(): value.strip() for name, _, value in (one.partition(b":") for one in headers)}
        length = int(named.get(b"content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path, _ = line.split(b" ", 2)
        self._route(method, path, named.get(b"authorization", b""), rest[:length])

    def _route(self, method: bytes, path: bytes, authorization: bytes, body: bytes) -> None:
        settings = self.server.settings
        if method == b"GET":
            _after(self.loop, settings.api_latency, lambda: self._api(authorization))
        elif path == b"/control":
            self._answer(200, json.dumps(self.server.control(body)).encode())
        elif path.endswith(b"/token"):
            form = dict(parse_qsl(body.decode()))
            if authorization.startswith(b"Basic "):
                client, _, _ = b64decode(authorization[6:]).decode().partition(":")
                form.setdefault("client_id", unquote(client))
            _after(self.loop, settings.latency, lambda: self._token(form))
        else:
            self._answer(404, b"")

    def _api(self, authorization: bytes) -> None:
        if self.server.issuer.accepts(authorization[7:]):
            self.server.answered += 1
            self._answer(200, CONTENT)
        else:
            self.server.refused += 1
            self._answer(401, b"", b'WWW-Authenticate: Bearer error="invalid_token"\r\n')

    def _token(self, form: dict[str, str]) -> None:
        status, answer = self.server.issuer.answer(form)
        self._answer(status, json.dumps(answer).encode(), b"Cache-Control: no-store\r\n")

    def _answer(self, status: int, body: bytes, more: bytes = b"") -> None:
        if self.transport is not None:
            head = f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: application/json\r\n"
            self.transport.write(head.encode() + more + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def _after(loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], None]) -> None:
    if seconds:
        loop.call_later(seconds, call)
    else:
        call()


async def main() -> None:
    """Serve, in clear and with a certificate that is made for the occasion."""
    from tests.support.certificates import write_certificate

    loop = asyncio.get_running_loop()
    server = Server()
    with tempfile.TemporaryDirectory() as folder:
        trusted, shown = write_certificate(Path(folder), "127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown)
        clear = await loop.create_server(lambda: Connection(server, loop), "127.0.0.1", 0, backlog=20_000)
        sealed = await loop.create_server(lambda: Connection(server, loop), "127.0.0.1", 0, ssl=context)
        port, tls_port = (one.sockets[0].getsockname()[1] for one in (clear, sealed))
        place = {"port": port, "tls_port": tls_port, "certificate": str(trusted), "static": STATIC}
        print(json.dumps(place), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        clear.close()
        sealed.close()


if __name__ == "__main__":
    asyncio.run(main())
