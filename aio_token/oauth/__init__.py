"""What grants are made of: the token endpoint, client authentication, forms, answers, transport, discovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._ground.public import lazily

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.oauth.endpoint import TokenEndpoint as TokenEndpoint
    from aio_token.oauth.provider import EndpointOptions as EndpointOptions
    from aio_token.oauth.provider import Provider as Provider
    from aio_token.oauth.dialect import Dialect as Dialect
    from aio_token.oauth.dpop import DPoP as DPoP
    from aio_token._bound.key import ProofKey as ProofKey
    from aio_token._bound.token import DPoPToken as DPoPToken
    from aio_token.oauth.transport import Transport as Transport
    from aio_token.oauth.exchange import Reply as Reply
    from aio_token.oauth.form import Form as Form
    from aio_token.oauth.form import Request as Request
    from aio_token.oauth.answer import Answer as Answer
    from aio_token.oauth.client_auth import ClientAssertion as ClientAssertion
    from aio_token.oauth.client_auth import ClientAuthentication as ClientAuthentication
    from aio_token.oauth.client_auth import ClientSecretBasic as ClientSecretBasic
    from aio_token.oauth.client_auth import ClientSecretJWT as ClientSecretJWT
    from aio_token.oauth.client_auth import ClientSecretPost as ClientSecretPost
    from aio_token.oauth.client_auth import PrivateKeyJWT as PrivateKeyJWT
    from aio_token.oauth.client_auth import PublicClient as PublicClient
    from aio_token.oauth.mutual_tls import MutualTLS as MutualTLS
    from aio_token.oauth.certificate import ClientCertificate as ClientCertificate
    from aio_token.oauth.certificate_middleware import CertificateMiddleware as CertificateMiddleware
    from aio_token.oauth.signing_key import Certificate as Certificate
    from aio_token.oauth.signing_key import Key as Key
    from aio_token.oauth.signing_key import KeyText as KeyText
    from aio_token.oauth.secret import Revealed as Revealed
    from aio_token.oauth.secret import Secret as Secret

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazily(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "endpoint": ("TokenEndpoint",),
        "provider": ("EndpointOptions", "Provider"),
        "dialect": ("Dialect",),
        "dpop": ("DPoP",),
        "aio_token._bound.key": ("ProofKey",),
        "aio_token._bound.token": ("DPoPToken",),
        "transport": ("Transport",),
        "exchange": ("Reply",),
        "form": ("Form", "Request"),
        "answer": ("Answer",),
        "client_auth": (
            "ClientAssertion",
            "ClientAuthentication",
            "ClientSecretBasic",
            "ClientSecretJWT",
            "ClientSecretPost",
            "PrivateKeyJWT",
            "PublicClient",
        ),
        "mutual_tls": ("MutualTLS",),
        "certificate": ("ClientCertificate",),
        "certificate_middleware": ("CertificateMiddleware",),
        "signing_key": ("Certificate", "Key", "KeyText"),
        "secret": ("Revealed", "Secret"),
    },
)
