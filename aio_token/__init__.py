"""OAuth 2 tokens for asyncio and aiohttp: one refresh, however many ask.

The names below are those of the first day; more are in `aio_token.oauth`, `.grants`, `.stores`, `.events`, `.observe`
and `.testing`. They are loaded when they are first used: importing the package costs next to nothing, and a program
that reads a stored token imports neither aiohttp nor Authlib.
"""

from __future__ import annotations

from aio_token._ground import TYPE_CHECKING

from aio_token._ground.public import lazily

if TYPE_CHECKING:
    from typing import Any
    from collections.abc import Callable

    # What supplies tokens, and what puts them on requests
    from aio_token._repository import TokenRepository as TokenRepository
    from aio_token._accounts.accounts import Accounts as Accounts
    from aio_token._limits import Limits as Limits
    from aio_token._pacing.pace import Pace as Pace
    from aio_token._freshness import Windows as Windows
    from aio_token._status import State as State
    from aio_token._status import Status as Status
    from aio_token._static import StaticToken as StaticToken
    from aio_token._middleware import BearerMiddleware as BearerMiddleware
    from aio_token._token import Token as Token

    # Grants: where a token comes from
    from aio_token.grants.refresh_token import RefreshTokenGrant as RefreshTokenGrant
    from aio_token.grants.client_credentials import ClientCredentialsGrant as ClientCredentialsGrant
    from aio_token.grants.token_exchange import TokenExchangeGrant as TokenExchangeGrant
    from aio_token.grants.jwt_bearer import JWTBearerGrant as JWTBearerGrant
    from aio_token.grants.password import PasswordGrant as PasswordGrant
    from aio_token.grants.device_code import DeviceGrant as DeviceGrant
    from aio_token.grants.authorization_code import AuthorizationCodeGrant as AuthorizationCodeGrant

    # The authorization server, and the client that it knows
    from aio_token.oauth.endpoint import TokenEndpoint as TokenEndpoint
    from aio_token.oauth.provider import Provider as Provider
    from aio_token.oauth.client_auth import ClientSecretBasic as ClientSecretBasic
    from aio_token.oauth.client_auth import ClientSecretPost as ClientSecretPost
    from aio_token.oauth.client_auth import PrivateKeyJWT as PrivateKeyJWT
    from aio_token.oauth.client_auth import PublicClient as PublicClient

    # Stores: where a credential is kept
    from aio_token.stores.memory import MemoryTokenStore as MemoryTokenStore
    from aio_token.stores.file import FileTokenStore as FileTokenStore
    from aio_token.stores.keyring import KeyringTokenStore as KeyringTokenStore
    from aio_token.stores.encrypted import Encrypted as Encrypted

    # Errors, sorted by what to do
    from aio_token._errors import TokenError as TokenError
    from aio_token._errors import SignInRequired as SignInRequired
    from aio_token._errors import GrantRefused as GrantRefused
    from aio_token._errors import ConfigurationError as ConfigurationError
    from aio_token._errors import ServerUnavailable as ServerUnavailable
    from aio_token._errors import StoreError as StoreError
    from aio_token._accounts.unknown import UnknownAccount as UnknownAccount

    # Seams: what a source, a grant or a store of your own is made of
    from aio_token._interfaces import TokenSource as TokenSource
    from aio_token._interfaces import AtHand as AtHand
    from aio_token._interfaces import Grant as Grant
    from aio_token._interfaces import TokenStore as TokenStore
    from aio_token._interfaces import Slot as Slot
    from aio_token._credential import Credential as Credential
    from aio_token._wish import Rejection as Rejection
    from aio_token._wish import Wish as Wish
    from aio_token._clock import Clock as Clock

    # Which release this is
    from aio_token._ground.version import __version__ as __version__

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazily(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        # What supplies tokens, and what puts them on requests
        "_repository": ("TokenRepository",),
        "_accounts.accounts": ("Accounts",),
        "_limits": ("Limits",),
        "_pacing.pace": ("Pace",),
        "_freshness": ("Windows",),
        "_status": ("State", "Status"),
        "_static": ("StaticToken",),
        "_middleware": ("BearerMiddleware",),
        "_token": ("Token",),
        # Grants: where a token comes from
        "grants.refresh_token": ("RefreshTokenGrant",),
        "grants.client_credentials": ("ClientCredentialsGrant",),
        "grants.token_exchange": ("TokenExchangeGrant",),
        "grants.jwt_bearer": ("JWTBearerGrant",),
        "grants.password": ("PasswordGrant",),
        "grants.device_code": ("DeviceGrant",),
        "grants.authorization_code": ("AuthorizationCodeGrant",),
        # The authorization server, and the client that it knows
        "oauth.endpoint": ("TokenEndpoint",),
        "oauth.provider": ("Provider",),
        "oauth.client_auth": ("ClientSecretBasic", "ClientSecretPost", "PrivateKeyJWT", "PublicClient"),
        # Stores: where a credential is kept
        "stores.memory": ("MemoryTokenStore",),
        "stores.file": ("FileTokenStore",),
        "stores.keyring": ("KeyringTokenStore",),
        "stores.encrypted": ("Encrypted",),
        # Errors, sorted by what to do
        "_errors": (
            "TokenError",
            "SignInRequired",
            "GrantRefused",
            "ConfigurationError",
            "ServerUnavailable",
            "StoreError",
        ),
        "_accounts.unknown": ("UnknownAccount",),
        # Seams: what a source, a grant or a store of your own is made of
        "_interfaces": ("TokenSource", "AtHand", "Grant", "TokenStore", "Slot"),
        "_credential": ("Credential",),
        "_wish": ("Rejection", "Wish"),
        "_clock": ("Clock",),
        # Which release this is
        "_ground.version": ("__version__",),
    },
)
