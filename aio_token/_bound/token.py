"""A token that counts for nothing without a proof by its key (RFC 9449 section 7)."""

from __future__ import annotations

import time

from aio_token._ground import TYPE_CHECKING
from aio_token._ground.headers import Headers
from aio_token._ground.public import public_in
from aio_token._ground.value import field
from aio_token._token import Token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

    from yarl import URL

    from aio_token._bound.calls import Proofs
    from aio_token._bound.key import ProofKey
    from aio_token._ground.record import Members

_WEB = {"ws": "http", "wss": "https"}


@public_in("oauth")
class DPoPToken(Token):
    """A token of the type DPoP; `key` is the private key that it is bound to. It is never sent as Bearer."""

    type_sent: ClassVar[str] = "DPoP"

    token_type: str = "DPoP"
    key: ProofKey = field(hash=False)
    _proofs: Proofs | None = field(default=None, compare=False, repr=False)

    @property
    def ath(self) -> str:
        """How a proof names the token: by the SHA-256 of its text (RFC 9449 section 4.2)."""
        from aio_token._bound.key import digest  # noqa: PLC0415  brings OpenSSL with it

        return digest(self.access_token.encode())

    def headers(
        self, method: str, url: str | URL, *, nonce: str | None = None, at: float | None = None
    ) -> Mapping[str, str]:
        """Return the two headers of one request with this method to this URL; no other request may have them.

        `nonce` is the one that the server wants, if it wants one, and `at` the time by its clock, in POSIX seconds. A
        token that `TokenRepository.authorized` hands out knows both by itself.
        """
        if self._proofs is not None:
            nonce, at = self._proofs.begin(_origin_of(url), nonce, at)
        now = time.time() if at is None else at
        proof = self.key.proof(method, target(url), at=now, ath=self.ath, nonce=nonce)
        return Headers(Authorization=self.authorization, DPoP=proof)


def target(url: str | URL) -> str:
    """Return a URL as a proof names it (RFC 9449 section 4.2): without query and fragment, a WebSocket's as HTTP."""
    from yarl import URL  # noqa: PLC0415  slow to import, needed by few

    given = URL(url)
    scheme = _WEB.get(given.scheme, given.scheme)
    return f"{scheme}://{given.host_port_subcomponent}{given.raw_path or '/'}"


def _origin_of(url: str | URL) -> str:
    from yarl import URL  # noqa: PLC0415

    return str(URL(target(url)).origin())


def made(kind: str, key: ProofKey | None, **members: Any) -> Token:  # noqa: ANN401  they are the token's
    """Return a token of the type that is said. Raises ValueError for a type that cannot be sent."""
    if key is not None and kind.lower() == "dpop":
        return DPoPToken(**members, key=key)
    return Token(**members, token_type=kind)


def key_in(members: Members | None) -> ProofKey | None:
    """Read a key from a record. Raises ValueError, with no part of it in the message."""
    if members is None:
        return None
    from aio_token._bound.key import ProofKey  # noqa: PLC0415  brings OpenSSL with it

    return ProofKey(members.beside())


def token_in(members: Members, key: ProofKey | None) -> Token:
    """Read a token from a record. Raises ValueError, with no part of it in the message."""
    extra = members.part("extra")
    return made(
        members.text("token_type") or "Bearer",
        key,
        access_token=members.text("access_token") or "",
        expires_at=members.time("expires_at"),
        scope=members.text("scope"),
        extra=extra.beside() if extra else {},
    )
