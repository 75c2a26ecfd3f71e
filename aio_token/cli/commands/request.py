"""`aio-token request`: one request with the token, to an origin that may receive it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import click

from aio_token._errors import TokenError
from aio_token.cli._destinations import may_go, parsed
from aio_token.cli._exits import Exit, exit_for, run_to_end
from aio_token.cli._network import certificate_of, certificates, proxy_for
from aio_token.cli._options import origins, profile_option, wish_options
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.cli._tokens import tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import ClientMiddlewareType, ClientResponse
    from yarl import URL

    from aio_token._wish import Wish

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 9.1
_HEADER = re.compile(rf"({_METHOD.pattern}):\s*([^\x00-\x08\x0a-\x1f\x7f]*)")  # RFC 9110 section 5
_OF_THE_BODY = {"content-length", "transfer-encoding"}
_CONNECT = 30.0  # seconds; the answer may take as long as it takes, and Ctrl-C ends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The request, as the command line describes it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    data: str | None
    data_file: IO[bytes] | None
    origins: tuple[str, ...]
    location: bool
    include: bool
    verbose: bool
    wish: Wish


def _headers(context: click.Context, parameter: click.Parameter, lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = [_HEADER.fullmatch(line) for line in lines]
    if None in found:
        message = "write a header like 'Accept: application/json'"
        raise click.BadParameter(message, context, parameter)
    if any(match and match[1].lower() == "authorization" for match in found):
        message = "Authorization is where the token goes; for a request without it take another program, such as curl"
        raise click.BadParameter(message, context, parameter)
    if any(match and match[1].lower() in _OF_THE_BODY for match in found):
        message = "this program says how long the body is, and how it is sent"
        raise click.BadParameter(message, context, parameter)
    return tuple((match[1], match[2]) for match in found if match)


def _data(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    if text is not None and text.startswith("@") and os.path.exists(text[1:]):  # noqa: PTH110  it may be no path at all
        message = f"what is given is sent as it stands; to send what is in a file: --data-file {text[1:]}"
        raise click.BadParameter(message, context, parameter)
    return text


def _method(context: click.Context, parameter: click.Parameter, method: str) -> str:
    if not _METHOD.fullmatch(method):
        message = "this is not an HTTP method; it stands before the URL, like: aio-token request GET URL"
        raise click.BadParameter(message, context, parameter)
    return method.upper()


@click.command()
@click.argument("method", callback=_method)
@click.argument("url")
@profile_option()
@click.option(
    "--header", "-H", "headers", multiple=True, metavar="LINE", callback=_headers, help="A header; may be repeated."
)
@click.option("--data", "-d", metavar="TEXT", callback=_data, help="The body; say its type with --header.")
@click.option("--data-file", type=click.File("rb"), help="The body from a file, - for standard input.")
@click.option(
    "--send-token-to",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    callback=origins,
    help="An origin that may receive the token, this time; `login --origin` names one for good.",
)
@click.option("--location", "-L", is_flag=True, help="Follow redirects; the token goes along to those origins only.")
@click.option("--include", "-i", is_flag=True, help="Write the answer's status and headers before its body.")
@click.option("--verbose", "-v", is_flag=True, help="Show what is sent and received, secrets redacted.")
@wish_options
def command(profile: str, **options: Any) -> int:  # noqa: ANN401  the options above
    """Send a request with the token, and its answer's body to standard output.

    The exit code is 1 for an answer of 400 and above. A token that the API rejects is renewed once.
    """
    if options["data"] is not None and options["data_file"] is not None:
        message = "a request has one body: pass --data or --data-file"
        raise click.UsageError(message)
    return run_to_end(_request(Session.load(profile), Options(**options)))


async def _request(session: Session, options: Options) -> Exit:
    from aiohttp import ClientError, ClientSession, ClientTimeout

    from aio_token import __version__
    from aio_token._middleware import BearerMiddleware
    from aio_token.cli._request_trouble import Hops, failure_of, is_failure, remark_on

    allowed = session.profile.origins + options.origins
    url = _permitted(session.name, options.url, allowed)
    body = options.data_file if options.data is None else os.fsencode(options.data)
    proxy = proxy_for(session.profile, str(url))
    hops = Hops(url)
    with session.advice():
        async with (
            tokens_of(session, options.wish) as tokens,
            ClientSession(
                headers={"User-Agent": f"aio-token/{__version__}"},
                timeout=ClientTimeout(total=None, sock_connect=_CONNECT),
                middlewares=(
                    hops,
                    BearerMiddleware(tokens, *allowed),
                    *_inner(session, allowed, verbose=options.verbose),
                ),
            ) as client,
        ):
            try:
                async with client.request(
                    options.method,
                    url,
                    headers=options.headers,
                    data=body,
                    allow_redirects=options.location,
                    proxy=proxy,
                    ssl=certificates(session.profile.ca_file) or True,
                ) as response:
                    await _write(response, with_head=options.include)
            except TokenError:  # no token, and so no request: ServerUnavailable is an error of aiohttp's as well here
                raise
            except (ClientError, TimeoutError) as error:
                failure = failure_of(error, str(hops.at.origin()), by_proxy=proxy is not None)
                say(f"aio-token: {failure}")
                return exit_for(failure)
    receives_token = may_go(response.url, allowed)
    remark = remark_on(response.status, response.url, followed=options.location, receives_token=receives_token)
    if remark is not None:
        say(f"aio-token: {remark}")
    return Exit.OTHER if is_failure(response.status) else Exit.DONE


def _inner(session: Session, allowed: Sequence[str], *, verbose: bool) -> list[ClientMiddlewareType]:
    """Return what stands behind the token: the certificate that it may be bound to, and the log."""
    from aio_token.oauth.certificate_middleware import CertificateMiddleware
    from aio_token.observe.request_log import RequestLog

    shown, to = certificate_of(session.profile), [origin for origin in allowed if origin.lower().startswith("https:")]
    showing = [CertificateMiddleware(shown, *to)] if shown is not None and to else []
    return [*showing, *([RequestLog()] if verbose else [])]


async def _write(response: ClientResponse, *, with_head: bool) -> None:
    """Write the answer to standard output as it comes."""
    out = sys.stdout.buffer
    if with_head:
        version = response.version or (1, 1)
        out.write(
            f"HTTP/{version[0]}.{version[1]} {response.status} {response.reason}\r\n".encode(errors="surrogateescape")
        )
        out.write(b"".join(b"%b: %b\r\n" % header for header in response.raw_headers) + b"\r\n")
        out.flush()
    async for piece in response.content.iter_any():
        out.write(piece)
        out.flush()


def _permitted(name: str, text: str, allowed: Sequence[str]) -> URL:
    """Return the URL if the token may go there, which only an origin that was named allows (law A1)."""
    url = parsed(text)
    if url is None:
        message = "this is not a URL; write it whole, like https://api.example/me"
        raise click.BadParameter(message, param_hint="URL")
    if not may_go(url, allowed):
        origin = str(url.origin())
        to = f" but to {', '.join(allowed)}" if allowed else ""
        message = (
            f"the token of the profile {name} may not go to {origin}{to}; if it may, pass --send-token-to {origin}, or "
            f"sign in again with --origin {origin}"
        )
        raise click.UsageError(message)
    return url
