"""A process that wakes up with the tokens of all its accounts expired."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
ACCOUNTS = 1_500
DESCRIPTORS = 1_024


async def main(path: str) -> dict[str, int]:
    """Let every account ask for a token at once; return what that took."""
    import resource  # noqa: PLC0415  not on Windows

    from aio_token import Accounts, Credential, Token  # noqa: PLC0415
    from aio_token.stores import DirectoryTokenStores  # noqa: PLC0415
    from aio_token.testing import ScriptedGrant  # noqa: PLC0415

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, most))
    stores, grant = DirectoryTokenStores(path), ScriptedGrant(Credential(token=Token(access_token="access-new")))
    names = [f"user {number}" for number in range(ACCOUNTS)]
    for name in names:
        async with stores.of(name).exclusive() as slot:
            await slot.save(
                Credential(token=Token(access_token="access-old", expires_at=1.0), refresh_token="refresh-1")
            )
    accounts = Accounts(lambda _: grant, stores, observer=None)
    tokens = await asyncio.gather(*(accounts[name].token() for name in names))
    return {
        "new": sum(token.access_token == "access-new" for token in tokens),
        "renewals at once": grant.most_at_once,
        "threads": threading.active_count(),
        "listed": len([name async for name in stores.names()]),
    }


def test_fifteen_hundred_expired_accounts_all_get_a_token(tmp_path: Path) -> None:
    """Law I1: under 1,024 descriptors, with at most 32 renewals in hand and a few threads."""
    command = [sys.executable, "-m", "tests.accounts.test_herd", str(tmp_path / "accounts")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["new"], found["listed"]) == (ACCOUNTS, ACCOUNTS)
    assert found["renewals at once"] <= 32
    assert found["threads"] <= 20


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1]))))  # noqa: T201
