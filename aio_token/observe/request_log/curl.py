"""A request as a cURL command line; what is secret in it has to be filled in."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from aio_token.observe.request_log.exchange import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aio_token.observe.request_log.exchange import Body

_BY_ITSELF = {"accept-encoding", "content-length", "host", "transfer-encoding", "user-agent"}


def command(method: str, url: str, headers: Iterable[tuple[str, str]], body: Body) -> str:
    """Return one line that a shell understands; a body that is not shown is read from the file `body`."""
    words = ["curl", "--globoff", "-X", method, url]
    for name, value in headers:
        if name.lower() not in _BY_ITSELF:
            words += ["-H", f"{name}: {value}"]
    if body.text is not None and not body.note:
        form = any(name.lower() == "content-type" and "urlencoded" in value for name, value in headers)
        words += ["--data-raw", body.text.replace("\n", "&") if form and not body.is_json else body.text]
    elif body.note:
        words += ["--data-binary", "@body"]
    return " ".join(shlex.quote(word) if "\n" not in word else _of_several_lines(word) for word in words)


def _of_several_lines(word: str) -> str:
    """Quote a text as bash and zsh do, so that the command stays one line."""
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{one_line(escaped)}'"
