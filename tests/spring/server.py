"""A Spring Authorization Server: built once, of the sources in `server/`, and started on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import tempfile
import threading
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from joserfc.jwk import ECKey

from aio_token import ClientSecretBasic, PrivateKeyJWT
from aio_token.testing import CertificateAuthority
from tests.support.acceptance import Server
from tests.support.daemon import free_port
from tests.support.made import keep, made_once, making
from tests.support.maven import fetch, need_java
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aio_token.oauth import ClientCertificate

PASSWORD = "test only: alice's password"
SECRET = "test only: 100% s+cret/é"
_SOURCES = Path(__file__).parent / "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spring(Server):
    """A running server that speaks TLS as well, as another issuer, where it asks for certificates of the authority.

    It takes two beside those: `self_signed` is published by the client of that name, and `unpublished` is by none.
    """

    secure_issuer: str
    authority: CertificateAuthority
    self_signed: ClientCertificate
    unpublished: ClientCertificate
    fapi_signer: PrivateKeyJWT

    def issue(self, name: str) -> ClientCertificate:
        """Issue a certificate, the authority's behind it: Spring takes one that comes alone for a self-signed one."""
        certificate = self.authority.issue(name)
        path = self.authority.ca_file.with_name(f"{name}.pem")
        path.write_bytes(path.read_bytes() + self.authority.ca_file.read_bytes())
        return certificate


@contextlib.contextmanager
def running_spring() -> Iterator[Spring]:
    """Run a server of one's own, with the clients of `application.yaml`."""
    jar = _jar()
    key = ECKey.generate_key("P-256", {"kid": "signer", "use": "sig", "alg": "ES256"})
    pem = key.as_pem(private=True)
    url, secure_url = (f"{scheme}://127.0.0.1:{free_port()}" for scheme in ("http", "https"))
    with tempfile.TemporaryDirectory(prefix="aio_token-spring-") as directory:
        authority = CertificateAuthority(directory)
        authority.server_context()
        self_signed, unpublished = (authority.issue(name, self_signed=True) for name in ("self-signed", "unpublished"))
        own, other = (Path(directory) / f"{name}.pem" for name in ("self-signed", "unpublished"))
        trusted = b"".join(file.read_bytes() for file in (authority.ca_file, own, other))
        (Path(directory) / "trusted.pem").write_bytes(trusted)
        published = {"signer": key.as_dict(private=False), "self-signed": _with_its_key(own)}
        with _published(published) as keys:
            settings = {
                "server.port": url.rpartition(":")[2],
                "tests.tls.port": secure_url.rpartition(":")[2],
                "tests.tls.directory": directory,
                "tests.signer.keys": f"{keys}/signer",
                "tests.self-signed.keys": f"{keys}/self-signed",
            }
            command = ["java", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={directory}", "-jar", str(jar)]
            command += [f"--{name}={value}" for name, value in settings.items()]
            ready = f"{url}/.well-known/openid-configuration"
            with running(command, _environment(), log=Path(directory) / "log", ready=ready):
                yield Spring(
                    issuer=url,
                    service=("app", SECRET),
                    people=ClientSecretBasic("app", SECRET),
                    stranger=ClientSecretBasic("stranger", "test only: another one"),
                    signer=PrivateKeyJWT("signer", pem, alg="ES256", kid="signer"),
                    scopes=("openid", "email"),
                    ends_the_former=True,
                    secure_issuer=secure_url,
                    authority=authority,
                    self_signed=self_signed,
                    unpublished=unpublished,
                    fapi_signer=PrivateKeyJWT("fapi-dpop", pem, alg="ES256", kid="signer"),
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


def _with_its_key(certificate: Path) -> dict[str, object]:
    """Return the key of a certificate, and the certificate with it (RFC 7517 section 4.7)."""
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    key = ECKey.import_key(certificate.with_suffix(".key").read_bytes())
    return {**key.as_dict(private=False), "x5c": [b64encode(der).decode()]}


@contextlib.contextmanager
def _published(keys: Mapping[str, object]) -> Iterator[str]:
    """Publish a set of one key under each name, where the server fetches it, and say where."""
    with tempfile.TemporaryDirectory() as directory:
        for name, key in keys.items():
            (Path(directory) / name).write_text(json.dumps({"keys": [key]}), encoding="utf-8")
        publisher = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=directory))
        thread = threading.Thread(target=publisher.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{publisher.server_port}"
        finally:
            publisher.shutdown()
            thread.join()
            publisher.server_close()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its name there
        """Say nothing."""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SPRING_", "SERVER_"))}
