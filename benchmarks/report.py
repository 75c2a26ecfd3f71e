"""Writes what was measured into the documents and pictures: `make bench ARGS=report` does it from the last results.

A table stands between two comments that name it; text and figures cannot drift apart, and a test compares them.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import _summary, _tables, _targets

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "latest.json"
DOCUMENTS = (ROOT / "docs" / "benchmarks.md", ROOT / "README.md")
PICTURES = ROOT / "docs" / "pictures"


def tables(found: Mapping[str, Any]) -> dict[str, str]:
    """Return every table that the results have the figures for, by its name in the documents."""
    results = {name: record["result"] for name, record in found["workloads"].items()}
    made = {"environment": _tables.environment(found)}
    for name, (workload, table) in _tables.TABLES.items():
        if workload in results:
            made[name] = table(results[workload])
    if results.keys() >= _targets.NEEDED:
        made["targets"] = _targets.table(results)
        made["summary"] = _summary.table(results)
    return made


def filled(text: str, made: Mapping[str, str]) -> str:
    """Return a document with its tables."""

    def table(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- bench: {name} -->\n\n{made[name]}\n\n<!-- end -->" if name in made else match[0]

    return re.sub(r"<!-- bench: (\S+) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


def digest(found: Mapping[str, Any]) -> str:
    """Name the results: every picture carries the name of those that it was drawn from."""
    return hashlib.sha256(json.dumps(found["workloads"], sort_keys=True).encode()).hexdigest()[:12]


def main() -> None:
    """Write the documents, and draw the pictures."""
    from benchmarks import _figures

    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    made = tables(found)
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text(encoding="utf-8"), made), encoding="utf-8")
    _figures.draw({name: record["result"] for name, record in found["workloads"].items()}, digest(found), PICTURES)


if __name__ == "__main__":
    main()
