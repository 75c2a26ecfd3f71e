"""The kill matrix: a renewal is killed (SIGKILL) at every point that it comes to, on each design of a store.

`python -m tests.kills.kill_matrix [JSON SVG]` prints a Markdown table and writes the whole result as JSON, and a
picture of it. Each kill has a session of its own. Then either a new process lives on what is left, or a neighbour that
had read the store before.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.kills.designs import DESIGNS
from tests.kills.kill_picture import draw
from tests.kills.killing import GRACE, scene
from tests.kills.phases import phases

if TYPE_CHECKING:
    from tests.kills.killing import Scene

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SERVERS = {"strict": 0.0, "grace": GRACE}
HEIRS = {"new process": False, "neighbour": True}


async def matrix(strict: Scene, lenient: Scene, design: str) -> dict[str, Any]:
    """Kill at every point of a design, on both servers; return the points, and what became of the sessions."""
    points = await strict.find(design)
    outcomes: dict[str, list[str]] = {}
    found: list[str] = []
    for server, stage in zip(SERVERS, (strict, lenient), strict=True):
        for heir, neighbour in HEIRS.items():
            left = await stage.kill(design, points, neighbour=neighbour)
            outcomes[f"{server}, {heir}"] = [one.outcome for one in left]
            found = phases(points, left)
    return {
        "points": [point.name for point in points],
        "phases": found,
        "outcomes": outcomes,
    }


async def measure() -> dict[str, Any]:
    """Do so for every design."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        async with (
            scene(Path(one), grace=SERVERS["strict"]) as strict,
            scene(Path(other), grace=SERVERS["grace"]) as lenient,
        ):
            return {design: await matrix(strict, lenient, design) for design in DESIGNS}


def main() -> None:
    """Print the table, and write the files."""
    data, picture = (
        Path(name) for name in sys.argv[1:] or (PICTURES / "kill-matrix.json", PICTURES / "kill-matrix.svg")
    )
    found = asyncio.run(measure())
    print("| design | server | who lives on what is left | kills | sessions kept | lost | lost, and file damaged |")
    print("|---|---|---|---|---|---|---|")
    for design, result in found.items():
        for column, outcomes in result["outcomes"].items():
            of = Counter(outcomes)
            server, heir = column.split(", ")
            print(
                f"| {design} | {server} | {heir} | {of.total()} | {of['kept']} | {of['lost']} | {of['damaged']} |",
            )
    data.parent.mkdir(exist_ok=True)
    data.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found, picture)


if __name__ == "__main__":
    main()
