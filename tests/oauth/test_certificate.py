"""A client's certificate: read, read anew when it was renewed, and never shown where it does not belong (RFC 8705)."""

from __future__ import annotations

import copy
import pickle
import ssl
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from aio_token import ConfigurationError
from aio_token.oauth import CertificateMiddleware, ClientCertificate, Transport
from aio_token.oauth.certificate import verifies
from aio_token.testing import CertificateAuthority, ManualClock
from aio_token.testing.certificates import shown_to
from tests.support.exposure import exposure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANARY = "canary-5ecret"
SALT = b"salt"


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """Be an authority whose files are in the test's directory."""
    return CertificateAuthority(tmp_path)


async def refused(certificate: ClientCertificate, match: str) -> None:
    """Ask for the context, in vain; no secret is shown."""
    with pytest.raises(ConfigurationError, match=match) as caught:
        await certificate.ssl_context()
    assert CANARY not in exposure(caught.value)
    assert "PRIVATE KEY" not in exposure(caught.value)


async def test_the_context_is_the_same_until_the_files_change(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Law K2: a certificate that was renewed on the disk is shown from then on, and read once."""
    certificate = authority.issue("bot")
    first = await certificate.ssl_context()
    assert await certificate.ssl_context() is first
    authority.issue("bot")
    second = await certificate.ssl_context()
    assert second is not first
    assert await certificate.ssl_context() is second
    assert repr(certificate) == f"<ClientCertificate {tmp_path / 'bot.pem'}>"


async def test_one_file_may_hold_both(authority: CertificateAuthority, tmp_path: Path) -> None:
    """The key is looked for in the certificate's file, if no other is named."""
    authority.issue("bot")
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "bot.pem").read_bytes() + (tmp_path / "bot.key").read_bytes())
    assert isinstance(await ClientCertificate(both).ssl_context(), ssl.SSLContext)


async def test_a_key_may_be_encrypted(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Law K2: its password is a secret like any other, text or function; one that nothing needs does no harm."""
    authority.issue("bot", password=CANARY)
    files = (tmp_path / "bot.pem", tmp_path / "bot.key")
    for password in (CANARY, lambda: f"{CANARY}\n"):
        assert isinstance(await ClientCertificate(*files, password=password).ssl_context(), ssl.SSLContext)
    await refused(ClientCertificate(*files, password=f"{CANARY}-old"), "is encrypted, and `password` is not its pass")
    await refused(ClientCertificate(*files), "cannot be opened: pass password=")
    authority.issue("bot")
    assert isinstance(await ClientCertificate(*files, password=CANARY).ssl_context(), ssl.SSLContext)


async def test_files_that_cannot_be_used_are_said(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Law K2: not there, not readable, no PEM, another's key: each is named, and the key is never shown."""
    authority.issue("bot")
    authority.issue("other")
    certificate, key = tmp_path / "bot.pem", tmp_path / "bot.key"
    nothing, rubbish = tmp_path / "nothing", tmp_path / "rubbish"
    rubbish.write_text(f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n", encoding="utf-8")
    await refused(ClientCertificate(nothing, key), "nothing, or its key, is not there: No such file")
    await refused(ClientCertificate(tmp_path, key), "the client certificate in .* cannot be read: Is a directory")
    await refused(ClientCertificate(rubbish, key), "rubbish cannot be read: the file holds none in PEM")
    await refused(ClientCertificate(certificate, rubbish), "rubbish cannot be opened: it holds no private key in PEM")
    await refused(ClientCertificate(certificate, tmp_path / "other.key"), "is not that of the client certificate in")


async def test_what_openssl_does_not_take_is_said(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Law K2: such as the certificate of an authority behind it that is cut off; a function that fails is named."""
    certificate = authority.issue("bot")
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with (tmp_path / "bot.pem").open("a", encoding="utf-8") as file:
        file.write(broken)
    await refused(certificate, "OpenSSL does not take the client certificate in .*bot.pem")
    authority.issue("bot")
    files = (tmp_path / "bot.pem", tmp_path / "bot.key")
    missing = partial(ssl.create_default_context, cafile=tmp_path / "nothing")
    await refused(ClientCertificate(*files, make_context=missing), r"`make_context` gave no SSLContext \(FileNotFound")
    wrong: Any = dict
    await refused(ClientCertificate(*files, make_context=wrong), r"`make_context` gave no SSLContext \(AttributeError")


def without_a_name(context: ssl.SSLContext) -> None:
    """Have a context take any server's certificate for that of the one that is asked."""
    context.check_hostname = False


def by_any_version(context: ssl.SSLContext) -> None:
    """Have a context speak any version of TLS."""
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT@SECLEVEL=0")


async def test_a_context_has_to_verify_servers(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Law K2: a certificate tells who the client is, and is shown to a server that has proved who it is."""
    authority.issue("bot")
    for worsen in (without_a_name, by_any_version):

        def make(worsen: Callable[[ssl.SSLContext], None] = worsen) -> ssl.SSLContext:
            context = ssl.create_default_context()
            worsen(context)
            return context

        await refused(
            ClientCertificate(tmp_path / "bot.pem", tmp_path / "bot.key", make_context=make),
            "gave a context that does not verify servers, or takes TLS before version 1.2",
        )


def test_a_python_may_leave_the_version_to_openssl() -> None:
    """Such as one for which OpenSSL was built anew: at its usual level of security it takes none before 1.2."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    assert verifies(context) is (ssl.OPENSSL_VERSION_INFO >= (3,))
    by_any_version(context)
    assert not verifies(context)


async def test_a_certificate_that_has_ended_is_said(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Law K2: also while it is in use."""
    await refused(authority.issue("late", lifetime=-60), "late.pem has ended; put a new one into its place")
    authority.issue("bot", lifetime=600)
    clock = ManualClock(time.time())
    certificate = ClientCertificate(tmp_path / "bot.pem", tmp_path / "bot.key", clock=clock)
    await certificate.ssl_context()
    clock.advance(601)
    await refused(certificate, "has ended")


async def test_half_of_a_renewal_is_waited_for(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Law K2: while the files do not fit each other, the certificate that was read goes on, for a minute."""
    authority.issue("bot")
    clock = ManualClock(time.time())
    certificate, key = tmp_path / "bot.pem", tmp_path / "bot.key"
    ours = ClientCertificate(certificate, key, clock=clock)
    context = await ours.ssl_context()
    for _ in range(2):  # each time anew
        certificate.rename(tmp_path / "aside.pem")
        assert await ours.ssl_context() is context
        (tmp_path / "aside.pem").rename(certificate)
        assert await ours.ssl_context() is context
        clock.advance(61)
    before = certificate.read_bytes()
    authority.issue("bot")
    renewed = certificate.read_bytes()
    certificate.write_bytes(before)
    clock.advance(3_600)  # nothing was asked for an hour
    for _ in range(2):
        assert await ours.ssl_context() is context
        clock.advance(30)
    clock.advance(1)
    await refused(ours, "is not that of the client certificate")
    certificate.write_bytes(renewed)
    assert await ours.ssl_context() is not context


@pytest.mark.parametrize(
    ("make", "kind", "match"),
    [
        (lambda: ClientCertificate(3), TypeError, "certificate is the path of a PEM file, not 3"),  # type: ignore[arg-type]
        (lambda: ClientCertificate("a", b"k"), TypeError, "key is the path of a PEM file, not a bytes"),  # type: ignore[arg-type]
        (lambda: ClientCertificate(f"-----BEGIN {CANARY}"), ConfigurationError, "is the path of a PEM file, not what"),
        (lambda: ClientCertificate("a", password=""), ConfigurationError, "the password of .* is missing, empty"),
        (lambda: ClientCertificate("a", make_context=3), TypeError, "make_context is a function"),  # type: ignore[arg-type]
        (lambda: Transport(certificate="a.pem"), TypeError, "certificate is a ClientCertificate, not a str"),  # type: ignore[arg-type]
        (
            lambda: Transport(certificate=ClientCertificate("a"), ssl=False),
            ConfigurationError,
            "pass it make_context= instead of `ssl`",
        ),
        (lambda: CertificateMiddleware("a.pem"), TypeError, "certificate is a ClientCertificate, not a str"),  # type: ignore[arg-type]
        (lambda: CertificateMiddleware(ClientCertificate("a")), ConfigurationError, "name at least one origin"),
        *(
            (
                partial(CertificateMiddleware, ClientCertificate("a"), origin),
                ConfigurationError,
                "is written like https",
            )
            for origin in (
                "http://127.0.0.1:8080",
                "api.example",
                "https://api.example/path",
                f"https://{CANARY}@a.b",
                "",
            )
        ),
    ],
)
def test_what_cannot_work_is_said_at_once(make: Callable[[], object], kind: type[Exception], match: str) -> None:
    """Law K2: before anything is asked, and nothing that was given is shown."""
    with pytest.raises(kind, match=match) as caught:
        make()
    assert CANARY not in exposure(caught.value)


async def test_a_fingerprint_tells_whether_anything_was_corrected(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    """Laws D8 and K2: another certificate, key or password is another proof, and none of them is shown."""
    certificate = authority.issue("bot")
    found = {await certificate.fingerprint(SALT)}
    assert found == {await certificate.fingerprint(SALT)}
    authority.issue("bot")
    found.add(await certificate.fingerprint(SALT))
    found.add(await ClientCertificate(tmp_path / "bot.pem", tmp_path / "bot.key", password=CANARY).fingerprint(SALT))
    assert len(found) == 3
    (tmp_path / "bot.key").unlink()
    with pytest.raises(ConfigurationError, match=r"the key in .* cannot be read: No such file"):
        await certificate.fingerprint(SALT)


def test_a_certificate_is_no_value_to_copy_out(authority: CertificateAuthority) -> None:
    """Law G1: pickling is refused, since the password may be in it."""
    certificate = authority.issue("bot", password=CANARY)
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(certificate)
    assert CANARY not in repr(copy.copy(certificate))


class Witness:
    """A server over TLS that says which client certificate it was shown, or sends on to another one."""

    def __init__(self, authority: CertificateAuthority) -> None:
        self.shown: list[int | None] = []
        application = web.Application()
        application.router.add_get("/", self._answer)
        application.router.add_get("/ws", self._answer)
        self.server = TestServer(application)
        self.context = authority.server_context()

    async def __aenter__(self) -> Self:
        await self.server.start_server(ssl=self.context)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()

    @property
    def url(self) -> str:
        """The origin."""
        return str(self.server.make_url("")).rstrip("/")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        certificate = shown_to(request)
        self.shown.append(None if certificate is None else certificate.serial_number)
        if "to" in request.query:
            return web.Response(status=307, headers={"Location": request.query["to"]})
        if request.path == "/ws":
            websocket = web.WebSocketResponse()
            await websocket.prepare(request)
            return websocket
        return web.Response()


async def test_a_certificate_is_shown_to_its_origins_alone(authority: CertificateAuthority) -> None:
    """Law K2: on each hop of a redirect, WebSockets included; another origin never sees it, nor gets its connection."""
    certificate = authority.issue("bot")
    async with Witness(authority) as ours, Witness(authority) as theirs:
        presenting = CertificateMiddleware(certificate, ours.url.upper().replace("HTTPS", "https"))
        async with ClientSession(middlewares=(presenting,)) as session:
            request = partial(session.get, ssl=authority.client_context())
            async with request(ours.url, params={"to": f"{theirs.url}/"}):
                pass
            async with request(theirs.url, params={"to": f"{ours.url}/"}):
                pass
            async with session.ws_connect(f"{ours.url}/ws", ssl=authority.client_context()):
                pass
    assert theirs.shown == [None, None]
    assert len(ours.shown) == 3
    assert None not in ours.shown
    assert len(set(ours.shown)) == 1


async def test_connections_are_not_shared_by_certificates(authority: CertificateAuthority) -> None:
    """Law K2: after a renewal on the disk no request goes over a connection that showed the certificate before."""
    certificate = authority.issue("bot")
    async with (
        Witness(authority) as ours,
        ClientSession(middlewares=(CertificateMiddleware(certificate, ours.url),)) as session,
    ):
        for _ in range(2):
            for _ in range(2):
                async with session.get(ours.url):
                    pass
            authority.issue("bot")
    first, again, second, once_more = ours.shown
    assert first == again != second == once_more
