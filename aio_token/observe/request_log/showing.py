"""One exchange on its way to the printer, its secrets taken out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from aio_token.observe.request_log.bodies import (
    EMPTY,
    shown,
    size_of_request,
    size_of_response,
    taken_from_request,
    taken_from_response,
)
from aio_token.observe.request_log.budget import Budget
from aio_token.observe.request_log.curl import command
from aio_token.observe.request_log.exchange import NOTHING, Failed, Received, Sent, one_line
from aio_token.observe.request_log.redaction import Candour, Redactor

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from aiohttp import ClientRequest, ClientResponse

    from aio_token.observe.request_log.bodies import Taken
    from aio_token.observe.request_log.exchange import Step

_LONGEST_ERROR = 300  # characters
_LONGEST_NAME = 100
_MOST_HEADERS = 100


class Printer(Protocol):
    """Shows exchanges; `details` tells whether it has room for headers and bodies."""

    @property
    def details(self) -> bool:
        """Whether headers and bodies are shown."""
        ...

    def show(self, shown: Sent | Received | Failed) -> None:
        """Print what happened."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is shown of each exchange; see `RequestLog`."""

    statuses: Container[int] | None
    headers: bool
    bodies: bool
    body_limit: int
    curl: bool
    secret_names: tuple[str, ...]
    show_only: tuple[str, ...] | None
    show_secrets: bool


class Exchange:
    """Shows one request and what came of it."""

    __slots__ = ("_body", "_budget", "_headers", "_printer", "_redactor", "_request", "_sent", "_settings", "_step")

    def __init__(self, request: ClientRequest, body: Taken, step: Step, settings: Settings, printer: Printer) -> None:
        self._request = request
        self._headers = tuple(islice(request.headers.items(), _MOST_HEADERS))  # others may change them
        self._body = body
        self._step = step
        self._settings = settings
        self._printer = printer
        self._budget = Budget()
        kind = Candour if settings.show_secrets else Redactor
        self._redactor = kind(settings.secret_names, settings.show_only, self._budget)
        self._sent: Sent | None = None

    @classmethod
    async def begin(cls, request: ClientRequest, step: Step, settings: Settings, printer: Printer) -> Exchange:
        """Show the request, unless its response's status decides; then nothing of it is looked at before."""
        wanted = (settings.bodies and printer.details) or settings.curl
        body = await taken_from_request(request) if wanted else EMPTY
        exchange = cls(request, body, step, settings, printer)
        if settings.statuses is None:
            with exchange._budget:
                sent = exchange._request_shown()
            printer.show(sent)
        return exchange

    def fail(self, error: BaseException, seconds: float) -> None:
        """Show that no response came."""
        name = "cancelled" if isinstance(error, asyncio.CancelledError) else type(error).__name__
        with self._budget:
            text = one_line(self._redactor.text(str(error), _LONGEST_ERROR))
            sent = self._request_shown()
        self._show(Failed(sent=sent, seconds=seconds, error=f"{name}: {text}" if text else name))

    def answer(self, response: ClientResponse, seconds: float) -> None:
        """Show the response, if its status is wanted."""
        settings, redactor, details = self._settings, self._redactor, self._printer.details
        if settings.statuses is not None and response.status not in settings.statuses:
            return
        with self._budget:
            sent = self._request_shown()
            received = Received(
                sent=sent,
                status=response.status,
                reason=redactor.text(response.reason or "", _LONGEST_ERROR),
                seconds=seconds,
                size=size_of_response(response),
                content_type=redactor.header("Content-Type", response.headers.get("Content-Type", "")),
                headers=self._redacted(response.headers.items()) if settings.headers and details else (),
                body=shown(taken_from_response(response), redactor, settings.body_limit)
                if settings.bodies and details
                else NOTHING,
            )
        self._show(received)

    def _show(self, shown: Received | Failed) -> None:
        if self._settings.statuses is not None:
            self._printer.show(shown.sent)
        self._printer.show(shown)

    def _request_shown(self) -> Sent:
        if self._sent is None:
            self._sent = self._redacted_request()
        return self._sent

    def _redacted_request(self) -> Sent:
        settings, request, redactor = self._settings, self._request, self._redactor
        # Headers first: they tell which secrets the address and the body may repeat.
        headers: tuple[tuple[str, str], ...] = ()
        if settings.curl or (settings.headers and self._printer.details):
            headers = self._redacted(self._headers)
        else:
            for name, value in self._headers:
                redactor.learn(name, value)
        url = redactor.url(str(request.url))
        body = shown(self._body, redactor, settings.body_limit)
        return Sent(
            step=self._step,
            method=request.method,
            url=url,
            size=size_of_request(request),
            headers=headers if settings.headers else (),
            body=body if settings.bodies else NOTHING,
            curl=command(request.method, url, headers, body) if settings.curl else None,
        )

    def _redacted(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        most = islice(headers, _MOST_HEADERS)
        return tuple((name[:_LONGEST_NAME], self._redactor.header(name, value)) for name, value in most)
