"""What is adopted and what is spent: decided by values alone, so that it can be read and tried without a store."""

from __future__ import annotations

from aio_token._errors import ConfigurationError
from aio_token._ground import TYPE_CHECKING
from aio_token._ground.value import Value, replace
from aio_token._token import fingerprint

if TYPE_CHECKING:
    from typing import Any

    from aio_token._credential import Credential, IssuedBy
    from aio_token._interfaces import Grant
    from aio_token._token import Token

_REMEMBERED_SAVES = 8
_REMEMBERED_TOKENS = 50


class Lineage(Value):
    """What this process knows of a credential's history, beside the credential itself.

    `stored` is what the store held when it was last read or written, once it is `known`. `tried` are credentials whose
    save failed or was given up: it may land late. `spent` are fingerprints of refresh tokens whose successor this
    process has held. `lost` tells that the store has lost what it held, and was not written again since.
    """

    known: bool = False
    stored: Credential | None = None
    tried: tuple[Credential, ...] = ()
    spent: tuple[str, ...] = ()
    lost: bool = False

    def adopts(self, found: Credential | None, ours: Credential | None, *, may_lose: bool = False) -> bool:
        """Whether what was found in the store replaces what we hold: another process wrote it, and later (law C8).

        After a failed save the store still holds the credential before ours, and a save that was given up may land at
        any time. Marks of trouble that another process put on a spent credential make it no newer, and neither does a
        backup that was restored. What is gone was removed, unless the store may lose it (law F9).
        """
        if self.known and (found == self.stored or found in self.tried):
            return False
        if found is None:
            return not (may_lose and self.known)
        if found.refresh_token is not None and fingerprint(found.refresh_token) in self.spent:
            return False
        if ours is not None and not found.is_tombstone and ours.refresh_token == found.refresh_token:
            return _was_obtained_later(found, ours)
        return not is_older(found, ours)

    def has_lost(self, found: Credential | None, ours: Credential | None) -> bool:
        """Whether the store has lost ours, where what it holds is not adopted: it is gone, or older (law F9).

        An older record shows it of any store: a backup was restored.
        """
        if not self.known or ours is None or found == self.stored or found in self.tried:
            return self.lost
        return found is None or is_older(found, ours)

    def may_cost(self, ours: Credential | None) -> bool:
        """Whether who reads the store now would present a refresh token whose successor is ours alone (law J4)."""
        stored = self.stored
        if stored is None or stored.spending_since is None or ours is None or not ours.refresh_token:
            return False
        return ours.refresh_token != stored.refresh_token

    def found(self, stored: Credential | None, *, lost: bool = False) -> Lineage:
        """Note what the store holds."""
        return replace(self, known=True, stored=stored, lost=lost)

    def trying(self, credential: Credential) -> Lineage:
        """Note that a save begins."""
        others = [one for one in self.tried if one != credential]
        return replace(self, tried=(*others[1 - _REMEMBERED_SAVES :], credential))

    def saved(self, credential: Credential) -> Lineage:
        """Note that the store holds the credential."""
        others = tuple(one for one in self.tried if one != credential)
        return replace(self, known=True, stored=credential, tried=others, lost=False)

    def succeeded(self, old: Credential | None, new: Credential | None) -> Lineage:
        """Note that `new` takes the place of `old`, whose refresh token is spent if another one came."""
        if old is None or new is None or not old.refresh_token or not new.refresh_token:
            return self
        if old.refresh_token == new.refresh_token:
            return self
        alive = fingerprint(new.refresh_token)
        others = [one for one in self.spent if one != alive]
        return replace(self, spent=(*others[1 - _REMEMBERED_TOKENS :], fingerprint(old.refresh_token)))


def _was_obtained_later(found: Credential, ours: Credential) -> bool:
    """Whether of two tokens of one refresh token, as servers give that do not rotate, this is the later one (law J1).

    Two machines may share one file, and their clocks need not agree: generations tell, as far as they do.
    """
    if found.generation and ours.generation and found.generation != ours.generation:
        return found.generation > ours.generation
    return (found.obtained_at or 0.0) >= (ours.obtained_at or 0.0)


def is_older(found: Credential, ours: Credential | None) -> bool:
    """Whether a record is from before ours: some records do not say (law F9)."""
    return ours is not None and 0 < found.generation < ours.generation


def succeeding(new: Credential, before: Credential | None, *, now: float) -> Credential:
    """Return a credential as it is to be kept in place of the one before it.

    A session's generation begins with the seconds of `now` and grows by one with each renewal, of which there is at
    most one a second: so what was signed in later is newer, also where the store has lost all that it knew. What was
    begun with is remembered across sessions (law E6).
    """
    known = before.generation if before is not None else 0
    if before is not None and (before.token, before.refresh_token) == (new.token, new.refresh_token):
        generation = max(new.generation, known)  # a mark
    elif known and new.generation == known:
        generation = known + 1
    else:
        generation = max(known + 1, int(now))
    forgotten = [name for name in (before.begun_with if before is not None else ()) if name not in new.begun_with]
    return replace(new, generation=generation, spent=(*forgotten, *new.spent))


def put_back(ours: Credential, *, ended: bool, now: float) -> Credential:
    """Return what is to be written again where the store has lost it (law F9).

    If its token has `ended`, another host may have renewed, and hold a newer refresh token: it gets one more lifetime
    of a token to write that again, before ours is presented.
    """
    token, begins = ours.token, ours.refresh_not_before
    if token is None or token.expires_at is None or not ended or ours.reusable or (begins or 0.0) > now:
        return ours
    lifetime = token.expires_at - (ours.obtained_at or now)
    return replace(ours, refresh_not_before=now + max(lifetime, 0.0))


def belongs(credential: Credential | None, grants: IssuedBy | None) -> bool:
    """Whether the credential may be shown to, and written for, the grant's endpoint and client (law E4)."""
    issued_by = credential.issued_by if credential is not None and not credential.is_trouble_alone else None
    return issued_by is None or grants is None or grants.same_client(issued_by)


def served(credential: Credential | None, grants: IssuedBy | None) -> Token | None:
    """Return the credential's token if the grant would give one like it: for the same scope and audience (law E4)."""
    if credential is None or credential.token is None:
        return None
    issued_by = credential.issued_by
    return credential.token if issued_by is None or grants is None or grants.covers(issued_by) else None


def named(credential: Credential | None) -> dict[str, Any]:
    """Return what events say of a credential: its token's fingerprint and end."""
    token = credential.token if credential is not None else None
    return {"fingerprint": token and token.fingerprint, "expires_at": token and token.expires_at}


def asked(grant: Grant) -> str | None:
    """Return what events say of the server that a grant asks: the origin of its address."""
    issued_by = grant.issued_by
    address = issued_by.token_endpoint.split("/") if issued_by is not None else []
    return "/".join(address[:3]) if address[0:1] in (["https:"], ["http:"]) else None


def refuse_another_client(ours: IssuedBy | None, theirs: IssuedBy | None) -> None:
    """Raise `ConfigurationError` if a sign-in would bring a credential that the repository's grant cannot use."""
    if ours is not None and theirs is not None and not ours.same_client(theirs):
        message = "the sign-in and the repository's grant have different token endpoints or clients; use the same"
        raise ConfigurationError(message)
