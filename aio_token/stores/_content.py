"""What a file keeps, read by a plain function that needs no lock, no thread and no event loop."""

from __future__ import annotations

from contextlib import contextmanager

from aio_token._clock import SYSTEM_CLOCK
from aio_token._disk.durable import DurableFile
from aio_token._disk.permissions import unusable
from aio_token._disk.steps import STRAIGHT, Steps
from aio_token._errors import StoreError, without_frames
from aio_token._ground import TYPE_CHECKING
from aio_token.stores.codec import credential_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aio_token._credential import Credential
    from aio_token._disk.platform import Platform
    from aio_token._ground.codec import Codec


def read_credential(path: Path, codec: Codec, platform: Platform, steps: Steps = STRAIGHT) -> Credential | None:
    """Return the credential in the file, None if there is none. Raises `StoreError`, `Damaged`."""
    with explaining(path, "read"):
        content = DurableFile(path, platform, steps).read()
    if content is None:
        return None
    with named(path):
        return credential_of(codec.decode(content, str(path)), SYSTEM_CLOCK.time())


@contextmanager
def explaining(path: Path, done: str) -> Iterator[None]:
    """Say what the system's error means for the file that is not `done`."""
    try:
        yield
    except OSError as error:
        raise unusable(path, done, error) from without_frames(error)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Say whose key is missing, or what it is that a newer version wrote."""
    try:
        yield
    except StoreError as error:
        message = f"{path}: {error}"
        raise type(error)(message) from without_frames(error).__cause__
