"""Who imports whom, outside of the package: what imports see, types and functions included."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def sources(root: Path, *folders: str) -> dict[str, str]:
    """Return the source of each module in these folders, by its dotted name."""
    return {
        _name_of(path.relative_to(root)): path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
    }


def graph(modules: dict[str, str]) -> dict[str, set[str]]:
    """Return which of the modules each one imports, wherever in its file it does so."""
    return {name: {one for one in imported(text) if one in modules} - {name} for name, text in modules.items()}


def imported(text: str) -> set[str]:
    """Return every name that a module imports, and for `from a import b` both `a.b` and, if it may be one, `a`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        found.update(_imported_by(node))
    return found


def _imported_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names):
            yield module
            yield from (f"{module}.{alias.name}" for alias in names)


def _name_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
