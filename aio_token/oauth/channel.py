"""How one client speaks to the endpoints of one server: the form written, signed, sent, and its answer read."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aio_token._bound.nonces import Nonces
from aio_token.oauth.answer import Answer
from aio_token.oauth.dpop import DPoP, Prover
from aio_token.oauth.form import Request
from aio_token.oauth.sending import send
from aio_token.oauth.signer import Signer
from aio_token.oauth.skew import Skew
from aio_token.oauth.url import origin_of, without_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token._bound.key import ProofKey
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

    `audience` is whom a client's JWT is meant for, and `dpop` says whether tokens are to be bound to a key.
    """

    __slots__ = ("_audience", "_clock", "_dialect", "_nonces", "_skew", "_transport", "addresses", "client", "dpop")

    def __init__(
        self,
        addresses: Addresses,
        client: ClientAuthentication,
        audience: str,
        dialect: Dialect,
        transport: Transport,
        clock: Clock,
        *,
        dpop: DPoP | None,
    ) -> None:
        self.addresses: Addresses = addresses
        self.client: ClientAuthentication = client
        self._audience = audience
        self._dialect = dialect
        self._transport = transport
        self._clock = clock
        self._skew = Skew()
        self.dpop: DPoP | None = dpop
        self._nonces = Nonces()

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
        key: ProofKey | None = None,
    ) -> Answer:
        """Send the form to the `name` endpoint and return the answer, be it an error.

        `grant_type` is that of a token request, `repeatable` whether it may be sent once more after a dropped
        connection, `extra` what is known of the account, and `key` what its tokens are bound to so far. Raises
        `ServerUnavailable` if no answer comes, and `ConfigurationError` if the request cannot be made.
        """
        url = self._dialect.at_home(self.addresses.asked_at(name), extra)
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
        signer = Signer(self.client, self._audience, self.server_time, dialect, self._prover(grant_type, key))
        tells_time = bool(grant_type) or name in _ASKED_FIRST
        answer, is_wanted_again = await self._asked(request, signer, grant_type, tells_time=tells_time)
        if is_wanted_again:
            answer, _ = await self._asked(request, signer, grant_type, tells_time=tells_time)
        return answer

    def _prover(self, grant_type: str, key: ProofKey | None) -> Prover | None:
        """Return what proves the key: a session that is bound to one stays so, whatever is wanted of new ones."""
        if not grant_type or (key is None and self.dpop is None):
            return None
        dpop = self.dpop or DPoP()
        return Prover(key or dpop.new_key(), self._nonces, required=dpop.required)

    async def _asked(
        self, request: Request, signer: Signer, grant_type: str, *, tells_time: bool
    ) -> tuple[Answer, bool]:
        """Return the answer, and whether the same request is taken now that it has come, with other proofs.

        The client's may have been dead on arrival, by the server's clock, or that of its key may lack a nonce. A client
        that is not taken at its word has spent nothing.
        """
        asked_at = self._clock.time()  # before anything that takes time: a token never outlives what is noted (law D4)
        prover = signer.prover
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
            key=prover.key if prover is not None else None,
            takes_bearer=prover is None or not prover.required,
        )
        wants_proof = prover is not None and prover.is_wanted_again(
            request.url, reply.headers, answer.error, has_learnt=has_learnt
        )
        wants_assertion = has_learnt and signer.has_asserted and answer.error == "invalid_client"
        return answer, wants_proof or wants_assertion
