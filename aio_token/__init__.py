"""OAuth 2 tokens for asyncio and aiohttp: one refresh, however many ask.

The names below are loaded when they are first used (PEP 562): importing the package costs next to nothing, and who
reads a stored token imports neither aiohttp nor Authlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aio_token._client_auth import ClientSecretBasic as ClientSecretBasic
    from aio_token._client_auth import ClientSecretJWT as ClientSecretJWT
    from aio_token._client_auth import ClientSecretPost as ClientSecretPost
    from aio_token._client_auth import PrivateKeyJWT as PrivateKeyJWT
    from aio_token._client_auth import PublicClient as PublicClient
    from aio_token._credential import Credential as Credential
    from aio_token._credential import IssuedBy as IssuedBy
    from aio_token._credential import Rescued as Rescued
    from aio_token._endpoint import TokenEndpoint as TokenEndpoint
    from aio_token._errors import ConfigurationError as ConfigurationError
    from aio_token._errors import GrantRefused as GrantRefused
    from aio_token._errors import KeyUnavailable as KeyUnavailable
    from aio_token._errors import LockTimeout as LockTimeout
    from aio_token._errors import LoginRequired as LoginRequired
    from aio_token._errors import RefreshUnavailable as RefreshUnavailable
    from aio_token._errors import StoreCorrupt as StoreCorrupt
    from aio_token._errors import StoreError as StoreError
    from aio_token._errors import TokenError as TokenError
    from aio_token._events import Adopted as Adopted
    from aio_token._events import Event as Event
    from aio_token._events import Loaded as Loaded
    from aio_token._events import LoginNeeded as LoginNeeded
    from aio_token._events import Observer as Observer
    from aio_token._events import Refused as Refused
    from aio_token._events import RenewalFailed as RenewalFailed
    from aio_token._events import RenewalPaused as RenewalPaused
    from aio_token._events import Renewed as Renewed
    from aio_token._events import ReplayImpossible as ReplayImpossible
    from aio_token._events import Saved as Saved
    from aio_token._events import SignedIn as SignedIn
    from aio_token._events import SignedOut as SignedOut
    from aio_token._events import Unsaved as Unsaved
    from aio_token._events import fan_out as fan_out
    from aio_token._freshness import Windows as Windows
    from aio_token._interfaces import AtHand as AtHand
    from aio_token._interfaces import Grant as Grant
    from aio_token._interfaces import Probing as Probing
    from aio_token._interfaces import Revocable as Revocable
    from aio_token._interfaces import Slot as Slot
    from aio_token._interfaces import TokenSource as TokenSource
    from aio_token._interfaces import TokenStore as TokenStore
    from aio_token._keeper import Limits as Limits
    from aio_token._log import log_event as log_event
    from aio_token._memory_store import MemoryTokenStore as MemoryTokenStore
    from aio_token._middleware import BearerMiddleware as BearerMiddleware
    from aio_token._otel import OpenTelemetryObserver as OpenTelemetryObserver
    from aio_token._provider import Provider as Provider
    from aio_token._repository import TokenRepository as TokenRepository
    from aio_token._request_log import RequestLog as RequestLog
    from aio_token._static import StaticToken as StaticToken
    from aio_token._status import Status as Status
    from aio_token._token import Token as Token
    from aio_token.grants.authorization_code import AuthorizationCodeGrant as AuthorizationCodeGrant
    from aio_token.grants.client_credentials import ClientCredentialsGrant as ClientCredentialsGrant
    from aio_token.grants.device_code import DeviceGrant as DeviceGrant
    from aio_token.grants.device_code import DevicePrompt as DevicePrompt
    from aio_token.grants.jwt_bearer import JWTBearerGrant as JWTBearerGrant
    from aio_token.grants.jwt_bearer import SignedJWT as SignedJWT
    from aio_token.grants.password import PasswordGrant as PasswordGrant
    from aio_token.grants.refresh_token import RefreshTokenGrant as RefreshTokenGrant
    from aio_token.grants.token_exchange import TokenExchangeGrant as TokenExchangeGrant
    from aio_token.stores.encrypted import Encrypted as Encrypted
    from aio_token.stores.encrypted import reencrypt as reencrypt
    from aio_token.stores.file import FileTokenStore as FileTokenStore
    from aio_token.stores.keyring import KeyringTokenStore as KeyringTokenStore
    from aio_token.stores.keys import EnvironmentKey as EnvironmentKey
    from aio_token.stores.keys import KeyFile as KeyFile
    from aio_token.stores.keys import KeyringKey as KeyringKey
    from aio_token.stores.keys import Passphrase as Passphrase
    from aio_token.stores.keys import new_key as new_key

_HOMES = {
    "_client_auth": ("ClientSecretBasic", "ClientSecretJWT", "ClientSecretPost", "PrivateKeyJWT", "PublicClient"),
    "_credential": ("Credential", "IssuedBy", "Rescued"),
    "_endpoint": ("TokenEndpoint",),
    "_errors": (
        "ConfigurationError",
        "GrantRefused",
        "KeyUnavailable",
        "LockTimeout",
        "LoginRequired",
        "RefreshUnavailable",
        "StoreCorrupt",
        "StoreError",
        "TokenError",
    ),
    "_events": (
        "Adopted",
        "Event",
        "Loaded",
        "LoginNeeded",
        "Observer",
        "Refused",
        "RenewalFailed",
        "RenewalPaused",
        "Renewed",
        "ReplayImpossible",
        "Saved",
        "SignedIn",
        "SignedOut",
        "Unsaved",
        "fan_out",
    ),
    "_freshness": ("Windows",),
    "_interfaces": ("AtHand", "Grant", "Probing", "Revocable", "Slot", "TokenSource", "TokenStore"),
    "_keeper": ("Limits",),
    "_log": ("log_event",),
    "_memory_store": ("MemoryTokenStore",),
    "_middleware": ("BearerMiddleware",),
    "_otel": ("OpenTelemetryObserver",),
    "_provider": ("Provider",),
    "_repository": ("TokenRepository",),
    "_request_log": ("RequestLog",),
    "_static": ("StaticToken",),
    "_status": ("Status",),
    "_token": ("Token",),
    "grants.authorization_code": ("AuthorizationCodeGrant",),
    "grants.client_credentials": ("ClientCredentialsGrant",),
    "grants.device_code": ("DeviceGrant", "DevicePrompt"),
    "grants.jwt_bearer": ("JWTBearerGrant", "SignedJWT"),
    "grants.password": ("PasswordGrant",),
    "grants.refresh_token": ("RefreshTokenGrant",),
    "grants.token_exchange": ("TokenExchangeGrant",),
    "stores.encrypted": ("Encrypted", "reencrypt"),
    "stores.file": ("FileTokenStore",),
    "stores.keyring": ("KeyringTokenStore",),
    "stores.keys": ("EnvironmentKey", "KeyFile", "KeyringKey", "Passphrase", "new_key"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = tuple(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
