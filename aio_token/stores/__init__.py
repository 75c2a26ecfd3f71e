"""Where credentials are kept between runs: stores, codecs and keys."""

from __future__ import annotations

from aio_token._ground import TYPE_CHECKING

from aio_token._ground.public import lazily

if TYPE_CHECKING:
    from typing import Any
    from collections.abc import Callable

    from aio_token._disk.damage import Damaged as Damaged
    from aio_token._errors import KeyUnavailable as KeyUnavailable
    from aio_token._errors import LockTimeout as LockTimeout
    from aio_token._errors import StoreCorrupt as StoreCorrupt
    from aio_token._errors import Superseded as Superseded
    from aio_token._interfaces import Probing as Probing
    from aio_token.stores.memory import MemoryTokenStore as MemoryTokenStore
    from aio_token.stores.file import FileTokenStore as FileTokenStore
    from aio_token.stores.many.interface import TokenStores as TokenStores
    from aio_token.stores.many.memory import MemoryTokenStores as MemoryTokenStores
    from aio_token.stores.many.directory import DirectoryTokenStores as DirectoryTokenStores
    from aio_token.stores.many.postgres import PostgresTokenStores as PostgresTokenStores
    from aio_token.stores.many.redis import RedisTokenStores as RedisTokenStores
    from aio_token.stores.many.names import account_key as account_key
    from aio_token.stores.keyring import KeyringTokenStore as KeyringTokenStore
    from aio_token.stores.postgres import PostgresTokenStore as PostgresTokenStore
    from aio_token.stores._redis_clients import RedisClient as RedisClient
    from aio_token.stores.redis import RedisTokenStore as RedisTokenStore
    from aio_token.stores.encrypted import Encrypted as Encrypted
    from aio_token.stores.encrypted import reencrypt as reencrypt
    from aio_token._ground.codec import Codec as Codec
    from aio_token.stores.key import Key as Key
    from aio_token.stores.key import KeySource as KeySource
    from aio_token.stores.key import new_key as new_key
    from aio_token.stores.keys import EnvironmentKey as EnvironmentKey
    from aio_token.stores.keys import KeyFile as KeyFile
    from aio_token.stores.keys import KeyringKey as KeyringKey
    from aio_token.stores.keys import Passphrase as Passphrase

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazily(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "aio_token._disk.damage": ("Damaged",),
        "aio_token._errors": ("KeyUnavailable", "LockTimeout", "StoreCorrupt", "Superseded"),
        "aio_token._interfaces": ("Probing",),
        "memory": ("MemoryTokenStore",),
        "file": ("FileTokenStore",),
        "many.interface": ("TokenStores",),
        "many.memory": ("MemoryTokenStores",),
        "many.directory": ("DirectoryTokenStores",),
        "many.postgres": ("PostgresTokenStores",),
        "many.redis": ("RedisTokenStores",),
        "many.names": ("account_key",),
        "keyring": ("KeyringTokenStore",),
        "postgres": ("PostgresTokenStore",),
        "_redis_clients": ("RedisClient",),
        "redis": ("RedisTokenStore",),
        "encrypted": ("Encrypted", "reencrypt"),
        "aio_token._ground.codec": ("Codec",),
        "key": ("Key", "KeySource", "new_key"),
        "keys": ("EnvironmentKey", "KeyFile", "KeyringKey", "Passphrase"),
    },
)
