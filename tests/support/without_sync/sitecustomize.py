"""What each Python that the tests start does first: it stops waiting for the disk.

Files are written, renamed and locked as ever, and outlive a process that is killed; only a loss of power could tell the
difference. A disk that is kept busy by others takes longer to sync a file than the library's limit on saving, and no
test may depend on that. The variable `WAIT_FOR_DISK` gives the wait back.
"""

import os

WAIT_FOR_DISK = "AIO_TOKEN_TESTS_WAIT_FOR_DISK"
_sync = os.fsync


def fsync(descriptor: int) -> None:
    """Stand for `os.fsync`: with its name, and its errors of a descriptor that is not open."""
    if WAIT_FOR_DISK in os.environ:
        _sync(descriptor)
    else:
        os.fstat(descriptor)


os.fsync = fsync  # type: ignore[assignment]
