"""What a user wants to know at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from examples.demo.contestants import CONTRAST, OURS
from examples.demo.tally import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from examples.demo.tally import Reason, Tally

_PARTS = (50, 95, 99, 100)  # of the answers, in hundredths


@dataclass(frozen=True)
class Row:
    """A line of the table: what is shown for each contestant, and whether it is good; None: neither."""

    label: str
    cells: tuple[tuple[str, bool | None], ...]


def rows(tallies: Mapping[str, Tally]) -> list[Row]:
    """Lay the tallies side by side."""

    def row(label: str, show: Callable[[Tally], str], good: Callable[[Tally], bool] | None = None) -> Row:
        return Row(label, tuple((show(tally), good and good(tally)) for tally in tallies.values()))

    def took(tally: Tally, *, after_the_pause: bool) -> str:
        answers = tally.answers(after_the_pause=after_the_pause)
        return " / ".join(_ms(percentile(answers, part)) for part in _PARTS) if answers else "none"

    def waited(tally: Tally, why: Reason) -> str:
        waits = tally.waits[why]
        return f"{len(waits):,}, longest {_ms(max(waits))} ms" if waits else "none"

    return [
        row("requests failed", lambda t: f"{t.failed:,}", lambda t: not t.failed),
        row("refresh tokens presented twice", lambda t: f"{t.presented_twice:,}", lambda t: not t.presented_twice),
        row("requests answered", lambda t: f"{t.answered:,}"),
        row("  in ms: p50 / p95 / p99 / slowest", lambda t: took(t, after_the_pause=False)),
        row("  the same, after the pause", lambda t: took(t, after_the_pause=True)),
        row("waited for the first token", lambda t: waited(t, "first token")),
        row("waited as the token was renewed", lambda t: waited(t, "renewal")),
        row("waited as it ended in the pause", lambda t: waited(t, "token ended in the pause")),
        row("token requests", lambda t: f"{t.tokens.sent:,}", lambda t: t.tokens.sent <= t.tokens.expired + 1),
        row("  of them renewed the token", lambda t: f"{t.tokens.answered:,}"),
        row("  tokens that came to their end", lambda t: f"{t.tokens.expired:,}"),
        row("clients cancelled during a renewal", lambda t: f"{t.cancelled:,}"),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}"


def verdict(tallies: Mapping[str, Tally]) -> list[str]:
    """Say what it comes to, a sentence each."""
    ours, contrast = tallies[OURS], tallies.get(CONTRAST)
    lines = [_of_ours(ours)]
    if not ours.flawless and ours.slowest_answer > ours.tokens.lifetime:
        lines.append(
            f"The slowest answer took {ours.slowest_answer:.1f} s, and a token lives {ours.tokens.lifetime:.1f} s: "
            "tokens end while the server is busy; give it fewer clients at once with --clients."
        )
    if ours.remark:
        lines.append(f"{ours.remark[0].upper()}{ours.remark[1:]}; shorten the lifetime of access tokens to see that.")
    if contrast is not None:
        lines.append(_of_contrast(contrast))
    return lines


def _of_ours(tally: Tally) -> str:
    if tally.flawless:
        return f"{OURS}: every request was answered, and no refresh token was presented twice."
    if not tally.answered and not tally.failed:
        return f"{OURS}: no request was answered."
    twice = f"{tally.presented_twice:,} refresh tokens presented twice"
    return f"{OURS}: {tally.failed:,} requests failed{_why(tally)}; {twice}."


def _of_contrast(tally: Tally) -> str:
    if tally.presented_twice and tally.failed:
        return (
            f"{CONTRAST}: the cancelled client took the new refresh token with it. The next one presented the spent "
            f"one, the server ended the session, and {tally.failed:,} requests failed{_why(tally)}."
        )
    if tally.failed:
        return f"{CONTRAST}: {tally.failed:,} requests failed{_why(tally)}."
    return f"{CONTRAST}: it came through this time."


def _why(tally: Tally) -> str:
    return (
        f" ({', '.join(f'{count:,} x {name}' for name, count in tally.failures.most_common(3))})"
        if tally.failed
        else ""
    )
