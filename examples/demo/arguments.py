"""What the demo is told: arguments, and secrets from the environment."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENT_SECRET = "CLIENT_SECRET"
REFRESH_TOKEN = "REFRESH_TOKEN"
PASSWORD = "PASSWORD"

_DESCRIPTION = """\
A crawler of many concurrent clients whose token expires again and again; then the same crawl through the middleware
that most people write (examples/lock_and_double_check.py). In both, one client is cancelled in the middle of a renewal.
Without arguments it brings servers of its own, on loopback: tokens that live 2 s, rotating refresh tokens, and the end
of the session if one is presented twice."""

_EPILOG = f"""\
against a real server:
  python -m examples.demo --issuer https://id.example/realms/demo --client-id bot --api https://api.example/me

  The secret of the client is read from the environment, {CLIENT_SECRET}; without it the client is a public one. The
  first token comes by the refresh token in {REFRESH_TOKEN} (which cannot be shared: then there is no contrast), or for
  --username with the password in {PASSWORD}, or else by client credentials. Give access tokens a lifetime of some
  seconds, or no renewal will fall into the crawl.

The exit code is 1 if a request of aio_token failed, or if it presented a refresh token twice."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What was asked for; `issuer` None: servers of its own."""

    clients: int
    seconds: float
    requests: int
    contrast: bool
    plain: bool
    picture: Path
    issuer: str | None
    client_id: str
    api: str
    username: str | None
    scope: str | None


def read(arguments: Sequence[str] | None = None) -> Settings:
    """Read the command line; leave with a message if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.demo",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clients", type=_whole(1, 10_000), metavar="N", help="at once (1000; at a real server 100)")
    parser.add_argument("--seconds", type=_whole(1, 600), default=5, metavar="N", help="of the crawl's first part (5)")
    parser.add_argument(
        "--requests", type=_whole(1, 10_000_000), default=200_000, metavar="N", help="at most, in each crawl (200000)"
    )
    parser.add_argument("--no-contrast", dest="contrast", action="store_false", help="aio_token only")
    parser.add_argument("--plain", action="store_true", help="lines instead of a progress bar, as where no terminal is")
    parser.add_argument(
        "--picture",
        type=Path,
        default=Path("demo.svg"),
        metavar="FILE",
        help="of the run (demo.svg)",
    )
    real = parser.add_argument_group("a real server")
    real.add_argument("--issuer", metavar="URL", help="the authorization server; its metadata is read")
    real.add_argument("--client-id", metavar="ID", default="")
    real.add_argument("--api", metavar="URL", default="", help="what the clients GET (the issuer's user-info endpoint)")
    real.add_argument("--username", metavar="NAME", help="sign in with a password")
    real.add_argument("--scope", metavar="SCOPE")
    given = parser.parse_args(arguments)
    if given.issuer and not given.client_id:
        parser.error("--issuer needs --client-id")
    if not given.issuer and (given.client_id or given.api or given.username or given.scope):
        parser.error("--client-id, --api, --username and --scope go with --issuer")
    if given.username and not os.environ.get(PASSWORD):
        parser.error(f"--username needs the password in the environment variable {PASSWORD}")
    if given.issuer and not given.username and os.environ.get(REFRESH_TOKEN):
        given.contrast = False
    given.clients = given.clients or (100 if given.issuer else 1_000)
    return Settings(**vars(given))


class _whole:  # noqa: N801  argparse shows the name in its messages
    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self.__name__ = f"number from {least} to {most}"

    def __call__(self, text: str) -> int:
        number = int(text)
        if not self._least <= number <= self._most:
            raise ValueError
        return number
