"""Maven and Java, through which servers come and on which they run."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.support import made
from tests.support.made import MissingServerError


def need_java() -> None:
    """Raise `MissingServerError` where there is no Maven or no Java."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            message = f"`{program}` was not found: install Maven, through which servers come, and Java 17, 21 or 25"
            raise MissingServerError(message)


def fetch(doing: str, *arguments: str) -> None:
    """Run Maven until it succeeds, three times at most."""
    no_project = Path(tempfile.gettempdir())  # Maven looks for one where it stands
    made.fetch(doing, ["mvn", "-B", "-q", *arguments], no_project)
