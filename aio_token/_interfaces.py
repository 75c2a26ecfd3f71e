"""The seams: what a token comes from, how it is obtained, where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aio_token._errors import TokenError
from aio_token._ground.public import public, public_in

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from aio_token._credential import Credential, IssuedBy
    from aio_token._token import Token
    from aio_token._wish import Rejection, Wish


@public
class TokenSource(Protocol):
    """Supplies a token."""

    async def token(self, *, rejected: Rejection | None = None, min_valid_for: float = 0.0) -> Token:
        """Return a usable token other than the `rejected` one, good for `min_valid_for` seconds where possible.

        A source that has nothing better may return the rejected token again. Raises `TokenError`.
        """
        ...


@public
@runtime_checkable
class AtHand(Protocol):
    """A source that can tell without waiting whether its token is good as it is.

    It spares every request a coroutine; the middleware asks it before `token()`.
    """

    def token_at_hand(self) -> Token | None:
        """Return the token, or None if `token()` has to be awaited. Does no I/O, starts nothing, raises nothing."""
        ...


@public
class Grant(Protocol):
    """A way to obtain a token from an authorization server (RFC 6749 section 1.3)."""

    @property
    def issued_by(self) -> IssuedBy | None:
        """What the grant's credentials carry; None: it takes any stored credential for its own."""
        ...

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Return a new credential as `wish` wants it, made from the one that is kept so far if that helps.

        Whoever calls holds the store's lock and saves the answer. Raises `TokenError`: `SignInRequired` if only a
        person can help, `GrantRefused` if the server said so, `Rescued` if a refresh token came with nothing usable.
        """
        ...


@public_in("grants")
@runtime_checkable
class Interactive(Protocol):
    """A grant that a person has a part in. `obtain` is for those who want both parts in one, and can lose the second.

    A repository runs them apart: it waits for the person without any lock, and can stop waiting; what comes of that is
    redeemed under the store's lock, and nothing cancels it.
    """

    async def invite(self, wish: Wish) -> Grant:
        """Wait for the person, and return the grant that redeems what they brought back, such as a code.

        It spends nothing, so that it may be cancelled at any moment. Raises `TokenError`, such as `SignInRequired` if
        the person declines or does not come.
        """
        ...


@public_in("grants")
class StillPending(TokenError):
    """What the person brought cannot be redeemed yet: the person has not agreed, and may still do.

    Raised by the `obtain` of a grant that `invite` returned; `part` is what is to be waited for next.
    """

    def __init__(self, part: Interactive) -> None:
        super().__init__("the person has not signed in yet")
        self.part = part


@public_in("grants")
@runtime_checkable
class Revocable(Protocol):
    """A grant whose credentials can be revoked at the server.

    A `revocation_ends_grant` that is true, if it has one, says that the server ends other sessions of this person and
    this client with it. A session that a sign-in replaced is left alone then.
    """

    async def revoke(self, credential: Credential) -> None:
        """Revoke the refresh token (RFC 7009), or the access token where there is none. Raises `TokenError`."""
        ...


@public_in("grants")
@runtime_checkable
class Standalone(Protocol):
    """A grant that needs nothing stored, such as a service's own: it goes on while the store is down.

    Its tokens are stored all the same, if they can be, so that processes share them.
    """

    @property
    def needs_nothing_stored(self) -> bool:
        """Whether that is so."""
        ...


@public_in("grants")
@runtime_checkable
class Spending(Protocol):
    """A grant that presents something that servers take only once, and give a successor for."""

    def spends(self, credential: Credential | None) -> bool:
        """Whether `obtain` would present such a thing now. Does no I/O.

        The store then has to show first that it can keep the successor. A `rotation_grace`, if the grant has one, is
        for how many seconds the thing is taken once more after that. A method `new_key`, if it has one, returns the key
        that a session without any is to be bound to (RFC 9449): it is kept as well, as `Credential.spending_key`.
        """
        ...


@public_in("grants")
@runtime_checkable
class Fingerprinting(Protocol):
    """A grant, or a client authentication, that can tell whether it proves itself with the same as before.

    What a server refused is asked again at once when that has changed: a corrected secret has to wait for nothing.
    """

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest, keyed with the salt, of what is presented each time: ids, secrets, passwords, keys.

        Not of what is made anew for each request, such as an assertion. Raises `TokenError` if it cannot be read.
        """
        ...


@public
class TokenStore(Protocol):
    """Keeps one credential.

    `may_lose` tells whether what was saved may be gone later though it was not removed, as after a fail-over of a
    replicated store.
    """

    @property
    def may_lose(self) -> bool:
        """Whether a write that was confirmed may be lost."""
        ...

    async def load(self) -> Credential | None:
        """Return what is kept, without waiting for any holder of `exclusive`. Raises `StoreError`."""
        ...

    def exclusive(self) -> AbstractAsyncContextManager[Slot]:
        """Exclude every other holder, in any task, process or host, while held.

        Waits as long as it takes: the repository bounds the wait by cancelling it. Raises `StoreError`.
        """
        ...


@public
class Slot(Protocol):
    """A store that is held.

    Where holds are leases, one may be lost before its time. Then `lasts` is 0, and a save goes through only over what
    this holder has read: an answer of the server that is in hand is not thrown away.
    """

    @property
    def lasts(self) -> float | None:
        """For how many seconds more no one else can hold the store; None: for as long as this slot is held."""
        ...

    async def load(self) -> Credential | None:
        """Return what is kept. Raises `StoreError`."""
        ...

    async def save(self, credential: Credential) -> None:
        """Keep the credential, wholly or not at all; durable when it returns.

        Raises `Superseded` if another holder has written since this slot last read, and `StoreError`.
        """
        ...

    async def delete(self) -> None:
        """Keep nothing but what `Credential.tombstone` of the credential says, which is loaded like any other.

        Deleting nothing is no error. Raises `StoreError`.
        """
        ...


@public_in("stores")
@runtime_checkable
class Probing(Protocol):
    """A store that can tell beforehand whether it would keep a credential."""

    async def probe(self) -> None:
        """Find out whether a credential could be kept now: directory, lock and key. Raises `StoreError`."""
        ...
