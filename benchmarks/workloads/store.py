"""The store: load, save, the lock handed over; and starts of a process: imports, and a token from disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keyring

from aio_token import Credential, Encrypted, FileTokenStore, KeyringTokenStore, Token
from aio_token.stores import EnvironmentKey, new_key
from benchmarks._file_keyring import FileKeyring
from benchmarks._sampling import Rounds, in_turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token import TokenStore

KEPT = Credential(token=Token(access_token="a" * 800, expires_at=4e9), refresh_token="r" * 400)
KEY = "AIO_TOKEN_BENCHMARK_KEY"
HELD = 0.02  # seconds for which the lock is held before it is handed over

OURS = """
from aio_token import BearerMiddleware, ClientSecretBasic, FileTokenStore, RefreshTokenGrant, TokenEndpoint
from aio_token import TokenRepository
"""
IMPORTS = {  # what is imported, after what
    "aio_token, the names of the README": ("import aiohttp", OURS),
    "aio_token, a file store's first load": ("import aiohttp", OURS + "import aiofiles, filelock"),
    "aiohttp-oauth2-client": ("import aiohttp", "import aiohttp_oauth2_client.grant.client_credentials"),
    "gcloud-aio-auth": ("import aiohttp", "import gcloud.aio.auth"),
    "azure-identity": ("import aiohttp", "import azure.identity.aio"),
    "Authlib": ("import httpx", "import warnings\nimport authlib.integrations.httpx_client"),
    "httpx-auth": ("import httpx", "import httpx_auth"),
}
STARTS = {
    "an empty process": "",
    "import aiohttp": "import aiohttp",
    "aio_token: the first token, from disk": f"""
import asyncio, sys
import aiohttp
{OURS}
endpoint = TokenEndpoint("https://id.example/token", ClientSecretBasic("client", "secret"))
tokens = TokenRepository(RefreshTokenGrant(endpoint), FileTokenStore(sys.argv[1]))
asyncio.run(tokens.token())
""",
}


def measure(modules: tuple[str, ...], *, quick: bool) -> dict[str, Any]:
    """Measure in a directory that is made for it."""
    light = len(modules) < 4
    imports = {name: how for name, how in IMPORTS.items() if name.startswith("aio_token") or not light}
    with tempfile.TemporaryDirectory() as folder:
        os.environ[KEY] = new_key()
        keyring.set_keyring(FileKeyring(Path(folder) / "keyring.json"))
        if not quick:
            # Starts find compiled files, as they do where a package was installed, whatever this environment prefers.
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
        return asyncio.run(_measure(Path(folder), imports, quick=quick))


async def _measure(folder: Path, imports: dict[str, tuple[str, str]], *, quick: bool) -> dict[str, Any]:
    stores: dict[str, TokenStore] = {
        "plain file": FileTokenStore(folder / "plain"),
        "encrypted file": FileTokenStore(folder / "sealed", codec=Encrypted(EnvironmentKey(KEY))),
        "keyring": KeyringTokenStore("benchmark", "client", lock=folder / "lock"),
    }
    samples: dict[str, Callable[[], Awaitable[float]]] = {}
    for name, store in stores.items():
        samples[f"save: {name}"] = _timed(_saving(store))
        samples[f"load: {name}"] = _timed(store.load)
    for name in ("plain file", "keyring"):
        samples[f"lock handed over: {name}"] = _handed_over(stores[name])
    operations = await in_turn(samples, 3 if quick else 100)
    starting = {name: _started(code, str(folder / "plain")) for name, code in STARTS.items()}
    importing = {name: _imported(*how) for name, how in imports.items()}
    if not quick:
        await in_turn(starting | importing, 1)  # compiles
    runs = 1 if quick else 7
    starts = await in_turn(starting, runs)
    imported = await in_turn(importing, runs)
    return {
        "operations": [{"name": name, "ms": Rounds.of(values).json()} for name, values in operations.items()],
        "starts": [{"name": name, "ms": Rounds.of(values).json()} for name, values in starts.items()],
        "imports": [
            {"name": name, "after": imports[name][0], "ms": Rounds.of(values).json()}
            for name, values in imported.items()
        ],
    }


def _timed(work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[float]]:
    async def sample() -> float:
        began = time.perf_counter()
        await work()
        return (time.perf_counter() - began) * 1e3

    return sample


def _saving(store: TokenStore) -> Callable[[], Awaitable[None]]:
    async def save() -> None:
        async with store.exclusive() as slot:
            await slot.save(KEPT)

    return save


def _handed_over(store: TokenStore) -> Callable[[], Awaitable[float]]:
    """Return a sample: milliseconds from one holder's letting go to the next one's having it."""

    async def sample() -> float:
        has_it = 0.0

        async def next_one() -> None:
            nonlocal has_it
            async with store.exclusive():
                has_it = time.perf_counter()

        async with store.exclusive():
            waiting = asyncio.ensure_future(next_one())
            await asyncio.sleep(HELD)
            let_go = time.perf_counter()
        await waiting
        return (has_it - let_go) * 1e3

    return sample


def _started(code: str, *arguments: str) -> Callable[[], Awaitable[float]]:
    """Return a sample: milliseconds from the start of a process to its end."""

    async def sample() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, *arguments], check=True)  # noqa: ASYNC221  nothing else runs
        return (time.perf_counter() - began) * 1e3

    return sample


def _imported(after: str, what: str) -> Callable[[], Awaitable[float]]:
    """Return a sample: milliseconds that the import takes in a process that has imported something else before."""
    code = f"{after}\nimport time\nbegan = time.perf_counter()\n{what}\nprint((time.perf_counter() - began) * 1e3)"

    async def sample() -> float:
        with contextlib.suppress(subprocess.CalledProcessError):
            command = [sys.executable, "-W", "ignore", "-c", code]
            return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: ASYNC221
        return float("nan")

    return sample
