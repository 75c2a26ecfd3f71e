"""The operating system's keyring: one entry of it, never waited for without a limit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from aio_token._disk.threads import Strand, Threads
from aio_token._errors import KeyUnavailable, StoreError, without_frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_P = ParamSpec("_P")
_T = TypeVar("_T")

_KEYRING = Threads(8)

_LIMITS = {"keyring.backends.Windows": 1_280}
"""Characters that a keyring takes: 2,560 bytes of UTF-16 in the Windows Credential Manager."""

_OUTLOOK = {
    "ImportError": "the package keyring is not installed; run: pip install 'aio-token[keyring]'",
    "ModuleNotFoundError": "the package keyring is not installed; run: pip install 'aio-token[keyring]'",
    "NoKeyringError": "no keyring can be reached from this process; start the session's keyring, or use a key file",
    "KeyringLocked": "the keyring is locked; unlock it, by signing in to the desktop for example, and try again",
}


class KeyringEntry:
    """What the keyring holds for one user of one service.

    A keyring may ask a person to unlock it, and wait; `timeout` is how long to wait for it, in seconds. Secrets go in
    and out as memoryviews, whose repr does not show them. Everything blocks, and raises `KeyUnavailable`.
    """

    def __init__(self, service: str, username: str, timeout: float) -> None:
        self._service = service
        self._username = username
        self._timeout = timeout
        self._strand = Strand(_KEYRING)

    def __repr__(self) -> str:
        return f"{self._username!r} of {self._service!r}"

    def read(self) -> memoryview | None:
        """Return what is there."""
        return self._ask(_read, self._service, self._username)

    def write(self, content: memoryview) -> None:
        """Replace what is there. Raises `StoreError` if this keyring does not take that much."""
        self._ask(_write, self._service, self._username, content)

    def remove(self) -> None:
        """Leave nothing there."""
        self._ask(_remove, self._service, self._username)

    def _ask(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        # Not the thread of the store, which releases the lock, since a keyring may wait for a person. One entry waits
        # for one answer at a time: however often it is asked, a person sees one window.
        answer: Future[_T] = self._strand.submit(partial(call, *args, **kwargs))
        try:
            return answer.result(self._timeout)
        except TimeoutError as error:
            answer.cancel()  # what has not begun is left out
            self._strand.give_up(())
            message = f"the keyring did not answer in {self._timeout:g} s; it may wait for a person to unlock it"
            raise KeyUnavailable(message) from without_frames(error)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  every keyring has errors of its own, and of its transport
            name = type(error).__name__
            message = _OUTLOOK.get(name, f"the keyring failed ({name}); look at: python -m keyring diagnose")
            raise KeyUnavailable(message) from without_frames(error)


def _read(service: str, username: str) -> memoryview | None:
    import keyring  # noqa: PLC0415  an extra, and slow to import

    return _hidden(keyring.get_password(service, username))


def _write(service: str, username: str, content: memoryview) -> None:
    import keyring  # noqa: PLC0415

    limit = _LIMITS.get(type(keyring.get_keyring()).__module__, len(content))
    if len(content) > limit:
        message = (
            f"the credential takes {len(content)} characters and this keyring {limit}; keep it in a file and only its "
            "key in the keyring: FileTokenStore(path, codec=Encrypted(KeyringKey(service, username)))"
        )
        raise StoreError(message)
    keyring.set_password(service, username, bytes(content).decode())


def _remove(service: str, username: str) -> None:
    import keyring  # noqa: PLC0415

    if keyring.get_password(service, username) is not None:
        keyring.delete_password(service, username)


def _hidden(secret: str | None) -> memoryview | None:
    return None if secret is None else memoryview(secret.encode())
