"""Certificates for tests, of an authority of one's own: for servers on loopback, and for clients that show one."""

from __future__ import annotations

import base64
import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from aio_token._ground.public import public
from aio_token.oauth.certificate import ClientCertificate

if TYPE_CHECKING:
    from aiohttp import web

_NAMES = ("localhost", "127.0.0.1", "::1")


@public
class CertificateAuthority:
    """Issues certificates that live in files of a directory, such as pytest's `tmp_path`.

        authority = CertificateAuthority(tmp_path)
        certificate = authority.issue("bot")
        async with AuthorizationServer(ssl_context=authority.server_context()) as server: ...

    `ca_file` is what others trust it by.
    """

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self._key = generate_private_key(SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "aio_token test authority")])
        own = _begun(self._name, self._name, self._key, timedelta(days=1))
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(_usage(signs_certificates=True), critical=True)
        self.ca_file: Path = self._directory / "authority.pem"
        self.ca_file.write_bytes(own.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        self._servers: list[ssl.SSLContext] = []

    def issue(
        self, name: str, *, lifetime: float = 86_400.0, self_signed: bool = False, password: str | None = None
    ) -> ClientCertificate:
        """Write a certificate for a client, and its key, as `<name>.pem` and `<name>.key`.

        Its subject is `CN=<name>`. It ends `lifetime` seconds from now, which may lie in the past. The same name once
        more renews it, in place. The servers of this authority take a self-signed one as well.
        """
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        begun = _begun(subject, subject if self_signed else self._name, key, timedelta(seconds=lifetime))
        begun = begun.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        pem = self._signed(begun, key if self_signed else self._key).public_bytes(Encoding.PEM)
        path, key_path = (self._directory / f"{name}{ending}" for ending in (".pem", ".key"))
        _write(key, key_path, password)
        path.write_bytes(pem)
        if self_signed:
            for server in self._servers:
                server.load_verify_locations(cadata=pem.decode())
        return ClientCertificate(path, key_path, password=password, make_context=self.client_context)

    def thumbprint(self, name: str) -> str | None:
        """Return the `x5t#S256` of the client's certificate that was issued last (RFC 8705 section 3.1)."""
        return thumbprint_of(x509.load_pem_x509_certificate((self._directory / f"{name}.pem").read_bytes()))

    def server_context(self, *, demands: bool = False) -> ssl.SSLContext:
        """Return the context of a server on loopback that asks for a client's certificate.

        One that `demands` it ends the connection where none is shown. The server's own is written as `server.pem`, and
        its key as `server.key`, for a server of another kind.
        """
        key = generate_private_key(SECP256R1())
        begun = _begun(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")]), self._name, key)
        begun = begun.add_extension(x509.SubjectAlternativeName([_general(name) for name in _NAMES]), critical=False)
        path, key_path = self._directory / "server.pem", self._directory / "server.key"
        _write(key, key_path)
        path.write_bytes(self._signed(begun, self._key).public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, key_path)
        context.load_verify_locations(self.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL
        self._servers.append(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return a context of a client that trusts the servers, and shows no certificate."""
        return ssl.create_default_context(cafile=self.ca_file)

    def _signed(self, begun: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> x509.Certificate:
        begun = begun.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        return begun.add_extension(issuer, critical=False).sign(key, SHA256())


def shown_to(request: web.Request) -> x509.Certificate | None:
    """Return the certificate that a client has shown, None if it has shown none."""
    tls = request.transport and request.transport.get_extra_info("ssl_object")
    der = tls and tls.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(der) if der else None


def thumbprint_of(certificate: x509.Certificate | None) -> str | None:
    """Return what tokens are bound by, `x5t#S256` (RFC 8705 section 3.1)."""
    if certificate is None:
        return None
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _begun(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, lifetime: timedelta = timedelta(days=1)
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    unused = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=signs_certificates, crl_sign=False, decipher_only=False, **unused
    )


def _write(key: EllipticCurvePrivateKey, path: Path, password: str | None = None) -> None:
    sealed = NoEncryption() if password is None else BestAvailableEncryption(password.encode())
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))


def _general(name: str) -> x509.GeneralName:
    return x509.DNSName(name) if name == "localhost" else x509.IPAddress(ip_address(name))
