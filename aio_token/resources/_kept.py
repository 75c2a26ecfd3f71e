"""A registration in the record of the session that came of it: both are kept, shared and encrypted alike.

Theory of operation. A refresh token is worth nothing without the client that it was issued to, so the two are one
record. Whoever finds no registration there makes one under the store's lock, after it has read again: however many
processes begin at once, the program is registered once. From then on a store of this module stands before the store
itself: what is saved has the registration with it, and what is loaded comes without, so that nothing else knows of it.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError
from aio_token._lens.beside import member, with_member
from aio_token._lens.view import View
from aio_token._limits import read, save, waiting_for_the_lock
from aio_token.oauth.server_text import quoted
from aio_token.resources._registration import Registration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token._clock import Clock
    from aio_token._interfaces import TokenStore
    from aio_token._limits import Limits

_MEMBER = "registration"
_logger = logging.getLogger("aio_token")


async def kept_registration(
    store: TokenStore, issuer: str, make: Callable[[], Awaitable[Registration]], limits: Limits, clock: Clock
) -> Registration:
    """Return the registration in the store's record, which is made and kept first if there is none.

    One whose secret has ended is replaced, and the session that it had goes with it. Raises what `make` raises,
    `ConfigurationError` if the store holds what belongs to another server or client, and `StoreError`.
    """
    found = _registration(await read(store, store, limits))
    if found is not None and found.issuer == issuer and found.counts(clock.time()):
        return found
    async with AsyncExitStack() as stack:
        async with waiting_for_the_lock(store, limits):
            slot = await stack.enter_async_context(store.exclusive())
        record = await read(slot, store, limits)
        found = _registration(record)
        if found is not None and found.issuer == issuer and found.counts(clock.time()):
            return found
        _refuse_what_is_anothers(record, found, issuer, store)
        made = await make()
        failure = await save(slot.save(_with(_begun_anew(record), made)), store, limits)
        if failure is not None:
            raise failure
        _logger.info("registered at %s as the client %s", issuer, quoted(made.client_id))
        return made


def _refuse_what_is_anothers(
    record: Credential | None, found: Registration | None, issuer: str, store: TokenStore
) -> None:
    """Raise `ConfigurationError` for a session, or a registration, that a new one would take the place of (law E4)."""
    if found is not None and found.issuer != issuer:
        what = f"a registration at {found.issuer}"
    elif found is None and record is not None and record.issued_by is not None and not record.is_trouble_alone:
        what = "a session of another client"
    else:
        return
    message = f"{store!r} holds {what}, and is left as it is; use another store, or sign out there first"
    raise ConfigurationError(message)


def _begun_anew(record: Credential | None) -> Credential:
    """Return a record without a session, which is newer than the one before, and knows what was spent (law E6)."""
    if record is None:
        return Credential()
    return Credential(generation=record.generation + 1, first=record.first, spent=record.ended)


def _registration(record: Credential | None) -> Registration | None:
    return Registration.of(member(record, _MEMBER))


def _with(record: Credential, registration: Registration) -> Credential:
    return with_member(record, _MEMBER, registration.kept())


class RegisteredStore(View):
    """A store whose record has the registration in it, in the sight of a repository, which knows nothing of it.

    It goes with the session when that is deleted.
    """

    __slots__ = ("_registration",)

    def __init__(self, store: TokenStore, registration: Registration) -> None:
        super().__init__(store)
        self._registration = registration

    def seen(self, record: Credential | None) -> Credential | None:
        """Return the session, None if nothing else is in the record."""
        if record is None or record.is_tombstone:
            return record
        seen = with_member(record, _MEMBER, None)
        return None if seen == Credential() else seen

    def written(self, record: Credential | None, seen: Credential) -> Credential:
        """Return the session with the registration."""
        del record  # the registration is the only thing that is not seen
        return _with(seen, self._registration)
