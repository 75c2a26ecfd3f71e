"""What reaches a terminal, and what is known of it."""

from __future__ import annotations

import pytest

from aio_token.cli._terminal import excerpt, has_browser, say, show

HOSTILE = "a\x1b[2J\x07\x9b\u202e\u2066\u200f\ud800\r\tb\nc"


def test_a_terminal_gets_printable_text_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Law G3: whatever a sentence quotes, it moves no cursor and turns no text around; lines stay lines."""
    say(HOSTILE)
    show(HOSTILE)
    shown = capsys.readouterr()
    assert shown.out == shown.err == "a [2J" + " " * 8 + "b\nc\n"


@pytest.mark.parametrize(("length", "cut"), [(300, 300), (301, 300), (1_000_000, 300)])
def test_a_long_text_is_cut(length: int, cut: int) -> None:
    """Law D6: 300 characters, and an ellipsis where something is missing."""
    shown = excerpt("x" * length)
    assert len(shown) == cut
    assert shown.endswith("...") is (length > cut)


def test_an_excerpt_forges_no_line() -> None:
    """Law G3: a server's text stays within the sentence that quotes it."""
    assert excerpt("read\nother: valid\u2028until") == "read other: valid until"


def test_a_browser_that_is_named_needs_no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors that work on another machine set `BROWSER`, over SSH too; without it SSH means that none would appear."""
    for variable in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert not has_browser()
    monkeypatch.setenv("BROWSER", "open-elsewhere")
    assert has_browser()
