"""Proofs of possession as a server checks them (RFC 9449 section 4.3), written apart from what makes them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from aiohttp import web
    from joserfc.jwk import Key

ALGORITHMS = ("ES256", "ES384", "ES512")
_OLDEST, _NEWEST = 60.0, 10.0  # seconds that a proof's time may be behind and ahead
_REMEMBERED = 100_000  # proofs
HEADER = "DPoP"
NONCE = "DPoP-Nonce"


class BadProof(Exception):
    """The proof does not count; `error` is the code of RFC 9449, sections 5 and 8."""

    def __init__(self, why: str, error: str = "invalid_dpop_proof") -> None:
        super().__init__(why)
        self.error: str = error

    @property
    def members(self) -> dict[str, str]:
        """What a token endpoint answers."""
        return {"error": self.error, "error_description": str(self)}

    @property
    def challenge(self) -> str:
        """What an API answers."""
        return f'DPoP error="{self.error}", error_description="{self}", algs="{" ".join(ALGORITHMS)}"'


class ProofCheck:
    """Checks proofs, and remembers them: none counts twice. `now` is POSIX seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seen: dict[str, None] = {}

    def of(self, request: web.Request, *, access_token: str | None = None, nonces: Collection[str] = ()) -> str:
        """Return the thumbprint of the key that a request proves; `nonces` are those of which one is wanted.

        Raises `BadProof`.
        """
        proofs = request.headers.getall(HEADER, [])
        if len(proofs) != 1:
            message = "There is no proof, or more than one."
            raise BadProof(message)
        url = request.url.with_query(None).with_fragment(None)
        return self.check(proofs[0], request.method, url, access_token=access_token, nonces=nonces)

    def check(
        self, proof: str, method: str, url: URL | str, *, access_token: str | None = None, nonces: Collection[str] = ()
    ) -> str:
        """Return the thumbprint of the key that a proof is signed with. Raises `BadProof`."""
        key, claims = _opened(proof)
        if claims.get("htm") != method:
            message = "The proof is for another method."
            raise BadProof(message)
        if not _is_same(claims.get("htu"), URL(url)):
            message = "The proof is for another address."
            raise BadProof(message)
        if access_token is not None and claims.get("ath") != _digest(access_token):
            message = "The proof is for another token."
            raise BadProof(message)
        if nonces and claims.get("nonce") not in nonces:
            message = "Another nonce is wanted."
            raise BadProof(message, "use_dpop_nonce")
        at = claims.get("iat")
        if not isinstance(at, int | float) or not -_NEWEST <= self._now() - at <= _OLDEST:
            message = "The proof is too old, or of a time to come."
            raise BadProof(message)
        name = claims.get("jti")
        if not isinstance(name, str) or not name or name in self._seen:
            message = "The proof was seen before, or has no name."
            raise BadProof(message)
        self._seen[name] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return key.thumbprint()


def _opened(proof: str) -> tuple[Key, dict[str, Any]]:
    """Return the public key in a proof, and what it signs. Raises `BadProof`."""
    try:
        head = json.loads(base64.urlsafe_b64decode(f"{proof.partition('.')[0]}==="))
        key = import_key(dict(head["jwk"]))
        claims = dict(jwt.decode(proof, key, algorithms=list(ALGORITHMS)).claims)
    except (JoseError, ValueError, LookupError, TypeError, AttributeError):
        message = "The proof is no JWT that its key has signed."
        raise BadProof(message) from None
    if head.get("typ") != "dpop+jwt" or key.is_private:
        message = "The proof is a JWT of another kind, or shows a private key."
        raise BadProof(message)
    return key, claims


def _is_same(named: object, url: URL) -> bool:
    try:
        return isinstance(named, str) and "?" not in named and "#" not in named and URL(named) == url
    except ValueError:
        return False


def _digest(access_token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()


def challenge_of(
    request: web.Request, server: object, checks: ProofCheck, scheme: str, access_token: str, nonce: str | None
) -> str | None:
    """Say what is wrong with the proof of a good token, None if nothing is; a bound token is no bearer token."""
    binding = getattr(server, "bound_to", None)
    bound_to = binding(access_token) if binding is not None else None
    if scheme.lower() != "dpop":
        return None if bound_to is None else 'DPoP error="invalid_token", error_description="The token is bound."'
    try:
        key = checks.of(request, access_token=access_token, nonces=[nonce] if nonce is not None else [])
    except BadProof as problem:
        return problem.challenge
    return None if key == bound_to else 'DPoP error="invalid_token", error_description="It is bound to another key."'
