"""Ways to obtain a token from an authorization server (RFC 6749 section 1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._ground.public import lazily

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._credential import IssuedBy as IssuedBy
    from aio_token._credential import Rescued as Rescued
    from aio_token._interfaces import Fingerprinting as Fingerprinting
    from aio_token._interfaces import Interactive as Interactive
    from aio_token._interfaces import Revocable as Revocable
    from aio_token._interfaces import Spending as Spending
    from aio_token._interfaces import Standalone as Standalone
    from aio_token._interfaces import StillPending as StillPending
    from aio_token.grants.refresh_token import RefreshTokenGrant as RefreshTokenGrant
    from aio_token.grants.client_credentials import ClientCredentialsGrant as ClientCredentialsGrant
    from aio_token.grants.token_exchange import TokenExchangeGrant as TokenExchangeGrant
    from aio_token.grants.jwt_bearer import JWTBearerGrant as JWTBearerGrant
    from aio_token.grants.jwt_bearer import SignedJWT as SignedJWT
    from aio_token.grants.password import PasswordGrant as PasswordGrant
    from aio_token.grants.device_code import DeviceGrant as DeviceGrant
    from aio_token.grants.device_code import DevicePrompt as DevicePrompt
    from aio_token.grants.authorization_code import AuthorizationCodeGrant as AuthorizationCodeGrant
    from aio_token.grants.web_sign_in import Begun as Begun
    from aio_token.grants.web_sign_in import WebSignIn as WebSignIn

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazily(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "aio_token._credential": ("IssuedBy", "Rescued"),
        "aio_token._interfaces": (
            "Fingerprinting",
            "Interactive",
            "Revocable",
            "Spending",
            "Standalone",
            "StillPending",
        ),
        "refresh_token": ("RefreshTokenGrant",),
        "client_credentials": ("ClientCredentialsGrant",),
        "token_exchange": ("TokenExchangeGrant",),
        "jwt_bearer": ("JWTBearerGrant", "SignedJWT"),
        "password": ("PasswordGrant",),
        "device_code": ("DeviceGrant", "DevicePrompt"),
        "authorization_code": ("AuthorizationCodeGrant",),
        "web_sign_in": ("Begun", "WebSignIn"),
    },
)
