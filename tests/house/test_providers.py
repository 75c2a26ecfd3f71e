"""How many providers are served: the table of quirks, and what serves them."""

from __future__ import annotations

from tests.support.providers import Quirk, left, quirks, report, share


def test_nearly_all_providers_are_served() -> None:
    """At least 95 of 100 providers of a public catalogue are served whole, and what is left is named."""
    table = quirks()
    assert share(table) >= 95, report(table)
    assert list(left(table)) == ["the client is registered by the program itself (RFC 7591)"]


def test_what_cannot_be_written_is_not_served() -> None:
    """The measure itself: a row without Python, or with Python that does not run, counts as left."""
    table = [
        Quirk("one", 10, "TokenEndpoint(url, client, magic=True)"),
        Quirk("two", 5, ""),
        Quirk("three", None, "Nothing()"),
        Quirk("four", 100, "TokenEndpoint(url, client)"),
        Quirk("five", 7, "TokenEndpoint('ftp://id.example', client)"),
    ]
    assert left(table) == {"one": 10, "two": 5, "three": 0, "five": 7}
    assert f"{share(table):.1f}" == "95.4"
    assert report(table).endswith("served whole: at least 95.4 % of 478; left: one (10), two (5), three (0), five (7)")
