"""What the README's first example imports: nothing that it does not need."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import aio_token
from aio_token._ground.value import Value

ROOT = Path(str(aio_token.__file__)).parents[1]
EXAMPLE = (ROOT / "README.md").read_text(encoding="utf-8").partition("async def main")[0]
NAMES = "\n".join(line for line in EXAMPLE.splitlines() if line.startswith("from aio_token import"))
NEEDED_LATER = (  # packages and modules that none of these names needs before it is used
    *("aio_token.cli", "aio_token.testing", "aio_token.observe.otel", "aio_token.observe.request_log"),
    *("aio_token.oauth.provider", "aio_token.stores.encrypted", "aio_token.stores.keyring"),
    *("aio_token.grants.authorization_code", "aio_token.grants.device_code", "aio_token.grants.jwt_bearer"),
    *("aiofiles", "authlib", "joserfc", "cryptography", "filelock", "keyring", "opentelemetry", "rich", "click"),
)
OVER_AIOHTTP = {"dataclasses"}


def loaded_by(names: str) -> list[str]:
    """Return the modules that a new process has loaded for these names, and not for aiohttp."""
    source = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import aiohttp, json; before = set(sys.modules)\n{names}\n"
    )
    report = "print(json.dumps(sorted(set(sys.modules) - before)))"
    run = subprocess.run([sys.executable, "-I", "-c", source + report], check=True, capture_output=True, text=True)
    loaded: list[str] = json.loads(run.stdout)
    return loaded


def test_the_readme_s_names_import_what_they_need() -> None:
    """Other grants, stores, command line and request log wait until they are named; so do the libraries."""
    loaded = loaded_by(NAMES)
    assert "aio_token._repository" in loaded
    assert [name for name in loaded if name.startswith(NEEDED_LATER)] == []


def test_little_is_loaded_that_aiohttp_has_not_loaded() -> None:
    """Of other people's modules these alone come in addition."""
    others = {name.partition(".")[0] for name in loaded_by(NAMES)} - {"aio_token"}
    assert others <= OVER_AIOHTTP


def test_a_value_s_class_costs_a_fraction_of_a_dataclass() -> None:
    """No code is generated for it; both are timed in turn, in this process's own CPU time."""

    def members() -> dict[str, object]:
        return {"__annotations__": {"at": "float", "name": "str | None", "message": "str"}, "name": None}

    def a_dataclass() -> None:
        dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(type("Made", (), members()))

    def a_value() -> None:
        type("Made", (Value,), members())

    costs: dict[str, list[float]] = {"dataclass": [], "value": []}
    for _ in range(30):
        for name, make in (("dataclass", a_dataclass), ("value", a_value)):
            began = time.thread_time()
            make()
            costs[name].append(time.thread_time() - began)
    assert 5 * min(costs["value"]) < min(costs["dataclass"])
