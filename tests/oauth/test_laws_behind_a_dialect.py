"""Behind a dialect that changes everything, the laws hold as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aio_token.oauth.answer import Answer
from tests.support.odd_world import ODD, in_other_words, meant

ROOT = Path(__file__).parents[2]
FILES = [
    *(f"tests/core/test_{name}.py" for name in ("cancellation", "loops", "outage", "refusals", "sessions", "spending")),
    *("tests/core/test_shared_outage.py", "tests/core/test_status.py", "tests/stores/test_forgiving.py"),
    *(f"tests/grants/test_{name}.py" for name in ("again", "authorization_code", "first", "grants")),
    *("tests/grants/test_refresh_token_end.py", "tests/oauth/test_endpoint.py", "tests/oauth/test_skew.py"),
]


@pytest.mark.timeout(280)
def test_the_laws_hold_behind_a_dialect_that_changes_everything() -> None:
    """Laws D0, E1, C1 and F8: the tests of C, D, E1 and F pass where each server has its own form, names and errors."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.odd_world", "-p", "no:cacheprovider", *FILES]
    surroundings = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "COVERAGE_"))}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False, timeout=270)
    assert done.returncode == 0, done.stdout[-4_000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 150, done.stdout[-1_000:]


def test_the_odd_server_changes_everything() -> None:
    """The measure itself: an answer that it writes cannot be read without the dialect, and with it means the same."""
    plain = {"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 60, "scope": "x y"}
    assert not set(in_other_words(plain)) & set(plain)
    odd = {"kind": "again", "app_key": "bot", "renewal": "r", "wants": "x,y", "resource": ["a", "b"]}
    assert meant(odd) == [
        ("grant_type", "refresh_token"),
        ("client_id", "bot"),
        ("refresh_token", "r"),
        ("scope", "x y"),
        ("resource", "a"),
        ("resource", "b"),
    ]
    answer = Answer(
        to="it",
        address="it",
        status=400,
        headers={},
        body=json.dumps(in_other_words({"error": "invalid_client"})).encode(),
        asked_at=0.0,
        now=0.0,
        grant_type="refresh_token",
        dialect=ODD,
    )
    assert answer.error == "invalid_client"
    assert answer.members["error"] != "invalid_client"
