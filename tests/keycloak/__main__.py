"""Runs a Keycloak on loopback until it is interrupted: python -m tests.keycloak [PORT]."""

from __future__ import annotations

import signal
import sys

from tests.keycloak.realm import BOT_SECRET, PASSWORD
from tests.keycloak.server import ADMIN, running_keycloak
from tests.support.made import MissingServerError

_READY = """\
Keycloak is ready, until Ctrl-C:
  issuer          {issuer}
  user            alice, password {password!r}
  client          bot, secret {secret!r} (service account, password)
  public client   cli (password, device, browser with http://127.0.0.1/...)
  administration  {url}/admin/, {admin[0]}, password {admin[1]!r}
"""


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _main(port: int) -> int | str:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with running_keycloak(port) as keycloak:
            print(  # noqa: T201  a program for people
                _READY.format(
                    issuer=keycloak.issuer, url=keycloak.url, password=PASSWORD, secret=BOT_SECRET, admin=ADMIN
                ),
                flush=True,
            )
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except MissingServerError as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 8180))
