"""Which answers of an API mean "renew": `renew_on=` of the middleware (law B3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError

from aio_token._edge.ahead import Ahead, TooLong
from aio_token._edge.challenge import asks_for_renewal, errors_of
from aio_token._edge.evidence import Archive, Sent
from aio_token._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from aiohttp import ClientRequest, ClientResponse

    from aio_token._edge.challenge import Challenge
    from aio_token._token import Token

    Predicate = Callable[[ClientResponse], bool | Awaitable[bool]]

UNAUTHORIZED = 401
_FORBIDDEN = 403
_OF_THE_PROOF = ("use_dpop_nonce", "invalid_dpop_proof")  # RFC 9449: the token may be as good as ever
_NO_TOKEN_HELPS = frozenset({"insufficient_scope", "invalid_request", *_OF_THE_PROOF})
_PATIENCE = 0.25  # seconds that a predicate may take

_logger = logging.getLogger("aio_token")


class Policy:
    """The default: a 401 that a new token may satisfy, and a 403 that says in so many words that the token is dead.

    An answer with a status below `looks_from` is not looked at. `compares` tells that `sending` is to be called.
    """

    looks_from = UNAUTHORIZED
    compares = False

    def sending(self, sent: Sent, request: ClientRequest) -> None:
        """Note that a request goes out, if it is made known what its answer tells about others."""

    async def means_renew(
        self,
        response: ClientResponse,
        challenges: Sequence[Challenge],
        sent: Token | Sent,  # noqa: ARG002  one who compares answers wants to know
        *,
        is_due: bool,  # noqa: ARG002
    ) -> bool:
        """Whether the answer to `sent` means that; `is_due` tells that the token is renewed in any case."""
        if response.status == _FORBIDDEN:
            return "invalid_token" in errors_of(challenges)
        return response.status == UNAUTHORIZED and asks_for_renewal(challenges)


class ByPredicate(Policy):
    """A function of the response decides, whatever the status."""

    looks_from = 0

    def __init__(self, predicate: Predicate) -> None:
        self._predicate = predicate

    async def means_renew(
        self,
        response: ClientResponse,
        challenges: Sequence[Challenge],
        sent: Token | Sent,  # noqa: ARG002  it reads the response itself
        *,
        is_due: bool,  # noqa: ARG002
    ) -> bool:
        """Ask the function. What it reads stays there to be read; a body too long or too slow for it means no."""
        if not set(errors_of(challenges)).isdisjoint(_OF_THE_PROOF):
            return False
        try:
            with Ahead(response):
                answer = self._predicate(response)
                if isawaitable(answer):
                    async with asyncio.timeout(_PATIENCE):
                        answer = await answer
        except (TooLong, TimeoutError):
            return False
        except Exception:  # a caller who gets no response has less than one who gets what the API said
            _logger.exception("renew_on failed on an answer of %s", response.url.origin())
            return False
        return bool(answer)


class ByStatus(Policy):
    """These statuses mean it, unless the answer says that a token would be of no help.

    A 401 says that the credentials are at fault. Another status may be about the page, so an answer that does not name
    the token is compared with others.
    """

    def __init__(self, statuses: Iterable[int]) -> None:
        self._statuses = frozenset(statuses)
        self._archive = Archive()
        self.compares = self._statuses != {UNAUTHORIZED}
        self.looks_from = 0 if self.compares else UNAUTHORIZED

    def sending(self, sent: Sent, request: ClientRequest) -> None:
        """Number the request among those of its origin."""
        self._archive.of(request.url).sends(sent, request)

    async def means_renew(
        self, response: ClientResponse, challenges: Sequence[Challenge], sent: Token | Sent, *, is_due: bool
    ) -> bool:
        """Ask the status, then the challenge, then the other requests."""
        if isinstance(sent, Sent):
            sent.got(response)
        errors = errors_of(challenges)
        if response.status not in self._statuses or not _NO_TOKEN_HELPS.isdisjoint(errors):
            return False
        if response.status == UNAUTHORIZED or errors or is_due:
            return True
        await _come_in(response)  # requests that are waited for may need its connection
        return not isinstance(sent, Sent) or await sent.is_spoken_against()


async def _come_in(response: ClientResponse) -> None:
    """Have the beginning of a body come in; if that is all of it, its connection is free."""
    with suppress(TooLong, TimeoutError, ClientError), Ahead(response) as ahead:
        async with asyncio.timeout(_PATIENCE):
            await ahead.read()


def policy_of(renew_on: Any) -> Policy:  # noqa: ANN401  it is judged here
    """Return the policy. Raises `ConfigurationError` for what is none."""
    if renew_on is None:
        return Policy()
    if callable(renew_on):
        return ByPredicate(renew_on)
    if isinstance(renew_on, Collection) and renew_on and all(_is_status(each) for each in renew_on):
        return ByStatus(renew_on)
    message = "renew_on takes statuses such as {401, 403}, or a function of a response that says whether to renew"
    raise ConfigurationError(message)


def _is_status(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
