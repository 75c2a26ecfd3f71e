"""The command line, `aio-token` (extra `cli`)."""

from __future__ import annotations

import errno
import gc
import os
import sys

_EXTRA = ("click", "platformdirs")


def main() -> None:
    """Run the command line, and leave with one of its exit codes."""
    line = _answered() if sys.argv[1:2] == ["token"] and "_AIO_TOKEN_COMPLETE" not in os.environ else None
    if line is not None:
        # All is written, and nothing is open or locked. To take Python apart would cost a third of the time.
        os._exit(_written(line))
    sys.exit(_whole())


def docker() -> None:
    """Run `aio-token docker`, by the name under which docker looks for a credential helper."""
    sys.argv[1:1] = ["docker"]
    sys.exit(_whole())


def _answered() -> str | None:
    gc.disable()  # while modules are imported there is no garbage to find
    try:
        from aio_token.cli._at_hand import answer

        return answer(sys.argv[1:])
    finally:
        gc.enable()


def _written(line: str) -> int:
    """Write the answer, and return the exit code; guards on the streams are made where they are needed."""
    if sys.stdout is not None:
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except OSError as error:
            return _lost(error)
        return 0
    return _lost(OSError(errno.EBADF, os.strerror(errno.EBADF)))


def _lost(error: OSError) -> int:
    from aio_token.cli._streams import UNWRITABLE, StreamLost, guard_streams

    guard_streams()
    lost = StreamLost(UNWRITABLE, error)
    sys.stderr.write(f"{lost.sentence}\n" if lost.sentence else "")
    sys.stderr.flush()
    return lost.code


def _whole() -> int:
    from importlib.util import find_spec

    from aio_token.cli._streams import guard_streams

    guard_streams()

    if not all(map(find_spec, _EXTRA)):
        sys.stderr.write("The command line needs a few more packages. Run: pip install 'aio-token[cli]'\n")
        return 1
    from aio_token.cli._app import run

    return run()
