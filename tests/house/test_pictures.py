"""The pictures in the documents: drawn by scripts, complete in themselves, and without a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aio_token.observe import RequestLog
from benchmarks import pretty_log
from tests.support.drawings import DRAWINGS

ROOT = Path(__file__).parents[2]
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))


async def test_the_pretty_log_is_drawn_as_it_is_printed() -> None:
    """Law G1: drawn anew it shows the same words; the secrets of its requests are in neither."""
    anew, kept = list(pretty_log.shown(await pretty_log.picture())), pretty_log.PICTURE.read_text(encoding="utf-8")
    assert anew == list(pretty_log.shown(kept)), "draw it anew: make bench ARGS=pretty_log"
    assert any("again after 401" in words for words in anew)
    assert not [secret for secret in pretty_log.SECRETS if secret in kept]


@pytest.mark.parametrize("secret", pretty_log.SECRETS)
async def test_the_secrets_were_there_to_be_shown(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law G1: the check can fail; each secret is seen when nothing is hidden."""
    monkeypatch.setattr(pretty_log, "RequestLog", lambda **options: RequestLog(show_secrets=True, **options))
    with pytest.raises(AssertionError, match=secret):
        await pretty_log.picture()


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_its_script_s(name: str) -> None:
    """What is drawn by hand is drawn in Python, so that words and colours are those of all the others."""
    kept = (ROOT / "docs" / "pictures" / name).read_text(encoding="utf-8")
    assert kept == DRAWINGS[name](), "draw it anew: python -m tests.support.drawings"


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_fetches_nothing(path: Path) -> None:
    """A picture is small, is shown in a document, and names no address to fetch anything from."""
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 200_000
    assert not re.findall(r"(?:href|src)=[\"']?https?:|url\(\s*[\"']?https?:|@import", text)
    assert any(f"pictures/{path.name}" in page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
