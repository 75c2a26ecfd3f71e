"""Fixtures that every test has."""

from __future__ import annotations

import logging
import re
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from aio_token._pacing.pace import PACE
from tests.support.exposure import SECRETS
from tests.support.files_in_memory import write_to_memory
from tests.support.python_path import wait_for_no_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

# Authlib's server half runs in the same process and logs at its own discretion.
_FOREIGN = ("authlib",)

# What tells a program where it runs and who is there: CI, a desktop, a cluster, a shell that is set up for somebody.
_OF_THE_MACHINE = (
    "AIO_TOKEN_CLIENT_SECRET",
    "AIO_TOKEN_PROFILE",
    "BROWSER",
    "CI",
    "DISPLAY",
    "KUBERNETES_EXEC_INFO",
    "NO_COLOR",
    "SSH_CONNECTION",
    "SSH_TTY",
    "WAYLAND_DISPLAY",
)


_ODD = re.compile(r" at 0x|127\.0\.0\.1:\d{5}\b")


class _Listener(logging.Handler):
    """Notes all that a record shows, its extra fields included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(_FOREIGN):
            self.heard.append(f"{self.format(record)} {record.__dict__!r}")


def pytest_configure() -> None:
    """Leave a busy disk out, and let Ctrl-C be heard: what a shell starts in the background inherits a deaf ear."""
    write_to_memory()
    wait_for_no_disk()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test whose name is another one in each process: addresses of memory, ports that are free now."""
    odd = [item.nodeid for item in items if _ODD.search(item.nodeid)]
    if odd:
        message = f"give these an id of their own: {odd}"
        raise pytest.UsageError(message)


# How long an example takes says how loaded the machine is.
settings.register_profile("aio_token", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("aio_token")


@pytest.fixture(autouse=True)
def no_machine_is_special(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test, and what it starts, see the same surroundings in CI as at a desk."""
    for variable in _OF_THE_MACHINE:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True)
def no_secret_is_logged() -> Iterator[None]:
    """Law G1: whatever a test does, no secret of it is in any log record, asyncio's debug messages included."""
    listener, root, ours = _Listener(), logging.getLogger(), logging.getLogger("aio_token")
    level = ours.level
    root.addHandler(listener)
    ours.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(listener)
        ours.setLevel(level)
    assert not [text for text in listener.heard if SECRETS.search(text)]


@pytest.fixture(autouse=True)
def no_outage_is_remembered() -> Iterator[None]:
    """Let no test hear of a server that was down in another one: ports are used again."""
    yield
    PACE.forget()
