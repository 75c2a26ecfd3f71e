"""A real Secret Service: gnome-keyring in a D-Bus session of its own, without a desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.disk import unmeasured

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = ("dbus-run-session", "gnome-keyring-daemon")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

SESSION = """
set -e
printf 'a passphrase' | gnome-keyring-daemon --unlock --components=secrets >/dev/null
exec "$0" -W error::ResourceWarning -c "$1" "$2"
"""

SCRIPT = """
import asyncio, sys
from pathlib import Path
import keyring, secretstorage
from aio_token import Credential, FileTokenStore, Token
from aio_token.stores import KeyUnavailable
from aio_token.stores.encrypted import Encrypted
from aio_token.stores.keyring import KeyringTokenStore
from aio_token.stores.keys import KeyringKey

home = Path(sys.argv[1])
LONG = 40.0  # a loaded machine takes its time to start the program that would ask a person
kept = Credential(token=Token(access_token="a" * 16_384), refresh_token="r")

async def save(store):
    async with store.exclusive() as slot:
        await slot.save(kept)

def lock_the_keyring():
    connection = secretstorage.dbus_init()
    secretstorage.get_default_collection(connection).lock()
    connection.close()

async def main():
    print(type(keyring.get_keyring()).__module__)
    inside = KeyringTokenStore("aio_token", "secret service", lock=home / "keyring.lock", timeout=LONG)
    await inside.probe()
    print(await inside.load())
    await save(inside)
    print(await inside.load() == kept)
    key = KeyringKey("aio_token", "key", timeout=LONG)
    await key.create()
    beside = FileTokenStore(home / "token.json", codec=Encrypted(key))
    await save(beside)
    content = (home / "token.json").read_bytes()
    lock_the_keyring()
    locked = Encrypted(KeyringKey("aio_token", "key", timeout=LONG))
    for store in (inside, FileTokenStore(home / "token.json", codec=locked)):
        try:
            await store.load()
        except KeyUnavailable as error:
            print(error)
    print((home / "token.json").read_bytes() == content, await beside.load() == kept)

asyncio.run(main())
"""

OUTPUT = """\
keyring.backends.SecretService
None
True
the keyring is locked; unlock it, by signing in to the desktop for example, and try again
{file}: the keyring is locked; unlock it, by signing in to the desktop for example, and try again
True True
"""


@pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"),
    reason=f"needs {' and '.join(MISSING)}: apt-get install dbus gnome-keyring",
)
def test_a_real_secret_service_keeps_credentials_and_keys(tmp_path: Path) -> None:
    """Law F7: on a server without a desktop, gnome-keyring holds a credential and a key; locked, it is an error with
    a way out, at once, and the file stays.
    """
    assert not MISSING, f"needs {' and '.join(MISSING)}: apt-get install dbus gnome-keyring"
    home = str(tmp_path)
    environment = unmeasured() | {"HOME": home, "XDG_DATA_HOME": home, "XDG_RUNTIME_DIR": home, "XDG_CACHE_HOME": home}
    for desktop in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        environment.pop(desktop, None)
    command = ["dbus-run-session", "--", "/bin/sh", "-c", SESSION, sys.executable, SCRIPT, home]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, env=environment)
    assert outcome.stdout == OUTPUT.format(file=tmp_path / "token.json"), outcome.stderr
