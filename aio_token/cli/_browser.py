"""Opens a browser at an address that does not stand in the list of processes, where every user reads it (law G5).

With the `state` of a sign-in another user of the machine could answer it himself, and this user would work in his
account. So the browser is started with the address of a page of this process, which sends it on: once, and only a
browser of this user, as far as the system tells whose a connection is.
"""

from __future__ import annotations

import os
import secrets
import threading
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

_HOST = "127.0.0.1"
_CONNECTIONS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))  # Linux; a dual-stack socket stands in the second one
_SEEN = slice(1, 3)  # the columns of both ends
_UID = 7


class Browser:
    """Opens addresses while the block lasts; nothing listens before the first one."""

    def __init__(self) -> None:
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def open(self, address: str) -> None:
        """Open an address, which may take until the browser ends; raises OSError if no port is free."""
        self._server = _Server(address)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        webbrowser.open(self._server.url)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str) -> None:
        super().__init__((_HOST, 0), _Page)
        self.address = address
        self.host = f"{_HOST}:{self.server_port}"
        self.path = f"/{secrets.token_urlsafe(8)}"  # so that no web page that tries all ports uses it up
        self.taken = threading.Lock()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self.host}{self.path}"


class _Page(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0  # seconds for a request to arrive

    def do_GET(self) -> None:
        """Send the browser on, once."""
        asked = (self.headers.get("Host"), self.path) == (self.server.host, self.server.path)
        if asked and not is_foreign(self.client_address[1], self.server.server_port):
            granted = self.server.taken.acquire(blocking=False)
        else:
            granted = False
        self.send_response(HTTPStatus.SEE_OTHER if granted else HTTPStatus.NOT_FOUND)
        if granted:
            self.send_header("Location", self.server.address)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep standard error for sentences."""


def is_foreign(client_port: int, server_port: int) -> bool:
    """Whether the other end of a connection of this machine is known to be another user's; root is none."""
    ends = (f":{client_port:04X}", f":{server_port:04X}")
    for table in _CONNECTIONS:
        try:
            rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()]
        except OSError:  # another system
            continue
        for row in rows:
            if (
                all(end in seen for end, seen in zip(ends, row[_SEEN], strict=False))
                and int(row[_UID]) not in _trusted()
            ):
                return True
    return False


def _trusted() -> set[int]:
    return {0, os.geteuid()}
