"""Runs the Python blocks of a document as its reader would: python -m tests.document FILE CERTIFICATE.

The names in the blocks lead to servers on loopback: `https://id.example` to an authorization server, and
`https://api.example` to an API that takes its tokens. No other name leads anywhere. All blocks of a document share
their variables. A block runs inside an event loop, as in `python -m asyncio`, unless it starts one itself.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import socket
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from joserfc.jwk import ECKey

from aio_token.testing import AuthorizationServer, ProtectedAPI, RegisteredClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aio_token.testing import LoopbackServer

ID, API = "id.example", "api.example"
PASSWORD = "a password that the documents do not show"
_REALM = "/realms/demo"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Return each block of a language, with the number of its first line."""
    for found in _BLOCK.finditer(text):
        if found[1] == language:
            yield text.count("\n", 0, found.start(2)) + 1, found[2]


class _Issuer(AuthorizationServer):
    """The authorization server under the name that the documents give it."""

    @property
    def url(self) -> str:
        return f"https://{ID}"


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
    async with issuer, ProtectedAPI(issuer, ssl_context=context) as api:
        os.environ["CLIENT_SECRET"] = issuer.client.secret or ""
        os.environ["REFRESH_TOKEN"] = issuer.sign_in(user="alice")
        os.environ["PASSWORD"] = PASSWORD
        key = ECKey.generate_key("P-256")
        issuer.register(RegisteredClient("signer", public_key=dict(key.as_dict(private=False))))
        os.environ["SIGNING_KEY"] = key.as_pem(private=True).decode()
        _lead({ID: issuer, API: api})
        person = asyncio.create_task(_approve(issuer))
        await asyncio.to_thread(_run, text, document.name)
        person.cancel()


async def _approve(issuer: AuthorizationServer) -> None:
    """Be the person who enters every code that a device shows."""
    while True:
        for code in issuer.user_codes:
            issuer.approve(code, user="alice")
        await asyncio.sleep(0.05)


def _lead(servers: Mapping[str, LoopbackServer]) -> None:
    """Let names lead to servers, and no other name anywhere."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: int, **options: int) -> object:
        if host in servers and port == 443:
            return real("127.0.0.1", servers[host]._port, *args, **options)
        if host == "127.0.0.1":
            return real(host, port, *args, **options)
        message = f"the documents know no {host}:{port}"
        raise socket.gaierror(socket.EAI_NONAME, message)

    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]


def _run(text: str, name: str) -> None:
    variables: dict[str, object] = {"__name__": "__main__"}
    with asyncio.Runner() as runner:
        for line, source in blocks(text, "python"):
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
