"""The token endpoint: Authlib writes the request, a session of its own carries it, we read the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aio_token._clock import SYSTEM_CLOCK
from aio_token._credential import IssuedBy
from aio_token._errors import ConfigurationError, ServerUnavailable
from aio_token._public import public
from aio_token.oauth.answer import Answer
from aio_token.oauth.form import Form, Request
from aio_token.oauth.transport import Transport, send
from aio_token.oauth.url import origin_of, problem_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ssl import SSLContext

    from aiohttp import Fingerprint

    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._token import Token
    from aio_token.oauth.client_auth import ClientAuthentication

_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@public
class TokenEndpoint:
    """An authorization server's token endpoint (RFC 6749 section 3.2) as one client sees it.

    The other addresses are those of the endpoints beside it, as far as there are any. `issuer` is the name that an
    authorization response may carry, and has to carry if `names_issuer` (RFC 9207). `Provider` fills all of this in.

    `parameters` go with every token request, for servers that want them; what a grant says itself comes first.
    `ssl` and `proxy` are as aiohttp takes them, `trust_env` takes the proxy from the environment. `timeout` (seconds)
    bounds a request with all its attempts. `send_secrets_over_plain_http` lifts the demand for https, which otherwise
    holds for every machine but this one (law A2). Raises `ConfigurationError` for an address no secret may go to.
    """

    __slots__ = (
        "_addresses",
        "_client",
        "_clock",
        "_parameters",
        "_plain_http",
        "_transport",
        "issuer",
        "names_issuer",
    )

    def __init__(  # noqa: PLR0913  a server has as many sides
        self,
        url: str,
        client: ClientAuthentication,
        *,
        authorization_url: str | None = None,
        device_authorization_url: str | None = None,
        introspection_url: str | None = None,
        revocation_url: str | None = None,
        issuer: str | None = None,
        names_issuer: bool = False,
        ssl: SSLContext | Fingerprint | bool = True,
        proxy: str | None = None,
        trust_env: bool = False,
        timeout: float = 30.0,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        send_secrets_over_plain_http: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._addresses = {
            "token": url,
            "authorization": authorization_url,
            "device authorization": device_authorization_url,
            "introspection": introspection_url,
            "revocation": revocation_url,
        }
        self._client = client
        self._transport = Transport(ssl=ssl, proxy=proxy, trust_env=trust_env, timeout=timeout)
        self._parameters = Form(**(parameters or {}))
        self._plain_http = send_secrets_over_plain_http
        self._clock = clock
        self.issuer: str | None = issuer
        self.names_issuer: bool = names_issuer
        # Whatever is in them, the frame of an exception would show it.
        del url, authorization_url, device_authorization_url, introspection_url, revocation_url, proxy, parameters
        for name, address in self._addresses.items():
            problem = None if address is None and name != "token" else self.problem_with(address or "")
            del address
            if problem is not None:
                message = f"the address of the {name} endpoint {problem}"
                raise ConfigurationError(message)

    def __repr__(self) -> str:
        return f"<TokenEndpoint of {origin_of(self._url)} for {self._client.client_id!r}>"

    @property
    def _url(self) -> str:
        return self._addresses["token"] or ""

    @property
    def client_id(self) -> str:
        """The client's identifier, which is no secret."""
        return self._client.client_id

    @property
    def clock(self) -> Clock:
        """The clock that tokens are timed by."""
        return self._clock

    def problem_with(self, url: str) -> str | None:
        """Tell what keeps an address of this server from being used, None if nothing does (law A2)."""
        return problem_with(url, plain_http=self._plain_http)

    def address(self, name: str) -> str:
        """Return the address of an endpoint beside this one. Raises `ConfigurationError` if none is known."""
        url = self._addresses[name]
        if url is None:
            message = f"no address of the {name} endpoint is known; pass {name.replace(' ', '_')}_url"
            raise ConfigurationError(message)
        return url

    def issued_by(self, *, scope: str | None = None, audience: str | None = None) -> IssuedBy:
        """Return what credentials of this endpoint and client carry."""
        return IssuedBy(token_endpoint=self._url, client_id=self._client.client_id, scope=scope, audience=audience)

    def check_issued_here(self, credential: Credential | None) -> None:
        """Raise `ConfigurationError` if the credential belongs to another endpoint or client (law E4)."""
        issued_by = credential.issued_by if credential is not None else None
        if issued_by is not None and not self.issued_by().same_client(issued_by):
            message = (
                "the stored credential was issued by another token endpoint or to another client and is left as it is; "
                "restore that configuration, or use another store, or sign out first"
            )
            raise ConfigurationError(message)

    async def request(self, grant_type: str, form: Form, *, repeatable: bool = True) -> Answer:
        """Ask for a token (RFC 6749 section 4) and return the answer, be it an error.

        Once more if the connection is dropped, unless `repeatable` is false.
        Raises `ServerUnavailable` if no answer comes, `ConfigurationError` if the request cannot be made.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_token_request  # noqa: PLC0415  slow to import

        form = form.over(self._parameters)

        def write() -> str:
            return prepare_token_request(grant_type, urlencode(form.repeated), **form.single)

        return await self._ask("token", self._url, form, write, repeatable=repeatable)

    async def ask(self, name: str, form: Form) -> Answer:
        """Send a form to an endpoint beside this one, as the client, and return the answer, be it an error.

        Raises what `request` raises, and `ConfigurationError` without an address.
        """
        return await self._ask(name, self.address(name), form, lambda: urlencode(form.members))

    async def introspect(self, token: Token) -> Mapping[str, Any]:
        """Ask the server about a token (RFC 7662); `active` tells whether it counts.

        Raises `ConfigurationError` without an address for that, or if this client may not ask, and
        `ServerUnavailable` if no answer comes.
        """
        answer = await self.ask("introspection", Form(token=token.access_token, token_type_hint="access_token"))
        failure = answer.failure()
        if failure is None and not isinstance(answer.members.get("active"), bool):
            message = f"the introspection endpoint of {origin_of(self._url)} did not say whether the token is active"
            failure = ServerUnavailable(message)
        if failure is not None:
            raise failure
        return answer.members

    async def revoke(self, credential: Credential) -> None:
        """Revoke the refresh token, or the access token where there is none (RFC 7009).

        Raises `ConfigurationError` without an address for that, and for a credential of another endpoint or client.
        """
        from authlib.oauth2.rfc7009 import prepare_revoke_token_request  # noqa: PLC0415  slow to import

        self.check_issued_here(credential)
        url = self._addresses["revocation"]
        if url is None:
            message = "the token is not revoked, since no address for that is known; pass revocation_url"
            raise ConfigurationError(message)
        if credential.refresh_token:
            form = Form(token=credential.refresh_token, token_type_hint="refresh_token")
        elif credential.token:
            form = Form(token=credential.token.access_token, token_type_hint="access_token")
        else:
            return

        def write() -> str:
            return prepare_revoke_token_request(form.single["token"], form.single["token_type_hint"])[0]

        failure = (await self._ask("revocation", url, form, write)).failure()
        if failure is not None:
            raise failure

    async def _ask(
        self, name: str, url: str, form: Form, write: Callable[[], str], *, repeatable: bool = True
    ) -> Answer:
        """Let the client sign what `write` returns, and send it."""
        asked_at = self._clock.time()  # before anything that takes time: a token never outlives what is noted (law D4)
        request = Request(
            to=f"the {name} endpoint of {origin_of(url)}",
            url=url,
            headers=_HEADERS,
            secrets=form.secrets,
            repeatable=repeatable,
        )
        try:
            request = replace(request, body=write())
        except UnicodeError:
            unwritable = True
        else:
            unwritable = False
        if unwritable:  # raised here, where the error that quotes the text is no longer being handled
            message = f"a parameter for {request.to} is not text; check what the grant and the endpoint were given"
            raise ConfigurationError(message)
        attempts: list[Request] = []

        async def sign(request: Request) -> Request:
            attempts.append(await self._client.authenticate(request, self._url))
            return attempts[-1]

        reply = await send(request, self._transport, sign=sign)
        return Answer(
            to=request.to,
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            asked_at=asked_at,
            now=self._clock.time(),
            secrets=tuple(secret for attempt in attempts for secret in attempt.secrets),
        )
