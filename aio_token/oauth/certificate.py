"""A client's certificate and its key, as files that are read anew when they change (RFC 8705)."""

from __future__ import annotations

from pathlib import Path
from ssl import CERT_REQUIRED, OPENSSL_VERSION_INFO, SSLContext, SSLError, TLSVersion, create_default_context
from typing import TYPE_CHECKING, Any

from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import ConfigurationError, raise_alone
from aio_token._ground.public import public
from aio_token._ground.value import Value, replace
from aio_token._pacing.proof import digest
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_function, check_kind, check_secret, judged
from aio_token.oauth.secret import Revealed, reveal

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._clock import Clock
    from aio_token.oauth.secret import Secret

_PATIENCE = 60.0  # seconds that a renewal of both files may take, which is no single step


class _Loaded(Value):
    """What was read: of which files, until when it counts, and since when others do not replace it that should."""

    context: SSLContext
    files: tuple[object, ...]
    ends_at: float
    wrong_since: float | None = None


@public
@judged
class ClientCertificate(Unpicklable):
    """The certificate that a client shows in TLS, and its private key: PEM files, looked at for each connection.

    `certificate` is a file that begins with the client's own certificate, those of authorities below the root behind
    it. `key` is the file of the key, by default the same one; `password` opens it, if it is encrypted. Files that were
    renewed are read anew. While they do not fit each other, as in the middle of a renewal, what was read before goes on
    for a minute. `make_context` returns a new context, which the certificate is loaded into, such as
    `partial(ssl.create_default_context, cafile="ca.pem")`; it says which servers are trusted, and has to verify them.

    Give the same one to the requests for tokens, `Transport(certificate=...)`, and to those with them,
    `CertificateMiddleware`: a token that is bound to a certificate (section 3) counts with that one alone.
    """

    __slots__ = ("_certificate", "_clock", "_key", "_loaded", "_make_context", "_password")

    def __init__(
        self,
        certificate: str | Path,
        key: str | Path | None = None,
        *,
        password: Secret | None = None,
        make_context: Callable[[], SSLContext] = create_default_context,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        for name, path in (("certificate", certificate), ("key", certificate if key is None else key)):
            check_kind(name, path, (str, Path), "the path of a PEM file")
            if "-----BEGIN" in str(path):
                message = f"{name} is the path of a PEM file, not what stands in it: TLS reads it from a file"
                raise ConfigurationError(message)
        if password is not None:
            check_secret("the password of the client certificate's key", password)
        check_function("make_context", make_context)
        self._certificate = Path(certificate)
        self._key = self._certificate if key is None else Path(key)
        self._password = password
        self._make_context = make_context
        self._clock = clock
        self._loaded: _Loaded | None = None

    def __repr__(self) -> str:
        return f"<ClientCertificate {self._certificate}>"

    async def ssl_context(self) -> SSLContext:
        """Return a context that shows the certificate: the same one until the files change.

        Raises `ConfigurationError` for files that cannot be used, and for a certificate that has ended.
        """
        held = self._loaded
        try:
            files = self._files()
            if held is None or held.files != files:
                held = self._loaded = await self._read(files)
            elif held.wrong_since is not None:
                self._loaded = replace(held, wrong_since=None)
        except ConfigurationError:
            now = self._clock.monotonic()
            if held is None or now - (held.wrong_since or now) > _PATIENCE:
                raise
            self._loaded = replace(held, wrong_since=held.wrong_since or now)
        if held.ends_at <= self._clock.time():
            message = f"the client certificate in {self._certificate} has ended; put a new one into its place"
            raise ConfigurationError(message)
        return held.context

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of both files and the password. Raises `ConfigurationError` if one cannot be read."""
        texts = Revealed((_read(self._certificate, "client certificate"), _read(self._key, "key")))
        return digest(salt, type(self).__name__, *texts.value, (await self._opened_with()).value)

    def _files(self) -> tuple[object, ...]:
        try:
            found = [path.stat() for path in (self._certificate, self._key)]
        except OSError as error:
            message = f"the client certificate in {self._certificate}, or its key, is not there: {error.strerror}"
            raise_alone(ConfigurationError(message), because=error)
        return tuple((one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) for one in found)

    async def _opened_with(self) -> Revealed[str | None]:
        if self._password is None:
            return Revealed(None)
        held: Revealed[Any] = await reveal(self._password, f"the password of the key in {self._key}")
        return held

    async def _read(self, files: tuple[object, ...]) -> _Loaded:
        from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415  slow to import, needed by few

        password = await self._opened_with()
        pem = Revealed(_read(self._certificate, "client certificate"))  # the key may be in the same file
        try:
            certificate = load_pem_x509_certificate(pem.value)
        except ValueError:
            message = f"the client certificate in {self._certificate} cannot be read: the file holds none in PEM"
            raise_alone(ConfigurationError(message))
        if certificate.public_key() != _public_key(self._key, password):
            message = f"the key in {self._key} is not that of the client certificate in {self._certificate}"
            raise ConfigurationError(message)
        return _Loaded(
            context=self._context(password),
            files=files,
            ends_at=certificate.not_valid_after_utc.timestamp(),
        )

    def _context(self, password: Revealed[str | None]) -> SSLContext:
        try:
            context = self._make_context()
            # With a function OpenSSL never asks a person at the terminal.
            context.load_cert_chain(self._certificate, self._key, lambda: password.value or "")
        except SSLError as error:
            message = f"OpenSSL does not take the client certificate in {self._certificate} ({error.reason})"
            raise_alone(ConfigurationError(message), because=error)
        except Exception as error:  # noqa: BLE001  it is another party's function
            message = f"`make_context` gave no SSLContext ({type(error).__name__}); see the cause"
            raise_alone(ConfigurationError(message), because=error)
        if not verifies(context):
            message = "`make_context` gave a context that does not verify servers, or takes TLS before version 1.2"
            raise ConfigurationError(message)
        return context


def verifies(context: SSLContext) -> bool:
    """Whether a context verifies servers, their names included, and takes no version of TLS that is broken."""
    lowest = context.minimum_version
    if lowest is TLSVersion.MINIMUM_SUPPORTED and OPENSSL_VERSION_INFO >= (3,) and context.security_level >= 1:
        lowest = TLSVersion.TLSv1_2  # some Pythons leave it to OpenSSL, which takes none before that at these levels
    return context.verify_mode is CERT_REQUIRED and context.check_hostname and lowest >= TLSVersion.TLSv1_2


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"the {what} in {path} cannot be read: {error.strerror}; check the path, and who may read it"
        raise_alone(ConfigurationError(message), because=error)


def _public_key(path: Path, password: Revealed[str | None]) -> object:
    """Return the public half of a key, which tells whether the certificate is the key's."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415  slow to import

    text = Revealed(_read(path, "key"))
    is_encrypted = b"ENCRYPTED" in text.value
    opened_with = Revealed(password.value.encode() if password.value is not None and is_encrypted else None)
    try:
        return load_pem_private_key(text.value, opened_with.value).public_key()
    except Exception:  # noqa: BLE001  whatever the parser raises may quote the key
        if is_encrypted:
            advice = "it is encrypted, and `password` is not its password" if password.value else "pass password="
        else:
            advice = "it holds no private key in PEM"
        raise_alone(ConfigurationError(f"the key in {path} cannot be opened: {advice}"))
