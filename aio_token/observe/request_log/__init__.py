"""The pretty log: what a client sends and receives, for a person to read, with secrets redacted."""

from __future__ import annotations

from aio_token._ground.public import public

import logging
import os
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK
from aio_token.observe.request_log.bodies import wait_for_body
from aio_token.observe.request_log.chain import Chains
from aio_token.observe.request_log.plain import PlainPrinter
from aio_token.observe.request_log.showing import Exchange, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from typing import TextIO

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from aio_token._clock import Clock
    from aio_token.observe.request_log.showing import Printer

_logger = logging.getLogger("aio_token")


@public
class RequestLog:
    """An aiohttp client middleware that shows requests and responses: in colour on a terminal, else a line each.

    Put it last, `middlewares=(BearerMiddleware(...), RequestLog())`: there it sees every request that leaves, retries
    and redirects included. In the first place it sees what the caller asked and got.

    `hosts` are the ones to show, `*` standing for anything (`"*.example"`); none means all. `statuses`, such as
    `range(400, 600)`, shows exchanges with those statuses and those that failed, requests not before their outcome.
    `when` is asked about each request. `headers` and `bodies` say what frames hold; a body's text is cut after
    `body_limit` characters. `curl` adds each request's command line. `secret_names` are names of more headers,
    parameters and members to hide; with `show_only` the values of these alone are shown, as far as they are no
    secrets, and no other text of a body; `show_secrets` hides nothing at all. One exchange may cost 50 ms of CPU time
    and 131,072 characters that are looked at; what is not shown for that reason is an ellipsis.

    `file` None is standard error, `pretty` None means frames on a terminal. They need the extra `pretty`; raises
    ModuleNotFoundError without it. No body is consumed, and what goes wrong in here harms no request.
    """

    def __init__(  # noqa: PLR0913  switches, each with a default
        self,
        *hosts: str,
        statuses: Container[int] | None = None,
        when: Callable[[ClientRequest], bool] | None = None,
        headers: bool = True,
        bodies: bool = True,
        body_limit: int = 4_000,
        curl: bool = False,
        secret_names: Iterable[str] = (),
        show_only: Iterable[str] | None = None,
        show_secrets: bool = False,
        file: TextIO | None = None,
        pretty: bool | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._hosts = tuple(host.lower() for host in hosts)
        self._when = when
        self._printer = printer_for(file, pretty=pretty)
        self._settings = Settings(
            statuses=statuses,
            headers=headers,
            bodies=bodies,
            body_limit=body_limit,
            curl=curl,
            secret_names=tuple(secret_names),
            show_only=None if show_only is None else tuple(show_only),
            show_secrets=show_secrets,
        )
        self._clock = clock
        self._chains = Chains()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request, and show it and what comes of it."""
        exchange = await self._begun(request)
        if exchange is None:
            return await handler(request)
        began = self._clock.monotonic()
        try:
            response = await handler(request)
        except BaseException as error:
            self._ended(exchange, request, error, self._clock.monotonic() - began)
            raise
        seconds = self._clock.monotonic() - began
        if self._settings.bodies and self._printer.details:
            try:
                await wait_for_body(response)
            except BaseException:
                response.close()
                raise
        self._ended(exchange, request, response, seconds)
        return response

    async def _begun(self, request: ClientRequest) -> Exchange | None:
        try:
            if self._wants(request):
                return await Exchange.begin(request, self._chains.sent(request), self._settings, self._printer)
        except Exception as error:  # noqa: BLE001  a log that fails harms no request
            _tell(error)
        return None

    def _ended(
        self, exchange: Exchange, request: ClientRequest, outcome: ClientResponse | BaseException, seconds: float
    ) -> None:
        try:
            if isinstance(outcome, BaseException):
                self._chains.failed(request, outcome)
                exchange.fail(outcome, seconds)
            else:
                self._chains.answered(request, outcome)
                exchange.answer(outcome, seconds)
        except Exception as error:  # noqa: BLE001  a log that fails harms no request
            _tell(error)

    def _wants(self, request: ClientRequest) -> bool:
        host = (request.url.host or "").lower()
        if self._hosts and not any(fnmatchcase(host, pattern) for pattern in self._hosts):
            return False
        return self._when is None or self._when(request)


def printer_for(file: TextIO | None, *, pretty: bool | None) -> Printer:
    """Return what prints to the file; `pretty` None looks whether it is a terminal. Raises ModuleNotFoundError."""
    if pretty is None:
        pretty = _is_terminal(file or sys.stderr)
    if not pretty:
        return PlainPrinter(file)
    try:
        from aio_token.observe.request_log.pretty import PrettyPrinter, console_for  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        message = "the pretty log needs rich; run: pip install 'aio-token[pretty]', or say pretty=False for plain lines"
        raise ModuleNotFoundError(message, name="rich") from error
    return PrettyPrinter(console_for(file))


def _is_terminal(file: TextIO) -> bool:
    return file.isatty() and os.environ.get("TERM") != "dumb"


def _tell(error: Exception) -> None:
    # The error's text and its frames may hold what was to be redacted.
    _logger.warning("a request could not be shown (%s)", type(error).__name__)
