"""The README tells what to read: what runs, and how long it is."""

from __future__ import annotations

from tests.support.reading import PAGE, filled, lines_of, listed, run_through


async def test_the_reading_order_is_what_runs() -> None:
    """It lists the modules that a request and a renewal run through: all of them, and no others."""
    assert set(listed(PAGE.read_text(encoding="utf-8"))) == await run_through()


def test_the_numbers_of_lines_are_true() -> None:
    """Each module's, and that of all."""
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "count again: python -m tests.support.reading"


def test_wrong_numbers_are_noticed() -> None:
    """They are replaced in the section alone."""
    page = "[`_token.py`](aio_token/_token.py) (1)\n## Read it\n\n1 lines, comments\n\n1. {} (1)\n\n## Then\n"
    link = "[`_token.py`](aio_token/_token.py)"
    true = lines_of("_token.py")
    assert listed(page.format(link)) == {"_token.py": 1}
    assert filled(page.format(link)) == page.format(link).replace("1 lines", f"{true} lines").replace(
        f"1. {link} (1)", f"1. {link} ({true})"
    )
