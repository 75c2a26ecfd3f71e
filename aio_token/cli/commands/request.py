"""`aio-token request`: one request with the token, to an origin that may receive it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import click

from aio_token.cli._destinations import may_go, parsed
from aio_token.cli._exits import Exit, run_to_end
from aio_token.cli._network import certificates, proxy_for
from aio_token.cli._options import origins, profile_option, wish_options
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.cli._tokens import tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yarl import URL

    from aio_token._wish import Wish

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 9.1
_FAILED = 400  # and above
_REDIRECTS = range(300, 400)
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
    verbose: bool
    wish: Wish


def _headers(context: click.Context, parameter: click.Parameter, lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = [re.fullmatch(r"([^:\s]+):\s*([^\r\n]*)", line) for line in lines]
    if None in found:
        message = "write a header like 'Accept: application/json'"
        raise click.BadParameter(message, context, parameter)
    return tuple((match[1], match[2]) for match in found if match)


def _method(context: click.Context, parameter: click.Parameter, method: str) -> str:
    if not _METHOD.fullmatch(method):
        message = "this is not an HTTP method"
        raise click.BadParameter(message, context, parameter)
    return method.upper()


@click.command()
@click.argument("method", callback=_method)
@click.argument("url")
@profile_option()
@click.option(
    "--header", "-H", "headers", multiple=True, metavar="LINE", callback=_headers, help="A header; may be repeated."
)
@click.option("--data", "-d", metavar="TEXT", help="The body; say its type with --header.")
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
@click.option("--verbose", "-v", is_flag=True, help="Show what is sent and received, secrets redacted.")
@wish_options
def command(profile: str, **options: Any) -> int:  # noqa: ANN401  the options above
    """Send a request with the token, and its answer's body to standard output.

    The exit code is 1 for an answer of 400 and above. A token that the API rejects is renewed once.
    """
    return run_to_end(_request(Session.load(profile), Options(**options)))


async def _request(session: Session, options: Options) -> Exit:
    from aiohttp import ClientError, ClientSession, ClientTimeout

    from aio_token._middleware import BearerMiddleware
    from aio_token.observe.request_log import RequestLog

    allowed = session.profile.origins + options.origins
    url = _permitted(session.name, options.url, allowed)
    body = options.data_file if options.data is None else options.data.encode()
    with session.advice():
        async with (
            tokens_of(session, options.wish) as tokens,
            ClientSession(
                timeout=ClientTimeout(total=None, sock_connect=_CONNECT),
                middlewares=(BearerMiddleware(tokens, *allowed), *((RequestLog(),) if options.verbose else ())),
            ) as client,
        ):
            try:
                async with client.request(
                    options.method,
                    url,
                    headers=options.headers,
                    data=body,
                    allow_redirects=options.location,
                    proxy=proxy_for(session.profile, str(url)),
                    ssl=certificates(session.profile.ca_file) or True,
                ) as response:
                    async for piece in response.content.iter_any():
                        sys.stdout.buffer.write(piece)
                        sys.stdout.buffer.flush()
            except (ClientError, TimeoutError) as error:
                trouble = f"{url.origin()} did not answer, or broke off ({type(error).__name__})"
                say(f"aio-token: {trouble}; try again later")
                return Exit.LATER
    if response.status in _REDIRECTS:
        say(f"aio-token: {response.status}, a redirect; --location follows it")
    elif response.status >= _FAILED:
        say(f"aio-token: the answer is {response.status}")
        return Exit.OTHER
    return Exit.DONE


def _permitted(name: str, text: str, allowed: Sequence[str]) -> URL:
    """Return the URL if the token may go there, which only an origin that was named allows (law A1)."""
    url = parsed(text)
    if url is None:
        message = "this is not a URL"
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
