"""Build the site into a directory, dist/docs unless one is named; any warning is a failure."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

from website import navigation, sources
from website.names import undocumented


def main(directory: Path) -> int:
    """Build it; return an exit code."""
    faults = [
        *(f"docs/index.md has no line for {page}, so nothing leads to it" for page in navigation.missing(sources.DOCS)),
        *(f"{name} is public and has no docstring" for name in undocumented()),
    ]
    if faults:
        print("\n".join(faults), file=sys.stderr)  # noqa: T201  that is what a command does
        return 1
    with TemporaryDirectory() as temporary:
        assembled = Path(temporary, "pages")
        assembled.mkdir()
        sources.assemble(assembled)
        settings = ("-c", str(Path(__file__).parent), "-d", f"{temporary}/doctrees", "-b", "dirhtml")
        strict = ("--quiet", "--fail-on-warning", "--keep-going")
        code: int = build_main([*settings, *strict, str(assembled), str(directory)])
        return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist/docs")))
