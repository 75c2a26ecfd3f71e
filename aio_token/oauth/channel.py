"""How one client speaks to the endpoints of one server: the form written, signed, sent, and its answer read."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aio_token.oauth.answer import Answer
from aio_token.oauth.form import Request
from aio_token.oauth.sending import send
from aio_token.oauth.signer import Signer
from aio_token.oauth.skew import Skew
from aio_token.oauth.url import origin_of, without_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token._clock import Clock
    from aio_token.oauth.addresses import Addresses
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.dialect import Dialect
    from aio_token.oauth.form import Form
    from aio_token.oauth.transport import Transport

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""What is known of an account of which nothing is known."""

_ASKED_FIRST = frozenset({"device authorization", "pushed authorization request"})
"""Endpoints at which a client proves itself before the token endpoint has told the time; others may be elsewhere."""

_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


class Channel:
    """Asks a server's endpoints as `client`, and learns the server's clock from answers (law D14).

    `audience` is whom a client's JWT is meant for.
    """

    __slots__ = ("_audience", "_clock", "_dialect", "_skew", "_transport", "addresses", "client")

    def __init__(
        self,
        addresses: Addresses,
        client: ClientAuthentication,
        audience: str,
        dialect: Dialect,
        transport: Transport,
        clock: Clock,
    ) -> None:
        self.addresses: Addresses = addresses
        self.client: ClientAuthentication = client
        self._audience = audience
        self._dialect = dialect
        self._transport = transport
        self._clock = clock
        self._skew = Skew()

    def server_time(self) -> float:
        """Return POSIX seconds by the server's clock, as far as its answers have told it (law D14)."""
        return self._clock.time() + self._skew.seconds

    async def ask(
        self,
        name: str,
        form: Form,
        *,
        grant_type: str = "",
        repeatable: bool = True,
        extra: Mapping[str, Any] = NOTHING,
    ) -> Answer:
        """Send the form to the `name` endpoint and return the answer, be it an error.

        `grant_type` is that of a token request, `repeatable` whether it may be sent once more after a dropped
        connection, and `extra` what is known of the account. Raises `ServerUnavailable` if no answer comes, and
        `ConfigurationError` if the request cannot be made.
        """
        url = self._dialect.at_home(self.addresses.of(name), extra)
        to = f"the {name} endpoint of {origin_of(url)}"
        request = Request(
            to=to,
            url=url,
            headers=_HEADERS,
            body=form.written_for(to),
            secrets=form.secrets,
            repeatable=repeatable,
        )
        dialect = self._dialect if grant_type else self._dialect.without_functions()
        signer = Signer(self.client, self._audience, self.server_time, dialect)
        tells_time = bool(grant_type) or name in _ASKED_FIRST
        answer, has_learnt = await self._asked(request, signer, grant_type, tells_time=tells_time)
        if has_learnt and signer.has_asserted and answer.error == "invalid_client":
            # The assertion may have been dead on arrival. A client that is not taken at its word has spent nothing.
            answer, _ = await self._asked(request, signer, grant_type, tells_time=tells_time)
        return answer

    async def _asked(
        self, request: Request, signer: Signer, grant_type: str, *, tells_time: bool
    ) -> tuple[Answer, bool]:
        """Return the answer, and whether the server's clock was learnt from it."""
        asked_at = self._clock.time()  # before anything that takes time: a token never outlives what is noted (law D4)
        reply = await send(request, self._transport, sign=signer)
        now = self._clock.time()
        date = reply.headers.get("Date", "")
        has_learnt = tells_time and self._skew.learn(date, asked_at=asked_at, now=now)
        answer = Answer(
            to=request.to,
            address=without_query(request.url),
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            asked_at=asked_at,
            now=now,
            grant_type=grant_type,
            secrets=signer.secrets,
            dialect=signer.dialect,
            ahead=self._skew.seconds,
        )
        return answer, has_learnt
