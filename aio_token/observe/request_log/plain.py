"""One line an exchange, for files and pipes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aio_token.observe.request_log.exchange import Failed, Sent, counted, measured, one_line

if TYPE_CHECKING:
    from typing import TextIO

    from aio_token.observe.request_log.exchange import Received


class PlainPrinter:
    """Prints to `file`, to what is standard error by then if that is None."""

    details = False

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def show(self, shown: Sent | Received | Failed) -> None:
        """Print a line when the exchange is over, and the cURL line before it."""
        if isinstance(shown, Sent):
            if shown.curl is not None:
                self._print(f"{shown.step.name} {shown.curl}")
            return
        sent = shown.sent
        parts = [sent.step.name, sent.method, sent.url]
        if isinstance(shown, Failed):
            parts.append(f"failed after {measured(shown.seconds)}: {shown.error}")
        else:
            parts.append(f"{shown.status} {shown.reason}".rstrip())
            parts.append(f"in {measured(shown.seconds)}, sent {counted(sent.size)}, received {counted(shown.size)}")
            if shown.content_type:
                parts.append(f"of {shown.content_type}")
        if sent.step.why:
            parts.append(f"({sent.step.why})")
        self._print(" ".join(parts))

    def _print(self, line: str) -> None:
        file = self._file or sys.stderr
        encoding = getattr(file, "encoding", None) or "utf-8"  # what it lacks, a server may still say
        print(one_line(line).encode(encoding, "backslashreplace").decode(encoding), file=file, flush=True)
