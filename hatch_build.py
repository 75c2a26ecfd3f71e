"""The README as an index of packages shows it: its links lead to an address, or are words where none is known.

Relative links lead nowhere there. `links` in pyproject.toml is the one place that says where they lead.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]*\)\n*")
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)]*)\)")


def readable(text: str, links: str) -> str:
    """Return a page whose relative links begin with `links`; without it they become words, and pictures go."""
    if links:
        return re.sub(r"\]\((?!https?:|#)", f"]({links}", text)
    return _LINK.sub(r"\1", _PICTURE.sub("", text))


class Readme(MetadataHookInterface):
    """Supplies the package's description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put it into the metadata."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": readable(text, self.config["links"])}
