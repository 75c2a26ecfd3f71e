"""What a release has to be: `python -m tests.support.release WHEEL NOTES` looks into a wheel and writes its notes."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "aio_token"
CHANGELOG = ROOT / "CHANGELOG.md"


def faults(names: set[str]) -> list[str]:
    """Return what is missing from a wheel's names, and what has no business there."""
    wanted = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*") if path.suffix in {".py", ".typed"}}
    foreign = {name for name in names - wanted if not re.fullmatch(r"aio_token-[^/]+\.dist-info/.+", name)}
    said = any(name.endswith("/licenses/LICENSE") for name in names)
    return [
        *(f"{name} is missing" for name in sorted(wanted - names)),
        *(f"{name} does not belong there" for name in sorted(foreign)),
        *([] if said else ["the licence is missing"]),
    ]


def notes(changelog: str, version: str) -> str:
    """Return what the changelog says of a version, or of what is unreleased. Raises LookupError if it says nothing."""
    sections = dict(re.findall(r"^## \[([^\]]+)\][^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL))
    text = sections.get(version) or sections.get("Unreleased", "")
    if not text.strip():
        message = f"the changelog says nothing of {version}"
        raise LookupError(message)
    return f"# aio_token {version}\n\n{text.strip()}\n"


def main(wheel: Path, target: Path) -> None:
    """Look into the wheel and write the notes; ends the program where something is wrong."""
    with zipfile.ZipFile(wheel) as opened:
        found = faults(set(opened.namelist()))
    if found:
        sys.exit("\n".join(found))
    target.write_text(notes(CHANGELOG.read_text(encoding="utf-8"), wheel.name.split("-")[1]), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
