"""A rolling deployment: pods of two releases of aio_token share one session while the new one takes over.

python -m examples.rolling_deployment         goes through one, against servers of its own
python -m examples.rolling_deployment pod     is one pod, against the servers that the environment names

What a later release notes in the stored record, an earlier one keeps and writes back, though it does not know what that
is (law F3). Here the earlier release is this very aio_token, and the later one a copy of it whose record has one member
more. STORE_URL says where the session is: see shared_store.py.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aio_token
from aio_token import ClientSecretBasic, RefreshTokenGrant, TokenEndpoint, TokenRepository
from examples import ending
from examples.hosts import servers_that_count, several
from examples.servers import of_environment
from examples.shared_store import make_ready, store_of

if TYPE_CHECKING:
    from aio_token import Credential

MEMBER = "noted_by_a_later_release"
NOTE = "what only that release understands"
DEPLOYMENT = ("today", "tomorrow", "today", "tomorrow", "today", "tomorrow", "tomorrow")
"""Which release each pod is of that renews, one after the other."""


async def pod() -> int:
    """Renew once, as one pod; that of a later release looks for what it has noted. Return the exit code."""
    here = of_environment()
    endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
    store = store_of("session", here.token_file.parent)
    async with TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), store) as tokens:
        token = await tokens.renew()
    kept = await store.load()
    release = "tomorrow" if _knows_the_member(kept) else "today"
    if release == "today" or kept is None:
        print(f"a pod of {release}: token {token.fingerprint}")
        return 0
    found = getattr(kept, MEMBER)
    print(f"a pod of {release}: token {token.fingerprint}, noted: {found}")
    if found is None:  # it is the first of its release
        noted: Any = {MEMBER: NOTE}
        async with store.exclusive() as slot:
            await slot.save(replace(kept, **noted))
    return 0


def _knows_the_member(kept: Credential | None) -> bool:
    return hasattr(kept, MEMBER)


def release_of_tomorrow(folder: Path) -> None:
    """Make a release whose record has one member more."""
    here = Path(aio_token.__file__).parent
    shutil.copytree(here, folder / "aio_token", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(__file__).parent, folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    record = folder / "aio_token" / "_credential.py"
    source = record.read_text(encoding="utf-8")
    for old in ("    proof: str | None = None\n", '"proof": self.proof,\n', 'proof=record.text("proof"),\n'):
        before, after = source.split(old)
        source = f"{before}{old}{old.replace('proof', MEMBER)}{after}"
    record.write_text(source, encoding="utf-8")


async def deployment() -> int:
    """Go through it, and return an exit code."""
    with TemporaryDirectory() as folder:
        await asyncio.to_thread(release_of_tomorrow, Path(folder))
        releases = {"today": None, "tomorrow": Path(folder)}
        async with servers_that_count() as here:
            await make_ready(store_of("session", here.token_file.parent))
            for name in DEPLOYMENT:
                code = await several("examples.rolling_deployment", "pod", count=1, here=here, release=releases[name])
                if code:
                    return code
    return 0


if __name__ == "__main__":
    sys.exit(ending.run(pod() if sys.argv[1:] == ["pod"] else deployment()))
