"""Certificates made for the test run: each is its own authority."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import OKPKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
    from joserfc.jwk import ECKey, RSAKey


@cache
def loopback_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's context, and a client's that trusts it."""
    with TemporaryDirectory() as directory:
        trusted, shown = write_certificate(Path(directory), "127.0.0.1")
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(shown)
        return server, ssl.create_default_context(cafile=trusted)


def write_certificate(directory: Path, *names: str) -> tuple[Path, Path]:
    """Write a certificate for these hosts; return the file to trust, and the one to show, which holds the key too."""
    key = generate_private_key(SECP256R1())
    certificate = (
        _begun(key, names[0])
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    trusted, shown = directory / "trusted.pem", directory / "shown.pem"
    trusted.write_bytes(pem)
    shown.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return trusted, shown


def certificate_of(key: RSAKey | ECKey | OKPKey) -> str:
    """Return a certificate of this key, as PEM, for who signs with it."""
    private: Any = key.private_key
    certificate = _begun(private, "signer").sign(private, None if isinstance(key, OKPKey) else SHA256())
    return certificate.public_bytes(Encoding.PEM).decode()


def _begun(key: CertificateIssuerPrivateKeyTypes, called: str) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, called)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _general(host: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ip_address(host))
    return x509.DNSName(host)
