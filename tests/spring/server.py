"""A Spring Authorization Server: built once, of the sources in `server/`, and started on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import threading
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from joserfc.jwk import ECKey

from aio_token import ClientSecretBasic, PrivateKeyJWT
from tests.support.acceptance import Server
from tests.support.daemon import free_port
from tests.support.made import keep, made_once, making
from tests.support.maven import fetch, need_java
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "test only: alice's password"
SECRET = "test only: 100% s+cret/é"
_SOURCES = Path(__file__).parent / "server"


@contextlib.contextmanager
def running_spring() -> Iterator[Server]:
    """Run a server of one's own, with the clients of `application.yaml`."""
    jar = _jar()
    key = ECKey.generate_key("P-256", {"kid": "signer", "use": "sig", "alg": "ES256"})
    url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="aio_token-spring-") as directory, _published(key) as keys:
        settings = {"server.port": url.rpartition(":")[2], "tests.signer.keys": keys}
        command = ["java", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={directory}", "-jar", str(jar)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        ready = f"{url}/.well-known/openid-configuration"
        with running(command, _environment(), log=Path(directory) / "log", ready=ready):
            yield Server(
                issuer=url,
                service=("app", SECRET),
                people=ClientSecretBasic("app", SECRET),
                stranger=ClientSecretBasic("stranger", "test only: another one"),
                signer=PrivateKeyJWT("signer", key.as_pem(private=True), alg="ES256", kid="signer"),
                scopes=("openid", "email"),
                ends_the_former=True,
            )


def _jar() -> Path:
    """Return the program, built anew when its sources have changed."""
    need_java()
    files = sorted(file for file in _SOURCES.rglob("*") if file.is_file())
    version = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    name = f"spring-{version}.jar"
    with making(name) as directory:
        return made_once(name) or keep(_built(directory / "server"), name)


def _built(directory: Path) -> Path:
    shutil.copytree(_SOURCES, directory)
    fetch("building a Spring Authorization Server", "--file", str(directory / "pom.xml"), "package")
    return directory / "target" / "server.jar"


@contextlib.contextmanager
def _published(key: ECKey) -> Iterator[str]:
    """Publish the signer's key, where the server fetches it, and say where."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "keys").write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
        publisher = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=directory))
        thread = threading.Thread(target=publisher.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{publisher.server_port}/keys"
        finally:
            publisher.shutdown()
            thread.join()
            publisher.server_close()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its name there
        """Say nothing."""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SPRING_", "SERVER_"))}
