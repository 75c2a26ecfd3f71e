"""The demo on a terminal, by rich, which leaves colours out where NO_COLOR says so."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from examples.demo.report import Row

_STYLES = {True: "bold green", False: "bold red", None: ""}


class RichDisplay:
    """A bar for each crawl, and a table."""

    every = 0.1

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def say(self, text: str, *, good: bool | None = None) -> None:
        """Print the text, in its colour."""
        self._console.print(Text(text, style=_STYLES[good]))

    @contextmanager
    def progress(self, name: str) -> Iterator[Callable[[float, str], None]]:
        """Draw a bar with what there is to say behind it."""
        columns = (TextColumn("[bold]{task.description:<21}"), BarColumn(24), TextColumn("{task.fields[said]}"))
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=1.0, said="")
            yield lambda done, text: progress.update(task, completed=done, said=text)

    def table(self, names: Sequence[str], rows: Sequence[Row]) -> None:
        """Draw the table."""
        table = Table("")
        for name in names:
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(row.label, *(Text(text, style=_STYLES[good]) for text, good in row.cells))
        self._console.print()
        self._console.print(table)
        self._console.print()
