"""What a client wants of tokens that are bound to a key, and how its requests for tokens prove that key (RFC 9449)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aio_token._bound.key import ALGORITHMS, ProofKey
from aio_token._bound.token import target
from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token.oauth.arguments import check_kind, judged
from aio_token.oauth.url import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token._bound.nonces import Nonces
    from aio_token.oauth.dialect import Dialect
    from aio_token.oauth.form import Request

_NONCE = "DPoP-Nonce"


@public
@judged
class DPoP(Value):
    """Have tokens bound to a key that each request proves (RFC 9449): `TokenEndpoint(url, client, dpop=DPoP())`.

    Each session has a key of its own, made when it begins, and kept in its record: encrypt the store. `alg` is what
    proofs are signed with. A server that gives a bearer token all the same does not bind tokens, and gets a
    `ConfigurationError`; `required` False takes such a token as it is. Raises `ConfigurationError` for an `alg` that is
    none of ES256, ES384 and ES512.
    """

    alg: str = "ES256"
    required: bool = True

    def __post_init__(self) -> None:
        if self.alg not in ALGORITHMS:
            message = f"alg is one of {', '.join(ALGORITHMS)}"
            raise ConfigurationError(message)
        check_kind("required", self.required, (bool,), "True or False")

    def new_key(self) -> ProofKey:
        """Make a key for a session."""
        return ProofKey.new(self.alg)


def check_dpop(value: object) -> None:
    """Refuse what does not say how tokens are bound."""
    if value is not None and not isinstance(value, DPoP):
        message = "dpop is a DPoP, such as DPoP()"
        raise ConfigurationError(message)


class Prover:
    """Puts a proof on each attempt of one token request; `required` says that a bearer token is no answer to it."""

    __slots__ = ("_nonces", "_used", "key", "required")

    def __init__(self, key: ProofKey, nonces: Nonces, *, required: bool) -> None:
        self.key: ProofKey = key
        self.required: bool = required
        self._nonces = nonces
        self._used: str | None = None

    def prove(self, request: Request, at: float) -> Request:
        """Return the request with a proof of its own; `at` is POSIX seconds by the server's clock.

        Raises `ConfigurationError` if the key cannot sign.
        """
        self._used = self._nonces.of(origin_of(request.url))
        try:
            proof = self.key.proof(request.method, target(request.url), at=at, nonce=self._used)
        except ValueError as error:
            message = f"{error}; sign in again"
            raise ConfigurationError(message) from None
        return replace(request, headers={**request.headers, "DPoP": proof}, secrets=(*request.secrets, proof))

    def is_wanted_again(self, url: str, headers: Mapping[str, str], error: str | None, *, has_learnt: bool) -> bool:
        """Whether an answer with this error means that another proof is taken.

        It lacked a nonce that has come now, or was made by another clock than the server's, which is known now. Nothing
        was spent by a request whose proof was not taken.
        """
        has_nonce = self._nonces.learn(origin_of(url), headers.get(_NONCE), used=self._used)
        return (error == "use_dpop_nonce" and has_nonce) or (error == "invalid_dpop_proof" and has_learnt)


def unfit(kind: object, dialect: Dialect, *, has_key: bool, takes_bearer: bool) -> str | None:
    """Say what is wrong with a token of this type, None if it can be used (RFC 9449 section 5)."""
    said = kind.lower() if isinstance(kind, str) else ""
    if has_key and said == "dpop":
        return None
    if not dialect.is_bearer(said):
        return "token that is not of type Bearer; register the client for bearer tokens"
    if not takes_bearer:
        return (
            "bearer token though a key was proved; have it bind the client's tokens (DPoP), or take what it gives by "
            "DPoP(required=False)"
        )
    return None
