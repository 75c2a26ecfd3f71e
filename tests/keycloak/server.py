"""A Keycloak on loopback, with a home of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token.testing import CertificateAuthority
from tests.keycloak import realm
from tests.keycloak.distribution import keycloak_home
from tests.support.daemon import free_port
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMIN = ("admin", "test only: admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keycloak:
    """A running server: where it is, and the private key (PEM) of its client `signer`.

    At `secure_url` it speaks TLS, and asks for certificates of the authority. `callback` is where it sends the browsers
    of web applications.
    """

    url: str
    secure_url: str
    callback: str
    signing_key: str
    authority: CertificateAuthority

    @property
    def issuer(self) -> str:
        """The issuer of the test realm."""
        return f"{self.url}/realms/{realm.NAME}"

    @property
    def secure_issuer(self) -> str:
        """The issuer of the test realm, as who comes over TLS meets it."""
        return f"{self.secure_url}/realms/{realm.NAME}"


@contextlib.contextmanager
def running_keycloak(port: int | None = None) -> Iterator[Keycloak]:
    """Run a Keycloak of one's own, with nothing in it but the test realm."""
    home = keycloak_home()
    url = f"http://127.0.0.1:{port or free_port()}"
    key = realm.signing_key()
    with tempfile.TemporaryDirectory(prefix="aio_token-keycloak-") as directory:
        own = _own_home(home, Path(directory))
        (own / "tls").mkdir()
        authority = CertificateAuthority(own / "tls")
        authority.server_context()
        keycloak = Keycloak(
            url=url,
            secure_url=f"https://127.0.0.1:{free_port()}",
            callback=f"https://127.0.0.1:{free_port()}/callback",
            signing_key=key.as_pem(private=True).decode(),
            authority=authority,
        )
        written = realm.realm_file(key, keycloak.callback)
        (own / "data" / "import" / f"{realm.NAME}-realm.json").write_text(written, encoding="utf-8")
        ready = f"{keycloak.issuer}/.well-known/openid-configuration"
        with running(_command(own, keycloak), _environment(), log=own / "log", ready=ready):
            yield keycloak


def _own_home(home: Path, directory: Path) -> Path:
    """Make a home that shares the large, unchanging parts, so that servers do not see each other's data."""
    shutil.copytree(home / "bin", directory / "bin")  # kc.sh takes the directory that it is really in for its home
    for part in home.iterdir():
        if part.name not in {"bin", "data"}:
            (directory / part.name).symlink_to(part)
    (directory / "data" / "import").mkdir(parents=True)
    return directory


def _command(home: Path, keycloak: Keycloak) -> list[str]:
    return [
        str(home / "bin" / "kc.sh"),
        "start",
        "--optimized",
        "--import-realm",
        "--cache=local",  # otherwise it looks for other servers, beyond loopback
        "--http-enabled=true",
        "--http-host=127.0.0.1",
        f"--http-port={keycloak.url.rpartition(':')[2]}",
        "--hostname-strict=false",  # it is what it is asked as
        f"--https-port={keycloak.secure_url.rpartition(':')[2]}",
        f"--https-certificate-file={home / 'tls' / 'server.pem'}",
        f"--https-certificate-key-file={home / 'tls' / 'server.key'}",
        f"--https-trust-store-file={keycloak.authority.ca_file}",
    ]


def _environment() -> dict[str, str]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("KC_")}
    name, password = ADMIN
    return settings | {"KC_BOOTSTRAP_ADMIN_USERNAME": name, "KC_BOOTSTRAP_ADMIN_PASSWORD": password}
