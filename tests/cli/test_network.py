"""`--ca-file` and `--proxy`: said once at the sign-in, and meant for every request since."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from aio_token.cli._profile_files import find
from aio_token.testing import AuthorizationServer, ProtectedAPI
from tests.cli.command_line import at
from tests.support.certificates import write_certificate

if TYPE_CHECKING:
    from tests.cli.command_line import CommandLine


async def test_a_certificate_of_ones_own(aio_token: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is trusted beside the system's, by all commands; without it the server is not."""
    trusted, shown = write_certificate(aio_token.directory, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)
    shown.chmod(0o600)
    async with (
        AuthorizationServer(ssl_context=context) as server,
        ProtectedAPI(server, ssl_context=context) as api,
    ):
        monkeypatch.setenv("AIO_TOKEN_CLIENT_SECRET", server.client.secret or "")
        options = [*at(server, "bot"), "--service-account", "--origin", api.url]
        done = await aio_token("login", *options)
        assert done.code == 1
        assert "a certificate that is not trusted" in done.err
        assert (await aio_token("login", *options, "--ca-file", trusted)).code == 0
        assert (await aio_token("request", "GET", api.url)).code == 0
        for command in (["whoami"], ["doctor"], ["token", "--force"]):
            assert (await aio_token(*command)).code == 0
        trusted.write_text("no certificate")
        done = await aio_token("token", "--force")
        assert done.code == 1
        assert "holds no certificate in PEM; check --ca-file" in done.err
        trusted.unlink()
        assert "No such file or directory; check --ca-file" in (await aio_token("token", "--force")).err


async def test_a_proxy_that_was_named_is_used(aio_token: CommandLine) -> None:
    """Instead of the environment's; the profile remembers it."""
    seen: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as proxy:
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        options = ["--issuer", "https://id.example", "--client-id", "app", "--device"]
        done = await aio_token("login", *options, "--proxy", url)
        assert done.code == 1
        assert "the proxy on the way" in done.err
        assert seen[0].startswith(b"CONNECT id.example:443")
    assert find("default") is None


@pytest.mark.parametrize(
    "proxy",
    ["socks5://127.0.0.1:1", "http://", "http://ada:canary-password@proxy.example:3128", "ada:canary-password@proxy:1"],
)
async def test_what_is_no_proxy_for_a_profile(proxy: str, aio_token: CommandLine) -> None:
    """2: one that speaks something else, one without a name, one with a password, which a profile would show."""
    done = await aio_token("login", "--proxy", proxy)
    assert done.code == 2
    assert "canary" not in done.err
