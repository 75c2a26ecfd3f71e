"""One exchange on its way to the printer, its secrets taken out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aio_token.observe.request_log.bodies import body_of_request, body_of_response, size_of_request, size_of_response
from aio_token.observe.request_log.curl import command
from aio_token.observe.request_log.exchange import NOTHING, Failed, Received, Sent, one_line
from aio_token.observe.request_log.redaction import Candour, Redactor

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from aiohttp import ClientRequest, ClientResponse

    from aio_token.observe.request_log.exchange import Step

_LONGEST_ERROR = 300  # characters


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
    show_secrets: bool


class Exchange:
    """Shows one request and what came of it."""

    __slots__ = ("_printer", "_redactor", "_sent", "_settings")

    def __init__(self, settings: Settings, printer: Printer, sent: Sent, redactor: Redactor) -> None:
        self._settings = settings
        self._printer = printer
        self._sent = sent
        self._redactor = redactor

    @classmethod
    async def begin(cls, request: ClientRequest, step: Step, settings: Settings, printer: Printer) -> Exchange:
        """Show the request, unless its response's status decides."""
        redactor = (Candour if settings.show_secrets else Redactor)(settings.secret_names)
        # Headers first: they tell which secrets the address and the body may repeat.
        headers = _redacted(request.headers, redactor)
        url = redactor.url(str(request.url))
        body = NOTHING
        if (settings.bodies and printer.details) or settings.curl:
            body = await body_of_request(request, redactor, settings.body_limit)
        sent = Sent(
            step=step,
            method=request.method,
            url=url,
            size=size_of_request(request),
            headers=headers if settings.headers else (),
            body=body if settings.bodies else NOTHING,
            curl=command(request.method, url, headers, body) if settings.curl else None,
        )
        if settings.statuses is None:
            printer.show(sent)
        return cls(settings, printer, sent, redactor)

    def fail(self, error: BaseException, seconds: float) -> None:
        """Show that no response came."""
        name = "cancelled" if isinstance(error, asyncio.CancelledError) else type(error).__name__
        text = one_line(self._redactor.text(str(error)))[:_LONGEST_ERROR]
        self._show(Failed(sent=self._sent, seconds=seconds, error=f"{name}: {text}" if text else name))

    def answer(self, response: ClientResponse, seconds: float) -> None:
        """Show the response, if its status is wanted."""
        settings, redactor = self._settings, self._redactor
        if settings.statuses is not None and response.status not in settings.statuses:
            return
        headers = _redacted(response.headers, redactor)
        shows_body = settings.bodies and self._printer.details
        received = Received(
            sent=self._sent,
            status=response.status,
            reason=redactor.text(response.reason or ""),
            seconds=seconds,
            size=size_of_response(response),
            content_type=response.headers.get("Content-Type", ""),
            headers=headers if settings.headers else (),
            body=body_of_response(response, redactor, settings.body_limit) if shows_body else NOTHING,
        )
        self._show(received)

    def _show(self, shown: Received | Failed) -> None:
        if self._settings.statuses is not None:
            self._printer.show(self._sent)
        self._printer.show(shown)


def _redacted(headers: Mapping[str, str], redactor: Redactor) -> tuple[tuple[str, str], ...]:
    return tuple((name, redactor.header(name, value)) for name, value in headers.items())
