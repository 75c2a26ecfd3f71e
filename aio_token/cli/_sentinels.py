"""The primary of a Redis that Sentinels watch, by an address that names them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aio_token._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TIMEOUT = 3.0  # seconds for a command, as the stores have it
_PORT = 26_379
_HOST = re.compile(r"([\w.~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_NAME = re.compile(r"/([\w.~-]+)(?:/([0-9]{1,4}))?")


class Primary:
    """A client of whichever server is the primary now."""

    def __init__(self, sentinels: Sequence[tuple[str, int]], name: str, **options: Any) -> None:  # noqa: ANN401  redis-py's
        from redis.asyncio.retry import Retry
        from redis.asyncio.sentinel import Sentinel
        from redis.backoff import NoBackoff

        # One Sentinel that is away is not waited for: there are others.
        limits = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT, "retry": Retry(NoBackoff(), 1)}
        speaks_tls = {"ssl": True} if options.get("ssl") else {}
        make: Any = Sentinel  # without types
        self._sentinel = make(list(sentinels), sentinel_kwargs=limits | speaks_tls)
        self._client: Any = self._sentinel.master_for(name, **limits, **options)

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  it is redis-py's
        """Carry a command out."""
        return await self._client.execute_command(*args, **options)

    async def aclose(self) -> None:
        """Close all connections: those to the Sentinels are no part of the client."""
        for client in (self._client, *self._sentinel.sentinels):
            await client.aclose()


def primary_of(address: str) -> Callable[[], Primary]:
    """Return what makes a client, from `redis+sentinel://user:password@host:26379,host:26379/NAME/0`.

    User and password are the server's. With `rediss+sentinel://` it speaks TLS, and so do the Sentinels. Raises
    `ConfigurationError`.
    """
    scheme, _, rest = address.partition("://")
    user, _, rest = rest.rpartition("@")
    hosts, _, path = rest.partition("/")
    found = [match for host in hosts.split(",") if (match := _HOST.fullmatch(host)) is not None]
    named = _NAME.fullmatch(f"/{path}")
    if named is None or len(found) != hosts.count(",") + 1:
        message = "the address cannot be read; it is like redis+sentinel://user:password@host:26379,host:26379/NAME/0"
        raise ConfigurationError(message)
    options: dict[str, object] = {"db": int(named[2] or 0)}
    who, _, password = user.partition(":")
    options |= {key: unquote(text) for key, text in (("username", who), ("password", password)) if text}
    if scheme == "rediss+sentinel":
        options["ssl"] = True
    sentinels = [(match[1].strip("[]"), int(match[2] or _PORT)) for match in found]
    return lambda: Primary(sentinels, named[1], **options)
