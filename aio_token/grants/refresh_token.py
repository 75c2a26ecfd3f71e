"""The refresh token grant (RFC 6749 section 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aio_token._credential import Credential, Rescued
from aio_token._errors import ConfigurationError, GrantRefused, SignInRequired
from aio_token._ground.public import public
from aio_token._token import fingerprint
from aio_token._wish import NO_WISH
from aio_token.grants._again import asked_again_over_a_blip
from aio_token.grants._wish import sign_in_wanted, written
from aio_token.oauth.arguments import check_endpoint, check_scope, check_secret, judged
from aio_token.oauth.details import details_text
from aio_token.oauth.form import Form
from aio_token.oauth.secret import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token._bound.key import ProofKey
    from aio_token._credential import IssuedBy
    from aio_token._wish import Wish
    from aio_token.oauth.answer import Answer
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.secret import Revealed, Secret


@public
@judged
class RefreshTokenGrant:
    """Presents the stored refresh token and keeps the one that comes back.

    `first` is a refresh token to begin with, or a function that returns it. What is stored since then wins over it,
    until the server has refused what is stored, or it has expired: a `first` that differs from it is a new chance then.
    So a changed `first` in the environment takes effect when it is needed, or after a sign-out.

    `scope` asks for less than was granted; leave it out otherwise, since some servers narrow the refresh token with it.
    So do `authorization_details` (RFC 9396).
    """

    def __init__(
        self,
        endpoint: TokenEndpoint,
        *,
        first: Secret | None = None,
        scope: str | None = None,
        authorization_details: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        check_endpoint(endpoint)
        if first is not None:
            check_secret("the first refresh token", first)
        check_scope(scope)
        self._endpoint = endpoint
        self._first = first
        self._scope = scope
        self._less = Form(scope=scope, authorization_details=details_text(authorization_details))
        self._end: tuple[str, float] | None = None  # of the newest refresh token: its name, and when, monotonic

    def __repr__(self) -> str:
        return f"RefreshTokenGrant({self._endpoint!r}, scope={self._scope!r})"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client and the scope; None for the scope takes any."""
        return self._endpoint.issued_by(scope=self._scope)

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Exchange the refresh token for a new token; a scope that is wished comes before the grant's own.

        The credential still says what the session was granted for: a wish is about this token alone.

        Raises `SignInRequired` without a refresh token that may work, or for a wish that only a person can meet: none
        is spent for that. Raises `GrantRefused` once the server has said no (it is not asked again then, law E1), and
        `ConfigurationError` for a credential of another endpoint, client or scope.
        """
        self._check(credential)
        if wanted := sign_in_wanted(wish):
            message = f"{wanted}; sign in again that way"
            raise SignInRequired(message)
        held = await self._presentable(credential)
        form = Form(refresh_token=held.refresh_token).over(written(wish)).over(self._less)
        known = held.token.extra if held.token is not None else {}
        key = held.dpop_key or held.spending_key
        # A server that fails for a while is asked once each time: the pauses between are counted in requests (law D8).

        async def ask() -> Answer:
            first_try = not held.failures
            return await self._endpoint.request("refresh_token", form, repeatable=first_try, extra=known, key=key)

        answer = await (asked_again_over_a_blip(ask, held) if held.reusable else ask())
        try:
            new = answer.credential(held)
        except GrantRefused as error:
            if credential is not None and credential.refresh_token == held.refresh_token:
                raise
            refusal = error
        else:
            self._note_the_end_of(new)
            return replace(new, reusable=new.refresh_token == held.refresh_token)
        # It was `first` that was refused. The store does not hold it, so nothing there can be marked: keep it, marked.
        raise Rescued(replace(held, refused=fingerprint(held.refresh_token or "")), refusal)

    @property
    def rotation_grace(self) -> float:
        """For how many seconds the server takes a spent refresh token once more."""
        return self._endpoint.rotation_grace

    @property
    def revocation_ends_grant(self) -> bool:
        """Whether the server ends all sessions of a person and this client with one refresh token."""
        return self._endpoint.revocation_ends_grant

    def spends(self, credential: Credential | None) -> bool:
        """Whether a refresh token would be presented that may be single-use (law F8)."""
        if credential is not None and self._hopeless(credential) is None:
            return not credential.reusable or (self._first is not None and self._seems_to_have_ended(credential))
        return self._first is not None

    def new_key(self) -> ProofKey | None:
        """Return a key for a session that is bound to none yet, None where tokens are not to be bound (RFC 9449)."""
        dpop = self._endpoint.dpop
        return None if dpop is None else dpop.new_key()

    def _of_another_session(self) -> RefreshTokenGrant:
        """Return the grant of a session that a person begins: it has no `first`, and the scope that it comes with."""
        return RefreshTokenGrant(self._endpoint)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of what the client proves itself with."""
        return await self._endpoint.fingerprint(salt)

    async def revoke(self, credential: Credential) -> None:
        """Revoke the refresh token, or the access token where there is none. Raises `TokenError`."""
        await self._endpoint.revoke(credential)

    def _check(self, credential: Credential | None) -> None:
        self._endpoint.check_issued_here(credential)
        issued_by = credential.issued_by if credential is not None and not credential.is_trouble_alone else None
        if issued_by is not None and not self.issued_by.covers(issued_by):
            message = "the stored credential was granted for another scope; restore that scope, or sign in again"
            raise ConfigurationError(message)

    async def _presentable(self, credential: Credential | None) -> Credential:
        """Return the credential with the refresh token to present: the stored one, or `first` if that has no chance."""
        stored = credential or Credential()
        hopeless = self._hopeless(stored)
        if hopeless is None and not self._seems_to_have_ended(stored):
            known = stored if stored.issued_by else replace(stored, issued_by=self.issued_by)
            begins = self._first is not None and self._first == stored.refresh_token
            return replace(known, first=fingerprint(stored.refresh_token or "")) if begins else known
        first = await self._unspent_first(stored)
        if first is not None:
            return replace(
                stored,
                refresh_token=first.value,
                first=fingerprint(first.value),
                reusable=False,
                refresh_expires_at=None,
                refresh_not_before=None,
                issued_by=self.issued_by,
                refused=None,
                removed_until=None,
            )
        if hopeless is not None:
            raise hopeless
        return stored

    async def _unspent_first(self, stored: Credential) -> Revealed[str] | None:
        """Return `first`, unless it was presented before: it stays where it came from (law E6)."""
        if self._first is None:
            return None
        first = await reveal(self._first, "the first refresh token")
        is_spent = fingerprint(first.value) in stored.begun_with or first.value == stored.refresh_token
        return None if is_spent else first

    def _hopeless(self, stored: Credential) -> SignInRequired | None:
        """Say why the stored refresh token need not be presented, None if it should be."""
        if not stored.refresh_token:
            return SignInRequired("there is no refresh token; sign in")
        if stored.is_refused:
            return GrantRefused(stored.refusal)
        if self._ended_by(stored) is not None and self._seems_to_have_ended(stored):
            return SignInRequired("the refresh token has expired; sign in again")
        return None

    def _seems_to_have_ended(self, stored: Credential) -> bool:
        """Whether the clocks that know of it say that the refresh token has ended.

        The wall clock alone may have been set forward: what it says of a token that another process was given is tried
        once at the server, which is then believed (law D12).
        """
        clock, ends, known = self._endpoint.clock, stored.refresh_expires_at, self._ended_by(stored)
        return ends is not None and ends <= clock.time() and (known is None or known <= clock.monotonic())

    def _ended_by(self, stored: Credential) -> float | None:
        """Return the end of a refresh token that this process was given, by the monotonic clock."""
        if self._end is None or stored.refresh_token is None or self._end[0] != fingerprint(stored.refresh_token):
            return None
        return self._end[1]

    def _note_the_end_of(self, new: Credential) -> None:
        clock, ends = self._endpoint.clock, new.refresh_expires_at
        if new.refresh_token is not None and ends is not None:
            self._end = (fingerprint(new.refresh_token), clock.monotonic() + ends - clock.time())
