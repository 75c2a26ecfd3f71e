"""What is shown of a request and its response: text without secrets, ready to be printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where a request stands: the `step`-th of chain `number`, and `why` there is another one ("" for the first)."""

    number: int
    step: int
    why: str

    @property
    def name(self) -> str:
        """What the reader tells requests apart by: #7, and #7.2 for the second of its chain."""
        return f"#{self.number}" if self.step == 1 else f"#{self.number}.{self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body: `text` as far as it is shown, None where it is not, and a `note` on type, size and what is left out."""

    text: str | None = None
    is_json: bool = False
    note: str = ""


NOTHING = Body()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request; `size` is its body's in bytes, None if it is not known before it is sent."""

    step: Step
    method: str
    url: str
    size: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = NOTHING
    curl: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A response to `sent`, `seconds` after it; `size` is its body's in bytes, None while it is not known."""

    sent: Sent
    status: int
    reason: str
    seconds: float
    size: int | None
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """No response to `sent`, but an `error`, after `seconds`."""

    sent: Sent
    seconds: float
    error: str


def measured(seconds: float) -> str:
    """Write a time as people read it."""
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def counted(size: int | None) -> str:
    """Write a number of bytes."""
    return "? bytes" if size is None else "1 byte" if size == 1 else f"{size:,} bytes"


def visible(text: str) -> str:
    """Write what would move a terminal's cursor, or cannot be printed at all, as escapes."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else letter.encode("unicode_escape").decode()
        for letter in text
    )


def one_line(text: str) -> str:
    """Write a text so that it cannot pretend to be several lines."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")
