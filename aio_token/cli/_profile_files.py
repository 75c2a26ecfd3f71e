"""The files of the profiles, among the user's configuration (XDG, and what other systems have in its place)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from platformdirs import user_config_path

from aio_token._disk.directories import make_private
from aio_token._disk.durable import DurableFile
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE, unguarded
from aio_token._disk.worker import Worker
from aio_token._errors import ConfigurationError, SignInRequired, without_frames
from aio_token.cli._profile import Profile, is_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def profile_file(name: str) -> Path:
    """Return the file of a profile, which holds no secret."""
    return _directory() / f"{name}.json"


def names() -> list[str]:
    """Return the names of all profiles."""
    return sorted(file.stem for file in _directory().glob("*.json") if is_name(file.stem))


def find(name: str) -> Profile | None:
    """Read a profile, None if there is none. Raises `ConfigurationError`, `StoreError`."""
    text = _read(profile_file(name))
    if text is None:
        return None
    try:
        return Profile.from_json(text)
    except ValueError as error:
        message = (
            f"the profile {name} cannot be used: {error}; correct {profile_file(name)}, or remove it and sign in again"
        )
        raise ConfigurationError(message) from None


def need(name: str) -> Profile:
    """Read a profile. Raises `SignInRequired` if there is none, `ConfigurationError`, `StoreError`."""
    profile = find(name)
    if profile is None:
        message = f"there is no profile {name}; run: aio-token login {name} --issuer URL --client-id ID"
        raise SignInRequired(message)
    return profile


@asynccontextmanager
async def tentatively(name: str, profile: Profile) -> AsyncIterator[None]:
    """Write a profile, and put back what was there if the block fails. Raises `StoreError`.

    It is written first, so that no person signs in for a profile that cannot be kept.
    """
    path = profile_file(name)
    before = _read(path)
    await _write(path, profile.to_json())
    try:
        yield
    except BaseException:
        await _write(path, before)
        raise


async def forget(name: str) -> None:
    """Remove a profile. Raises `StoreError`."""
    await _write(profile_file(name), None)


def _directory() -> Path:
    return user_config_path("aio-token", appauthor=False) / "profiles"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, "read", error) from without_frames(error)


async def _write(path: Path, text: bytes | None) -> None:
    """Replace a file durably, or remove it if `text` is None."""
    async with Worker() as worker:
        file = DurableFile(path, unguarded(HERE), worker)  # a profile that others may read is fine
        try:
            await worker.call(make_private, path.parent, HERE.sync_directory)
            await (file.remove() if text is None else file.write(memoryview(text)))
        except OSError as error:
            raise unusable(path, "written", error) from without_frames(error)
