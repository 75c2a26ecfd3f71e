"""A QR code for a terminal: two rows of it in a line of text."""

from __future__ import annotations

import segno

_BLOCKS = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
"""By which of the two, the upper and the lower one, is dark: a terminal writes light on dark, as a rule."""
_MARGIN = 2  # modules; four are the rule (ISO 18004), and OpenCV and ZXing read it with two, on black as well


def qr_code(text: str) -> str:
    """Return the code of a text, lines of equal length."""
    rows = [tuple(map(bool, row)) for row in segno.make_qr(text, error="l").matrix_iter(border=_MARGIN)]
    rows += [(False,) * len(rows[0])] * (len(rows) % 2)
    lines = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(_BLOCKS[pair] for pair in zip(*line, strict=True)) for line in lines)
