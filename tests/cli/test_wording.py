"""Messages speak of flags and files, not of Python: a person at a terminal has no constructor to call."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aio_token.cli._wording import HERE, spoken
from aio_token.testing import AuthorizationServer
from tests.cli.command_line import profile_of, set_up, token_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.command_line import CommandLine

PACKAGE = Path(__file__).parents[2] / "aio_token"
HEARD = (
    *("_disk/permissions", "_disk/durable", "oauth/discovery", "oauth/provider", "oauth/sending", "oauth/url"),
    *(
        "oauth/remedies",
        "oauth/trouble",
        "oauth/addresses",
        "oauth/secret",
        "oauth/certificate",
        "oauth/mutual_tls",
        "oauth/signing_key",
        "oauth/transport",
        "grants/_pushing",
    ),
    *("_edge/origins", "grants/_loopback"),
    *("stores/codec", "stores/encrypted", "stores/key", "stores/keys", "stores/_os_keyring", "stores/_content"),
    *(
        "stores/_redis_clients",
        "stores/_redis_trouble",
        "stores/_postgres_table",
        "stores/_postgres_trouble",
        "stores/_psycopg",
        "stores/_leases",
    ),
)
"""The modules whose sentences reach a terminal."""
NEVER_HERE = re.compile(
    r"Encrypted\(\) takes|^reencrypt\(\) takes|`connector`"
    r"|KeyFile\(|KeyringKey\(|EnvironmentKey\(|Passphrase\(|^metadata_url "
    r"|^X\(\) takes |^X cannot be read \(X\); see the cause$"
    r"|make_context|^this role may not make the table "
    r"|^MutualTLS proves|`password` is not|^transport is a Transport|^<!DOCTYPE|^<Transport"
)
"""What only a program can be told: it gave a wrong argument."""
PYTHON = re.compile(r"\b[a-z_]+=(?!URL)|\w\(\)|`[a-z_]+`|\bTokenEndpoint\b|pass [a-z]+_[a-z_]+|see the cause")


def sentences(path: Path) -> Iterator[str]:
    """Return the texts of a module, with a letter for what is put into them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | said:
            yield node.value


@pytest.mark.parametrize("module", HEARD)
def test_no_sentence_speaks_of_python(module: str) -> None:
    """Whoever words a message for programmers words it for people too, in one table."""
    found = [text for text in sentences(PACKAGE / f"{module}.py") if " " in text and not NEVER_HERE.search(text)]
    assert [text for text in found if PYTHON.search(spoken(text))] == []


def test_what_is_translated_is_said() -> None:
    """A sentence that was changed leaves no dead entry behind."""
    texts = [text for module in HEARD for text in sentences(PACKAGE / f"{module}.py")]
    assert [there for there in HERE if not any(there in text for text in texts)] == []


async def test_a_person_is_told_of_flags(aio_token: CommandLine) -> None:
    """In what a command says, and in what `status` tells of a profile."""
    async with AuthorizationServer() as server:
        await set_up("default", profile_of(server), server.credential(client_id="app"))
        await set_up("other", profile_of(server), server.credential(client_id="app"))
    token_file().write_bytes(token_file("other").read_bytes())
    for arguments in (["token"], ["status"], ["status", "--json"]):
        done = await aio_token(*arguments)
        assert "aio-token profiles rename" in done.out + done.err
        assert "identity=" not in done.out + done.err
