"""How the demo looks: a live progress bar and a table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from examples.demo.report import Row

    Update = Callable[[float, str], None]  # the part that is done, from 0 to 1; what to say about it


class Display(Protocol):
    """Shows the demo; `every` is the number of seconds between two updates."""

    every: float

    def say(self, text: str, *, good: bool | None = None) -> None:
        """Show a paragraph."""
        ...

    def progress(self, name: str) -> AbstractContextManager[Update]:
        """Show how something goes on."""
        ...

    def table(self, names: Sequence[str], rows: Sequence[Row]) -> None:
        """Show the result."""
        ...


def display(*, plain: bool) -> Display:
    """Choose what suits where the output goes, and what is installed."""
    if not plain and sys.stdout.isatty():
        try:
            from examples.demo.rich_display import RichDisplay  # noqa: PLC0415  rich is optional
        except ImportError:
            return PlainDisplay()
        return RichDisplay()
    return PlainDisplay()


class PlainDisplay:
    """Lines."""

    every = 1.0

    def say(self, text: str, *, good: bool | None = None) -> None:  # noqa: ARG002  the words say it
        """Print the text."""
        print(text, flush=True)

    @contextmanager
    def progress(self, name: str) -> Iterator[Update]:
        """Print a line for each update."""
        yield lambda done, text: print(f"{name}  {done:4.0%}  {text}", flush=True)

    def table(self, names: Sequence[str], rows: Sequence[Row]) -> None:
        """Print aligned columns."""
        lines = [("", *names), *((row.label, *(text for text, _ in row.cells)) for row in rows)]
        label, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
        print()
        for first, *cells in lines:
            columns = (f"{cell:>{width + 3}}" for cell, width in zip(cells, widths, strict=True))
            print(f"{first:<{label}}{''.join(columns)}", flush=True)
        print()
