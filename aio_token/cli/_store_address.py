"""Where a program keeps sessions, as a command line says it: a directory, or the address of a server."""

from __future__ import annotations

import os
import re
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import click

from aio_token._errors import ConfigurationError, KeyUnavailable, without_frames
from aio_token.cli._encryption_key import KEYRING, key_described, key_source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from aio_token._ground.codec import Codec
    from aio_token._interfaces import TokenStore
    from aio_token.stores.many.interface import TokenStores

    _Kept = TokenStore | TokenStores

_BY_SENTINELS = ("redis+sentinel", "rediss+sentinel")
_REDIS = ("redis", "rediss", "unix", *_BY_SENTINELS)
_POSTGRES = ("postgresql", "postgres")
_NO_KEY = "this store was given no codec= to read it with"
_SECRET = re.compile(r"pass", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a store is meant that is on a server, and no directory and no profile."""
    return "://" in text or text.startswith("env:")


def _checked_key(context: click.Context, parameter: click.Parameter, key: str | None) -> str | None:
    kind, _, detail = (key or KEYRING).partition(":")
    if key in {None, KEYRING} or (kind in {"env", "file"} and detail):
        return key
    message = f"write env:VARIABLE, file:PATH or {KEYRING}, never the key itself"
    raise click.BadParameter(message, context, parameter)


class Where:
    """A store as it was named, and what opens it; `place` may hold a password, and is shown nowhere."""

    def __init__(self, given: str, *, key: str | None, prefix: str | None, table: str | None) -> None:
        self._place = _resolved(given)
        self._scheme = self._place.partition("://")[0] if "://" in self._place else None
        self._named: dict[str, Any] = {
            name: text for name, text in (("prefix", prefix), ("table", table)) if text is not None
        }
        self.key = key
        fits = {"prefix"} if self._scheme in _REDIS else {"table"} if self._scheme in _POSTGRES else set()
        for name in self._named.keys() - fits:
            message = f"--{name} is for a store on {'Redis' if name == 'prefix' else 'PostgreSQL'}"
            raise click.UsageError(message)

    @property
    def is_missing(self) -> bool:
        """Whether it is a directory that is not there."""
        return self._scheme is None and not Path(self._place).exists()

    @property
    def how_kept(self) -> str:
        """How the records are kept, as far as it was said."""
        return "in clear" if self.key is None else f"encrypted, with the key of {key_described(self.key)}"

    def accounts(self) -> TokenStores:
        """Return the store of many accounts. Raises `ConfigurationError`."""
        if self._scheme is None:
            from aio_token.stores.many.directory import DirectoryTokenStores

            return DirectoryTokenStores(self._place, codec=self._codec)
        if self._scheme in _REDIS:
            from aio_token.stores.many.redis import RedisTokenStores

            return RedisTokenStores(self._redis(), codec=self._codec, **self._named)
        _need("psycopg", "postgres")
        from aio_token.stores.many.postgres import PostgresTokenStores

        return PostgresTokenStores(self._place, codec=self._codec, **self._named)

    def session(self, name: str) -> TokenStore:
        """Return the store of one session. Raises `ConfigurationError`."""
        if "prefix" in self._named:
            message = "--prefix is for the users of a program; the key of one session is its name"
            raise click.UsageError(message)
        if self._scheme in _REDIS:
            from aio_token.stores.redis import RedisTokenStore

            return RedisTokenStore(self._redis(), name, codec=self._codec)
        if self._scheme is None:
            message = "a directory keeps the users of a program, and `aio-token accounts` tells of them"
            raise click.UsageError(message)
        _need("psycopg", "postgres")
        from aio_token.stores.postgres import PostgresTokenStore

        return PostgresTokenStore(self._place, name, codec=self._codec, **self._named)

    @contextmanager
    def advice(self) -> Iterator[None]:
        """Have an error say what opens the records."""
        try:
            yield
        except KeyUnavailable as error:
            raise KeyUnavailable(self.worded(str(error))) from without_frames(error).__cause__

    @staticmethod
    def worded(text: str) -> str:
        """Return a sentence of the library's as one about a program's store, which has no profile."""
        return text.replace(_NO_KEY, "its key was not named; say --key env:VARIABLE, file:PATH or keyring")

    def _redis(self) -> Any:  # noqa: ANN401  an address, or what makes a client
        _need("redis", "redis")
        if self._scheme in _BY_SENTINELS:
            from aio_token.cli._sentinels import primary_of

            return primary_of(self._place)
        return self._place

    @property
    def _codec(self) -> Codec | None:
        if self.key is None:
            return None
        from aio_token.stores.encrypted import Encrypted

        return Encrypted(key_source(self.key))


@asynccontextmanager
async def opened(kept: _Kept) -> AsyncIterator[None]:
    """Close its connections at the end, where it has some."""
    try:
        yield
    finally:
        close = getattr(kept, "aclose", None)
        if close is not None:
            await close()


_PREFIX = click.option("--prefix", metavar="PREFIX", help="What the keys in Redis begin with, if not as usual.")


def store_options(argument: str, *, many: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Take what opens the store that the argument names, in whose place the command gets `where`.

    That is None where the argument is no store's address and the command takes a profile as well. Only a store of
    `many` accounts has a prefix.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def placed(
            *context: Any,  # noqa: ANN401  click's, where the command takes it
            key: str | None,
            table: str | None,
            prefix: str | None = None,
            **others: Any,  # noqa: ANN401  whatever else the command takes
        ) -> int | None:
            given = others[argument]
            where = None
            if argument == "store" or (given is not None and is_address(given)):
                where = Where(given, key=key, prefix=prefix, table=table)
                others.pop(argument)
            elif {key, prefix, table} != {None}:
                message = "what opens a store was given, but no store: its address, or env:VARIABLE"
                raise click.UsageError(message)
            code: int | None = command(*context, where=where, **others)
            return code

        if many:
            placed = _PREFIX(placed)
        for option in (
            click.option("--table", metavar="TABLE", help="The table in PostgreSQL, if it is not the usual one."),
            click.option(
                "--key",
                metavar="KEY",
                callback=_checked_key,
                help="What opens the records: env:VARIABLE, file:PATH or keyring.",
            ),
        ):
            placed = option(placed)
        return placed

    return decorate


def _resolved(given: str) -> str:
    """Return the place, read from the environment if it is there. Raises `click.UsageError`, without showing it."""
    if given.startswith("env:"):
        variable = given.removeprefix("env:")
        place = os.environ.get(variable, "").strip()
        if not place:
            message = f"the environment variable {variable} is not set; it should hold the address of a store"
            raise click.UsageError(message)
    else:
        place, variable = given, None
    scheme, separator, _ = place.partition("://")
    if not separator:
        return place
    if scheme not in _REDIS + _POSTGRES:
        message = f"the address of a store begins with {'://, '.join((*_REDIS, _POSTGRES[0]))}://"
        raise click.UsageError(message)
    if variable is None and _has_password(place):
        message = (
            "arguments stand in the list of processes, for every user of the machine to read; put an address with a "
            "password into an environment variable, and say env:VARIABLE"
        )
        raise click.UsageError(message)
    return place


def _has_password(address: str) -> bool:
    try:
        parts = urlsplit(address)
        named = {name for name, value in parse_qsl(parts.query) if value}
    except ValueError:
        return True  # what cannot be read may be one
    inside, rest = ":" in parts.netloc.rpartition("@")[0], address.partition("://")[2].removeprefix(parts.netloc)
    return inside or "@" in rest or any(_SECRET.search(name) for name in named)


def _need(module: str, extra: str) -> None:
    if find_spec(module) is None:
        message = f"a store on that server needs the package {module}; run: pip install 'aio-token[cli,{extra}]'"
        raise ConfigurationError(message)
