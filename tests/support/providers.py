"""The share of providers that are served, by the ways in which they leave the standard.

    python -m tests.support.providers

providers.csv beside this file is a table of facts: a way to leave the standard, how many of the 478 OAuth 2 providers
of a public catalogue do so (nothing where they were not counted), and the Python that serves it. A row counts as served
if its Python runs. A provider may have several quirks, so what is left is added up as if each were of another one.
"""

from __future__ import annotations

import csv
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

import aio_token
from aio_token import oauth

PROVIDERS = 478
TABLE = Path(__file__).with_suffix(".csv")
NAMES = {
    **{name: getattr(aio_token, name) for name in aio_token.__all__},
    **{name: getattr(oauth, name) for name in oauth.__all__},
    "url": "https://id.example/token",
    "api": "https://api.example",
    "client": oauth.PublicClient("id"),
    "context": ssl.create_default_context(),
}


@dataclass(frozen=True)
class Quirk:
    """A way to leave the standard, the providers that do, and the Python that serves it."""

    name: str
    providers: int | None
    served_by: str

    @property
    def is_served(self) -> bool:
        """Whether there is such Python, and it runs."""
        try:
            eval(self.served_by, dict(NAMES))  # noqa: S307  it is in the table
        except (SyntaxError, NameError, TypeError, aio_token.TokenError):
            return False
        return True


def quirks() -> list[Quirk]:
    """Read the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Quirk(row["quirk"], int(row["providers"]) if row["providers"] else None, row["served by"]) for row in rows]


def left(table: list[Quirk]) -> dict[str, int]:
    """Return what is not served, with the number of providers."""
    return {quirk.name: quirk.providers or 0 for quirk in table if not quirk.is_served}


def share(table: list[Quirk]) -> float:
    """Return the least share of providers that are served whole, in per cent."""
    return 100 * (1 - sum(left(table).values()) / PROVIDERS)


def report(table: list[Quirk]) -> str:
    """Write it all out."""
    lines = [f"{'providers':>9}  quirk"]
    for quirk in sorted(table, key=lambda one: -(one.providers or 0)):
        count = "" if quirk.providers is None else str(quirk.providers)
        lines += [f"{count:>9}  {quirk.name}", f"{'':11}{quirk.served_by or 'LEFT'}"]
    missing = ", ".join(f"{name} ({count})" for name, count in left(table).items()) or "nothing"
    lines += ["", f"served whole: at least {share(table):.1f} % of {PROVIDERS}; left: {missing}"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{report(quirks())}\n")
