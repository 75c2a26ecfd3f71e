"""The key that a session's tokens are bound to: it signs a proof for each request (RFC 9449 section 4)."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from aio_token._errors import raise_alone
from aio_token._ground.public import public_in
from aio_token._token import Unpicklable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ALGORITHMS: Mapping[str, str] = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
"""What a proof may be signed with, and the curve of its key."""

_PUBLIC = ("crv", "kty", "x", "y")  # all that a thumbprint is made of (RFC 7638 section 3.2)
_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
_ENTROPY = 16  # bytes of what makes a proof one of its own (RFC 9449 section 4.2 wants 12)


@public_in("oauth")
class ProofKey(Unpicklable):
    """A private key that was made for one credential, and is kept with it; its repr shows the thumbprint alone."""

    __slots__ = ("_head", "_jwk", "_sign", "thumbprint")

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        """Take a private JWK that says its `alg`. Raises ValueError, with no part of it in the message, for another."""
        self._jwk = dict(jwk)
        self.thumbprint: str = ""
        del jwk  # the frame of an exception would show it
        curve = ALGORITHMS.get(str(self._jwk.get("alg")))
        fits = curve is not None and (self._jwk.get("kty"), self._jwk.get("crv")) == ("EC", curve)
        if not fits or not all(isinstance(self._jwk.get(name), str) for name in (*_PUBLIC, "d")):
            message = "it is no private key that proofs are signed with"
            raise ValueError(message)
        shown = {name: self._jwk[name] for name in _PUBLIC}
        self.thumbprint = digest(_json(shown))
        self._head = _part(_json({"alg": self._jwk["alg"], "jwk": shown, "typ": "dpop+jwt"}))
        self._sign: Callable[[bytes], bytes] | None = None

    @classmethod
    def new(cls, alg: str = "ES256") -> ProofKey:
        """Make a key. Raises ValueError for an algorithm that is not known."""
        from joserfc.jwk import ECKey  # noqa: PLC0415  slow to import, needed by few

        if alg not in ALGORITHMS:
            message = f"alg is one of {', '.join(ALGORITHMS)}"
            raise ValueError(message)
        return cls({**ECKey.generate_key(ALGORITHMS[alg]).as_dict(private=True), "alg": alg})

    def __repr__(self) -> str:
        return f"<ProofKey {self.thumbprint}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProofKey) and self._jwk == other._jwk

    def __hash__(self) -> int:
        return hash(self.thumbprint)

    @property
    def alg(self) -> str:
        """What proofs are signed with."""
        return str(self._jwk["alg"])

    def jwk(self) -> dict[str, Any]:
        """Return the private key as it is kept: a secret."""
        return dict(self._jwk)

    def proof(self, method: str, url: str, *, at: float, ath: str | None = None, nonce: str | None = None) -> str:
        """Return the proof for one request at `at` (POSIX seconds by the server's clock).

        `url` is without query and fragment; `ath` names the token that goes with it, and `nonce` is the server's.
        Raises ValueError if the key cannot sign.
        """
        claims: dict[str, object] = {
            "jti": _part(os.urandom(_ENTROPY)),
            "htm": method,
            "htu": url,
            "iat": int(at),
        }
        if ath is not None:
            claims["ath"] = ath
        if nonce is not None:
            claims["nonce"] = nonce
        signed = f"{self._head}.{_part(_json(claims))}"
        return f"{signed}.{_part(self._signature(signed.encode()))}"

    def _signature(self, text: bytes) -> bytes:
        if self._sign is None:
            self._sign = _signer(self)
        return self._sign(text)


def _signer(key: ProofKey) -> Callable[[bytes], bytes]:
    """Return what signs; the library's own function for a whole JWT takes twice as long for the same text."""
    from joserfc.jwk import ECKey  # noqa: PLC0415  slow to import, needed by few
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    try:
        imported = ECKey.import_key(key.jwk())
        imported.get_op_key("sign")
    except Exception:  # noqa: BLE001  whatever the parser raises may quote the key
        message = "the private key that the token is bound to cannot sign"
        raise_alone(ValueError(message))
    algorithm = JWSRegistry.algorithms[key.alg]
    return lambda text: algorithm.sign(text, imported)


def digest(data: bytes) -> str:
    """Return the SHA-256 as RFC 9449 writes it."""
    return _part(hashlib.sha256(data).digest())


def _json(members: Mapping[str, object]) -> bytes:
    return _ENCODER.encode(members).encode()


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
