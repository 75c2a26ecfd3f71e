"""What an authorization server has issued, and what has become of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aio_token.testing.registered_client import RegisteredClient
    from aio_token.testing.rules import Rules

Details = list[Any] | None
"""What a token allows in the words of RFC 9396, None where nothing was asked in them."""

_SIGNING_KEY = secrets.token_bytes(32)


class Answer(dict[str, Any]):
    """The members of a token answer; Authlib logs it, and a log shall hold no token."""

    def __repr__(self) -> str:
        return f"<Answer {', '.join(self)}>"


@dataclass(eq=False, slots=True, repr=False)
class Family:
    """What descends from one sign-in; `key` is the thumbprint of what a public client's refresh tokens are bound to."""

    client_id: str
    user: str | None
    scope: str | None
    audience: str | None
    details: Details = None
    key: str | None = None
    revoked: bool = False
    access_token: AccessToken | None = None

    def check_client(self, client: RegisteredClient) -> bool:
        """Whether the family belongs to this client."""
        return self.client_id == client.client_id


@dataclass(eq=False, slots=True, repr=False)
class AccessToken:
    """An access token that was issued; times are POSIX seconds. `key` is the thumbprint of what it is bound to."""

    text: str
    family: Family
    scope: str | None
    issued_at: float
    expires_at: float
    key: str | None
    revoked: bool = False
    certificate: str | None = None

    def check_client(self, client: RegisteredClient) -> bool:
        """Whether the token was issued to this client."""
        return self.family.check_client(client)

    @property
    def confirmation(self) -> dict[str, object]:
        """What introspection and a JWT say of what the token is bound to (RFC 8705 section 3, RFC 9449 section 6)."""
        to = {"jkt": self.key, "x5t#S256": self.certificate}
        return {"cnf": {name: text for name, text in to.items() if text}} if self.key or self.certificate else {}


@dataclass(eq=False, slots=True, repr=False)
class RefreshToken:
    """A refresh token that was issued; `answer` is what it was spent for."""

    text: str
    family: Family
    expires_at: float | None
    certificate: str | None = None
    spent_at: float | None = None
    answer: Answer | None = None

    def check_client(self, client: RegisteredClient) -> bool:
        """Whether the token was issued to this client."""
        return self.family.check_client(client)

    def get_scope(self) -> str | None:
        """Return the scope that the sign-in gave."""
        return self.family.scope


class Ledger:
    """Issues, rotates and revokes as the rules say, and counts.

    `refreshes` counts refreshes that succeeded, `reused` refresh tokens that were presented after they had been spent,
    `forgiven` those of them that came within the grace window. `key` is the thumbprint of what is proved right now, and
    `shown` that of the certificate that is shown.
    """

    def __init__(self, rules: Rules, issuer: Callable[[], str]) -> None:
        self._rules = rules
        self._issuer = issuer
        self._families: list[Family] = []
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.shown: str | None = None
        self.refreshes: int = 0
        self.reused: int = 0
        self.forgiven: int = 0
        self.key: str | None = None

    def issue(
        self,
        client_id: str,
        user: str | None,
        scope: str | None,
        audience: str | None = None,
        details: Details = None,
        *,
        refreshable: bool,
    ) -> Answer:
        """Begin a family."""
        family = Family(client_id, user, scope, audience, details, self.key)
        self._families.append(family)
        return self._answer(family, scope, details, self._new_refresh_token(family) if refreshable else None)

    def present(self, text: str, client: RegisteredClient) -> RefreshToken | None:
        """Look a refresh token up that a client presents; a spent one revokes its family, unless grace is given."""
        token = self.refresh_tokens.get(text)
        if token is None or not token.check_client(client):
            return None
        if client.allows("none") and (
            token.certificate not in {None, self.shown} or token.family.key not in {None, self.key}
        ):
            return None
        now = self._rules.clock.time()
        if token.spent_at is not None:
            self.reused += 1
            if now - token.spent_at > self._rules.grace or self._rules.grace <= 0:
                token.family.revoked = True
            elif not token.family.revoked:
                self.forgiven += 1
        ended = token.expires_at is not None and token.expires_at <= now
        return None if ended or token.family.revoked else token

    def refresh(self, token: RefreshToken, scope: str | None, details: Details = None) -> Answer:
        """Spend a refresh token that `present` returned."""
        if token.answer is not None:  # within the grace window
            return token.answer
        self.refreshes += 1
        family = token.family
        details = family.details if details is None else details
        if self._rules.revoke_old_access_token and family.access_token:
            family.access_token.revoked = True
        if not self._rules.rotation:
            return self._answer(family, scope, details, token)
        token.spent_at = self._rules.clock.time()
        token.answer = self._answer(family, scope, details, self._new_refresh_token(family))
        return token.answer

    def active(self, text: str) -> AccessToken | None:
        """Look an access token up that still counts."""
        token = self.access_tokens.get(text)
        if token is None or token.revoked or token.family.revoked or token.expires_at <= self._rules.clock.time():
            return None
        return token

    def revoke(self, token: AccessToken | RefreshToken) -> None:
        """Revoke an access token alone, or with a refresh token its family (RFC 7009 section 2.1), or all like it."""
        if isinstance(token, AccessToken):
            token.revoked = True
            return
        token.family.revoked = True
        if self._rules.revocation_ends_grant:
            owner = (token.family.client_id, token.family.user)
            for family in self._families:
                family.revoked |= (family.client_id, family.user) == owner

    def revoke_all(self) -> None:
        """Revoke everything that was issued so far."""
        for family in self._families:
            family.revoked = True

    def revoke_access_tokens(self) -> None:
        """Revoke the access tokens, and leave the refresh tokens."""
        for token in self.access_tokens.values():
            token.revoked = True

    @property
    def expiries(self) -> int:
        """How many of the access tokens have come to the end of their lifetime."""
        now = self._rules.clock.time()
        return sum(token.expires_at <= now for token in self.access_tokens.values())

    def _new_refresh_token(self, family: Family) -> RefreshToken:
        lifetime = self._rules.refresh_lifetime
        expires_at = None if lifetime is None else self._rules.clock.time() + lifetime
        shown = self.shown if self._rules.certificate_bound else None
        token = RefreshToken(f"kit-refresh-{secrets.token_urlsafe(24)}", family, expires_at, shown)
        self.refresh_tokens[token.text] = token
        return token

    def _answer(
        self, family: Family, scope: str | None, details: Details, refresh_token: RefreshToken | None
    ) -> Answer:
        rules, now = self._rules, self._rules.clock.time()
        text = f"kit-access-{secrets.token_urlsafe(24)}"
        token = AccessToken(text, family, scope, now, now + rules.lifetime, self.key)
        token.certificate = self.shown if rules.certificate_bound else None
        text = token.text = self._jwt(token) if rules.jwt else text
        family.access_token = self.access_tokens[text] = token
        kind = "Bearer" if self.key is None else "DPoP"
        answer = Answer(access_token=text, token_type=kind, expires_in=_whole(rules.lifetime))
        if scope is not None:
            answer["scope"] = scope
        if details is not None:
            answer["authorization_details"] = details
        if family.user is not None and "openid" in (scope or family.scope or "").split():
            answer["id_token"] = self._id_token(family, now)
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token.text
            if rules.refresh_lifetime is not None:
                answer["refresh_expires_in"] = _whole(rules.refresh_lifetime)
        return Answer({name: value for name, value in {**answer, **rules.extra}.items() if value is not ...})

    def _jwt(self, token: AccessToken) -> str:
        family, now = token.family, token.issued_at
        claims = {
            "iss": self._issuer(),
            "client_id": family.client_id,
            "sub": family.user or family.client_id,
            "aud": family.audience,
            "scope": token.scope,
            **token.confirmation,
            "iat": int(now),
            "exp": int(now) + self._rules.lifetime,
            "jti": secrets.token_hex(8),
        }
        return _signed({name: value for name, value in claims.items() if value is not None}, "at+jwt")

    def _id_token(self, family: Family, now: float) -> str:
        ends = int(now) + self._rules.lifetime
        members = {"iss": self._issuer(), "sub": family.user, "aud": family.client_id, "iat": int(now), "exp": ends}
        return _signed(members, "JWT")


def _signed(claims: Mapping[str, object], kind: str) -> str:
    head = ".".join(_part(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": kind}, claims))
    return f"{head}.{_part(hmac.digest(_SIGNING_KEY, head.encode(), hashlib.sha256))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _whole(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds
