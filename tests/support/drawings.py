"""The drawings that explain the idea and a renewal of two processes: `python -m tests.support.drawings`."""

from __future__ import annotations

from pathlib import Path

from tests.support.drawing import Drawing

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def overview() -> str:
    """Draw the three values, the middleware that puts the third to use, and what goes where."""
    sheet = Drawing(960, 330, "Token endpoint, grant and repository supply a token; the middleware sends it")
    sheet.words(24, 34, "Where a token comes from", kind="soft small", anchor="start")
    sheet.words(24, 208, "Where it may go", kind="soft small", anchor="start")
    parts = (
        (24, "TokenEndpoint", ("where, and as which client",)),
        (276, "RefreshTokenGrant", ("how a token is obtained:", "or client credentials, a person ...")),
        (528, "TokenRepository", ("keeps the token and renews it,", "once for all who ask")),
    )
    for x, name, says in parts:
        sheet.box(x, 46, 212, 92, "busy" if x > 500 else "box")
        sheet.words(x + 106, 72, name, kind="code strong")
        sheet.words(x + 106, 96, *says, kind="small soft")
    sheet.arrow("M236 92 H274")
    sheet.arrow("M488 92 H526")
    sheet.box(780, 46, 156, 92)
    sheet.words(858, 72, "TokenStore", kind="code strong")
    sheet.words(858, 96, "memory, a file,", "a keyring", kind="small soft")
    sheet.arrow("M742 80 H778")
    sheet.arrow("M778 104 H742")
    sheet.box(24, 220, 160, 86)
    sheet.words(104, 246, "your program", kind="strong")
    sheet.words(104, 270, "session.get(...)", kind="code")
    sheet.box(276, 220, 464, 86, "busy")
    sheet.words(508, 246, "BearerMiddleware", kind="code strong")
    sheet.words(508, 270, "origin of yours? puts the header on; any other goes without", kind="small soft")
    sheet.words(508, 288, "401? asks for another token than that one, and sends once more", kind="small soft")
    sheet.box(780, 220, 156, 86)
    sheet.words(858, 246, "the API", kind="strong")
    sheet.words(858, 270, "https://api.example", kind="code")
    sheet.arrow("M184 263 H274")
    sheet.arrow("M740 263 H778")
    sheet.arrow("M600 218 V140", "lead")
    sheet.arrow("M668 138 V216", "lead")
    sheet.words(588, 184, "a token, please", kind="small accent", anchor="end")
    sheet.words(680, 184, "Token", kind="code accent", anchor="start")
    return sheet.text()


def two_processes() -> str:
    """Draw the time line of a renewal: two processes want one, the server is asked once."""
    sheet = Drawing(960, 430, "Two processes share a stored credential: one renews, the other adopts what it wrote")
    columns = {"process A": 130, "the file, and its lock": 400, "process B": 670, "server": 870}
    for name, x in columns.items():
        sheet.box(x - 84, 18, 168, 34)
        sheet.words(x, 40, name, kind="strong")
        sheet.rule(f"M{x} 52 V348")
    a, file, b, server = columns.values()
    steps = (
        (80, a, file, "takes the lock", ""),
        (112, file, a, "reads it again: still R1", ""),
        (144, a, file, "writes “spending R1”", ""),
        (176, a, server, "POST refresh_token=R1", "lead"),
        (206, b, file, "wants the lock, and waits", "dashed"),
        (238, server, a, "access token 2, R2; R1 is spent", "lead"),
        (270, a, file, "writes R2, syncs, renames", ""),
        (302, a, file, "frees the lock", ""),
        (334, file, b, "has the lock, reads again: R2", ""),
    )
    for y, start, end, says, kind in steps:
        toward = 3 if end > start else -3
        sheet.arrow(f"M{start} {y} H{end - toward}", kind)
        middle = (start + end) / 2 if server not in {start, end} else (file + b) / 2
        sheet.words(middle, y - 6, says, kind="small" + (" accent" if kind == "lead" else ""))
    sheet.words(a, 372, "publishes token 2:", "all its callers wake", kind="small good")
    sheet.words(b, 372, "adopts token 2:", "no request", kind="small good")
    sheet.words(server, 372, "was asked once", kind="small good")
    return sheet.text()


DRAWINGS = {"overview.svg": overview, "two-processes.svg": two_processes}


if __name__ == "__main__":
    for name, draw in DRAWINGS.items():
        (PICTURES / name).write_text(draw(), encoding="utf-8")
