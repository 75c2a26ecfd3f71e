"""Requests and responses in colour, each in a frame of its own, by way of rich."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.highlighter import JSONHighlighter
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aio_token.observe.request_log.exchange import Body, Failed, Sent, counted, measured, one_line

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import RenderableType

    from aio_token.observe.request_log.exchange import Received

_METHODS = {"GET": "green", "HEAD": "green", "OPTIONS": "green", "DELETE": "red"}
_STATUSES = {2: "green", 3: "cyan", 4: "yellow", 5: "red"}
_json = JSONHighlighter()


def console_for(file: TextIO | None) -> Console:
    """Return a console; NO_COLOR (https://no-color.org) takes every escape sequence away."""
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(file=file, stderr=file is None, force_terminal=True, color_system=None if plain else "auto")


class PrettyPrinter:
    """Prints to a rich console."""

    details = True

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, shown: Sent | Received | Failed) -> None:
        """Print a frame, at once and whole: requests run at the same time."""
        if isinstance(shown, Sent):
            self._console.print(self._sent(shown))
            if shown.curl is not None:
                # Without a frame and unwrapped, so that it can be copied.
                self._console.print(Text(one_line(shown.curl), style="dim"), soft_wrap=True)
        elif isinstance(shown, Failed):
            self._console.print(self._failed(shown))
        else:
            self._console.print(self._received(shown))

    def _sent(self, sent: Sent) -> Panel:
        title = Text.assemble(
            (f"{sent.step.name} ", "bold"), ("→ ", "dim"), (sent.method, f"bold {_METHODS.get(sent.method, 'blue')}")
        )
        about = [sent.step.why, counted(sent.size) if sent.size != 0 else ""]
        return _frame(title, sent.url, about, sent.headers, sent.body, "blue")

    def _received(self, received: Received) -> Panel:
        sent, colour = received.sent, _STATUSES.get(received.status // 100, "magenta")
        status = one_line(f"{received.status} {received.reason}".rstrip())
        title = Text.assemble(
            (f"{sent.step.name} ", "bold"), ("← ", "dim"), (status, f"bold {colour}"), f" {sent.method}"
        )
        about = [measured(received.seconds), counted(received.size) if received.size != 0 else ""]
        return _frame(title, sent.url, about, received.headers, received.body, colour)

    def _failed(self, failed: Failed) -> Panel:
        sent = failed.sent
        title = Text.assemble((f"{sent.step.name} ", "bold"), ("✗ ", "dim"), ("failed", "bold red"), f" {sent.method}")
        return _frame(title, sent.url, [measured(failed.seconds)], (), Body(note=failed.error), "red")


def _frame(
    title: Text, address: str, about: list[str], headers: tuple[tuple[str, str], ...], body: Body, colour: str
) -> Panel:
    parts: list[RenderableType] = [Text(one_line(address), style="bold", overflow="fold")]
    if headers:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in headers:
            table.add_row(Text(one_line(name), style="cyan"), Text(one_line(value)))
        parts += [Text(), table]
    if body.text is not None:
        text = Text(body.text, overflow="fold", no_wrap=False)
        if body.is_json:
            _json.highlight(text)
        parts += [Text(), text]
    if body.note:
        parts += [Text(), Text(body.note, style="dim italic")]
    subtitle = Text(" · ".join(part for part in about if part), style="dim")
    return Panel(
        Group(*parts),
        title=title,
        title_align="left",
        subtitle=subtitle if subtitle.plain else None,
        subtitle_align="right",
        border_style=colour,
    )
