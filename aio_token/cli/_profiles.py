"""The profiles on disk."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_token._disk.beside import another_draft_of
from aio_token._disk.directories import make_private
from aio_token._disk.durable import DurableFile
from aio_token._disk.permissions import unusable
from aio_token._disk.platform import HERE, unguarded
from aio_token._disk.worker import Worker
from aio_token._errors import ConfigurationError, SignInRequired, without_frames
from aio_token.cli._places import profile_file, profiles_directory
from aio_token.cli._profile import Profile, is_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def names() -> list[str]:
    """Return the names of all profiles."""
    return sorted(file.stem for file in profiles_directory().glob("*.json") if is_name(file.stem))


def find(name: str) -> Profile | None:
    """Read a profile, None if there is none. Raises `ConfigurationError`, `StoreError`."""
    text = _text(name)
    if text is None:
        return None
    try:
        return Profile.from_json(text)
    except ValueError as error:
        message = (
            f"the profile {name} cannot be used: {error}; mend {profile_file(name)}, or remove it and sign in again"
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
async def tried(name: str, profile: Profile) -> AsyncIterator[None]:
    """Write a profile, and put back what was there if the block fails. Raises `StoreError`.

    It is written first: nobody shall sign in for a profile that cannot be kept.
    """
    before = _text(name)
    await _replace(name, profile.to_json())
    try:
        yield
    except BaseException:
        await _replace(name, before)
        raise


async def forget(name: str) -> None:
    """Remove a profile. Raises `StoreError`."""
    await _replace(name, None)


def _text(name: str) -> bytes | None:
    try:
        return profile_file(name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(profile_file(name), "read", error) from without_frames(error)


async def _replace(name: str, text: bytes | None) -> None:
    async with Worker() as worker:
        await worker.call(_write, profile_file(name), text)


def _write(path: Path, text: bytes | None) -> None:
    file = DurableFile(path, unguarded(HERE))  # there is nothing in it that others may not read
    try:
        make_private(path.parent, HERE.sync_directory)
        if text is None:
            file.remove()
        else:
            file.write(memoryview(text), draft=another_draft_of(path))  # there is no lock
    except OSError as error:
        raise unusable(path, "written", error) from without_frames(error)
