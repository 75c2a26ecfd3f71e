"""The files of the profiles, among the user's configuration (XDG, and what other systems have in its place).

A profile holds no secret, but it says where secrets are sent. So others may read it; one that others may write, or
exchange, is refused (laws F4 and G5).
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

from aio_token._disk.beside import another_draft_of
from aio_token._disk.directories import make_private
from aio_token._disk.durable import DurableFile
from aio_token._disk.permissions import refuse_odd, unusable
from aio_token._disk.platform import HERE, unguarded
from aio_token._errors import ConfigurationError, SignInRequired, StoreError, TokenError, without_frames
from aio_token._ground import TYPE_CHECKING
from aio_token.cli._places import configuration, home
from aio_token.cli._profile import DEFAULT_PROFILE, NewerProfile, Profile, is_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 5  # names in a sentence
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def profile_file(name: str) -> Path:
    """Return the file of a profile, which holds no secret."""
    return _directory() / f"{name}.json"


def names() -> list[str]:
    """Return the names of all profiles. Raises `StoreError` if they cannot be listed."""
    try:
        files = list(_directory().iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(_directory(), "listed", error) from without_frames(error)
    return sorted(file.stem for file in files if file.suffix == ".json" and is_name(file.stem))


def secret_variables() -> set[str]:
    """Return the environment variables that profiles read secrets from; a profile that is refused names none."""
    found: set[str] = set()
    for name in names():
        with suppress(TokenError):
            found |= need(name).secret_variables
    return found


def chosen() -> str:
    """Return the profile that is meant where none is named. Raises `StoreError`."""
    name = (_read(_choice()) or b"").decode(errors="replace").strip()
    return name if is_name(name) else DEFAULT_PROFILE


def choose(name: str) -> None:
    """Let a profile be the one that is meant where none is named. Raises `StoreError`."""
    _write(_choice(), name.encode() + b"\n")


def add(name: str, profile: Profile) -> None:
    """Write a profile. Raises `StoreError`."""
    _write(profile_file(name), profile.to_json())


def find(name: str) -> Profile | None:
    """Read a profile, None if there is none. Raises `ConfigurationError`, `StoreError`."""
    text = _read(profile_file(name))
    if text is None:
        return None
    try:
        return Profile.from_json(text)
    except NewerProfile:
        message = (
            f"the profile {name} was written by a newer aio-token than this one ({profile_file(name)}); run: "
            "pip install --upgrade aio-token"
        )
        raise ConfigurationError(message) from None
    except ValueError as error:
        message = (
            f"the profile {name} cannot be used: {error}; correct {profile_file(name)}, or remove it and sign in again"
        )
        raise ConfigurationError(message) from None


def need(name: str) -> Profile:
    """Read a profile. Raises `SignInRequired` if there is none, `ConfigurationError`, `StoreError`."""
    profile = find(name)
    if profile is None:
        raise SignInRequired(_missing(name))
    return profile


def _missing(name: str) -> str:
    """Say that there is no such profile, and which one may be meant."""
    from difflib import get_close_matches

    others, new = names(), f"aio-token login {name} --issuer URL --client-id ID"
    alike = get_close_matches(name, others)
    if alike:
        return f"there is no profile {name}; did you mean {' or '.join(alike)}? A new one is made by: {new}"
    if others and name == chosen():
        shown = ", ".join(others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
        return (
            f"there is no profile {name}, which is meant where none is named; there is {shown}: name it, or choose it "
            f"for good, by: aio-token profiles default NAME; a new one is made by: {new}"
        )
    return f"there is no profile {name}; run: {new}"


@contextmanager
def tentatively(name: str, profile: Profile) -> Iterator[None]:
    """Write a profile, and put back what was there if the block fails. Raises `StoreError`.

    It is written first, so that no person signs in for a profile that cannot be kept.
    """
    path = profile_file(name)
    before = _read(path)
    _write(path, profile.to_json())
    try:
        yield
    except BaseException:
        _write(path, before)
        raise


def forget(name: str) -> None:
    """Remove a profile, and that it was chosen. Raises `StoreError`."""
    was_chosen = chosen() == name
    _write(profile_file(name), None)
    if was_chosen and _choice().exists():
        _write(_choice(), None)


def _directory() -> Path:
    return configuration() / "profiles"


def _choice() -> Path:
    """Return the file that names the default profile: it says whose token is used, as profiles say where it goes."""
    return configuration() / "default-profile"


def _read(path: Path) -> bytes | None:
    try:
        target = Path(os.path.realpath(path))  # a link is fine, as many keep their configuration in a repository
        _check[os.name](target, target.stat())
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, "read", error) from without_frames(error)


def _write(path: Path, text: bytes | None) -> None:
    """Replace a file durably, or remove it if `text` is None."""
    file = DurableFile(path, unguarded(HERE))  # a profile that others may read is fine
    try:
        make_private(path.parent, HERE.sync_directory)
        _refuse_exposed_directories(path)  # those that were made as well as those that were there
        if text is None:
            file.remove()
        else:
            file.write(memoryview(text), draft=another_draft_of(path))  # there is no lock
    except OSError as error:
        raise _unusable(path, "written", error) from without_frames(error)


def _refuse_exposed(path: Path, found: os.stat_result) -> None:
    """Raise `StoreError` for what is not a file, and for a file that others may write or exchange."""
    refuse_odd(path, found)
    _refuse_foreign(path, found.st_uid)
    if found.st_mode & _WRITABLE_BY_OTHERS:
        message = (
            f"other users may write to {path}, and send your token elsewhere; look at what it says, "
            f"then run: chmod go-w {shlex.quote(str(path))}"
        )
        raise StoreError(message)
    _refuse_exposed_directories(path)


_check = {"posix": _refuse_exposed, "nt": refuse_odd}
"""By `os.name`: modes and owners say nothing on Windows."""


def _refuse_exposed_directories(path: Path) -> None:
    """Look at each directory on the way, from the home directory on, but those of root."""
    at = home()
    above = () if at is None else Path(os.path.realpath(at)).parents
    for directory in path.parents:
        if directory in above:
            break  # in a sandbox the owners of these are not known
        owner = directory.stat().st_uid
        _refuse_foreign(directory, owner)
        if owner == _user():
            HERE.guard_directory(directory)


def _refuse_foreign(path: Path, owner: int) -> None:
    """Refuse what another user owns. Root may: with sudo, HOME is often that of the user who called it."""
    if owner not in {_user(), 0} and _user() != 0:
        message = f"{path} belongs to another user (uid {owner}), who could send your token elsewhere; "
        raise StoreError(message + _taking_over(path))


def _user() -> int:
    return os.geteuid() if os.name == "posix" else 0  # as `stat` says on Windows


def _unusable(path: Path, done: str, error: OSError) -> StoreError:
    """Say what the system's error means, and the command that helps: another one where root owns what is in the way."""
    if error.errno in {errno.EACCES, errno.EPERM}:
        if _foreign(path) is not None:
            return StoreError(f"{path} cannot be {done}: permission denied, perhaps left by sudo; {_taking_over(path)}")
        if done == "listed":
            return StoreError(f"{path} cannot be {done}: permission denied; run: chmod u+rwx {shlex.quote(str(path))}")
    return unusable(path, done, error)


def _taking_over(path: Path) -> str:
    foreign = _foreign(path)
    if foreign is None:  # what is outside of the home directory may have more in it than this
        return f"run: sudo chown {_user()} {shlex.quote(str(path))}"
    return f"run: sudo chown -R {_user()} {shlex.quote(str(foreign))}"


def _foreign(path: Path) -> Path | None:
    """Return the topmost file or directory on the way, below the home directory, that is another user's."""
    at = home()
    for part in (*reversed(path.parents), path):
        if at in part.parents and _owner(part) not in {None, _user()}:
            return part
    return None


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except OSError:  # it cannot be seen
        return None
