"""The token endpoint: a grant says what to send, the client signs it, a session of its own carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._clock import SYSTEM_CLOCK
from aio_token._credential import IssuedBy
from aio_token._errors import ConfigurationError, ServerUnavailable
from aio_token._ground.public import public
from aio_token._interfaces import Fingerprinting
from aio_token._pacing.proof import digest
from aio_token.oauth.addresses import Addresses
from aio_token.oauth.arguments import check_client, check_kind, check_parameters, check_seconds, check_text, judged
from aio_token.oauth.channel import NOTHING, Channel
from aio_token.oauth.dialect import PLAIN, Dialect, check_dialect
from aio_token.oauth.dpop import DPoP, check_dpop
from aio_token.oauth.form import Form
from aio_token.oauth.mutual_tls import shows_certificate
from aio_token.oauth.transport import DIRECT, check_transport
from aio_token.oauth.url import origin_of, problem_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token._bound.key import ProofKey
    from aio_token._clock import Clock
    from aio_token._credential import Credential
    from aio_token._token import Token
    from aio_token.oauth.answer import Answer
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.transport import Transport

# What a grant or the client itself says in a token request.
_RESERVED = frozenset(
    {
        "actor_token",
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "grant_type",
        "password",
        "redirect_uri",
        "refresh_token",
        "subject_token",
        "username",
    }
)
_REMEDY = "choose the grant and the client that say it, or call TokenEndpoint.request with a form of your own"


@public
@judged
class TokenEndpoint:
    """An authorization server's token endpoint (RFC 6749 section 3.2) as one client sees it.

    The other addresses are those of the endpoints beside it, as far as there are any. `issuer` is the server's name: a
    client's JWT is meant for it, and an authorization response may carry it, or has to if `names_issuer` (RFC 9207).
    `push_authorization` sends authorization requests to the server first, so that a browser carries only a reference to
    one (RFC 9126). `Provider` fills all of this in, and sets `fapi2` where grants shall not fall below that profile.

    `revocation_ends_grant` says that the server ends more than one session where a refresh token is revoked, as Google
    and Auth0 end all of a person and this client. A session that a new sign-in has replaced is left alone then, since
    the new one would end with it. `rotation_grace` is for how many seconds the server takes a refresh token once more
    after it has given a successor: so soon after an outcome that is not known, it is presented again. `parameters` go
    with every token request, for servers that want them; what a grant says itself comes first. `dialect` says how the
    server leaves the standard, and `refresh_url` where it renews tokens, if not at `url`. `transport` says how requests
    leave. `dpop` has tokens bound to a key (RFC 9449). `mtls_aliases` are the addresses for requests with a client
    certificate, by their names in the server's metadata, such as `token_endpoint` (RFC 8705 section 5).
    `send_secrets_over_plain_http` lifts the demand for https, which otherwise holds for every machine but this one
    (law A2). Raises `ConfigurationError` for an address no secret may go to, and for whatever else cannot work.
    """

    __slots__ = (
        "_certificate",
        "_channel",
        "_clock",
        "_parameters",
        "_plain_http",
        "dialect",
        "fapi2",
        "issuer",
        "names_issuer",
        "push_authorization",
        "revocation_ends_grant",
        "rotation_grace",
    )

    def __init__(  # noqa: PLR0913  a server has as many sides
        self,
        url: str,
        client: ClientAuthentication,
        *,
        authorization_url: str | None = None,
        device_authorization_url: str | None = None,
        introspection_url: str | None = None,
        pushed_authorization_request_url: str | None = None,
        revocation_url: str | None = None,
        refresh_url: str | None = None,
        issuer: str | None = None,
        names_issuer: bool = False,
        push_authorization: bool = False,
        revocation_ends_grant: bool = False,
        rotation_grace: float = 0.0,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        mtls_aliases: Mapping[str, str] | None = None,
        dialect: Dialect = PLAIN,
        transport: Transport = DIRECT,
        dpop: DPoP | None = None,
        send_secrets_over_plain_http: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        check_client(client)
        check_text("issuer", issuer, optional=True)
        check_kind("push_authorization", push_authorization, (bool,), "True or False")
        check_seconds("rotation_grace", rotation_grace, zero=True)
        check_parameters(parameters, _RESERVED, _REMEDY)
        check_dialect(dialect)
        check_transport(transport)
        check_dpop(dpop)
        addresses = {
            "token": url,
            "authorization": authorization_url,
            "device authorization": device_authorization_url,
            "introspection": introspection_url,
            "pushed authorization request": pushed_authorization_request_url,
            "revocation": revocation_url,
            "refresh": refresh_url,
        }
        aliases = (mtls_aliases or {}) if shows_certificate(client, transport, addresses.values()) else {}
        known = Addresses(addresses, dialect.homes, aliases, plain_http=send_secrets_over_plain_http)
        self._channel = Channel(known, client, issuer or known.of("token"), dialect, transport, clock, dpop=dpop)
        self._parameters = Form(**(parameters or {}))
        self._certificate = transport.certificate
        self._plain_http = send_secrets_over_plain_http
        self._clock = clock
        self.dialect: Dialect = dialect
        self.fapi2: bool = False
        self.issuer: str | None = issuer
        self.names_issuer: bool = names_issuer
        self.push_authorization: bool = push_authorization
        self.revocation_ends_grant: bool = revocation_ends_grant
        self.rotation_grace: float = rotation_grace

    def __repr__(self) -> str:
        return f"<TokenEndpoint of {origin_of(self.address('token'))} for {self.client_id!r}>"

    @property
    def client_id(self) -> str:
        """The client's identifier, which is no secret."""
        return self._channel.client.client_id

    @property
    def clock(self) -> Clock:
        """The clock that tokens are timed by."""
        return self._clock

    @property
    def dpop(self) -> DPoP | None:
        """How tokens are bound to a key, None if they are not."""
        return self._channel.dpop

    def server_time(self) -> float:
        """Return POSIX seconds by the server's clock, as far as its answers have told it (law D14)."""
        return self._channel.server_time()

    def problem_with(self, url: str) -> str | None:
        """Tell what keeps an address of this server from being used, None if nothing does (law A2)."""
        return problem_with(url, plain_http=self._plain_http)

    def address(self, name: str) -> str:
        """Return the address of the `name` endpoint. Raises `ConfigurationError` if none is known.

        The names are token, authorization, device authorization, introspection, pushed authorization request,
        revocation and refresh.
        """
        return self._channel.addresses.of(name)

    def issued_by(self, *, scope: str | None = None, audience: str | None = None) -> IssuedBy:
        """Return what credentials of this endpoint and client carry."""
        return IssuedBy(token_endpoint=self.address("token"), client_id=self.client_id, scope=scope, audience=audience)

    def check_issued_here(self, credential: Credential | None) -> None:
        """Raise `ConfigurationError` if the credential belongs to another endpoint or client (law E4)."""
        issued_by = credential.issued_by if credential is not None and not credential.is_trouble_alone else None
        if issued_by is not None and not self.issued_by().same_client(issued_by):
            message = (
                "the stored credential was issued by another token endpoint or to another client and is left as it is; "
                "restore that configuration, or use another store, or sign out first"
            )
            raise ConfigurationError(message)

    async def fingerprint(self, salt: bytes) -> str:
        """Return a digest of what goes with every request: the client's proof, if it can tell, and the parameters.

        The client's certificate is a part of it.

        Raises `ConfigurationError` if a secret cannot be read.
        """
        client, addresses = self._channel.client, self._channel.addresses
        proof = await client.fingerprint(salt) if isinstance(client, Fingerprinting) else ""
        parameters = self._parameters.written_for("fingerprint")
        elsewhere = addresses.knows("refresh") and addresses.of("refresh")
        shown = () if self._certificate is None else (await self._certificate.fingerprint(salt),)
        return digest(salt, proof, parameters, self.dialect, elsewhere, self.dpop, *shown)

    async def request(
        self,
        grant_type: str,
        form: Form,
        *,
        repeatable: bool = True,
        extra: Mapping[str, Any] = NOTHING,
        key: ProofKey | None = None,
    ) -> Answer:
        """Ask for a token (RFC 6749 section 4) and return the answer, be it an error.

        Once more if the connection is dropped, unless `repeatable` is false. `extra` is what is known of the account,
        `Token.extra` of the token before: the dialect may have a server of its own for it. `key` is what the session
        is bound to, `Credential.dpop_key`; without one, a new one is made where `dpop` is wanted.
        Raises `ServerUnavailable` if no answer comes, `ConfigurationError` if the request cannot be made.
        """
        whole = Form(grant_type=grant_type).over(form).over(self._parameters)
        name = "refresh" if grant_type == "refresh_token" and self._channel.addresses.knows("refresh") else "token"
        return await self._channel.ask(name, whole, grant_type=grant_type, repeatable=repeatable, extra=extra, key=key)

    async def ask(self, name: str, form: Form) -> Answer:
        """Send a form to an endpoint beside this one, as the client, and return the answer, be it an error.

        `name` is as with `address`. Raises what `request` raises, and `ConfigurationError` without an address.
        """
        return await self._channel.ask(name, form)

    async def introspect(self, token: Token) -> Mapping[str, Any]:
        """Ask the server about a token (RFC 7662); `active` tells whether it counts.

        Raises `ConfigurationError` without an address for that, or if this client may not ask, and
        `ServerUnavailable` if no answer comes.
        """
        form = Form(token=token.access_token, token_type_hint="access_token")
        answer = await self._channel.ask("introspection", form, extra=token.extra)
        failure = answer.failure()
        if failure is None and not isinstance(answer.members.get("active"), bool):
            at = origin_of(self.address("introspection"))
            failure = ServerUnavailable(f"the introspection endpoint of {at} did not say whether the token is active")
        if failure is not None:
            raise failure
        return answer.members

    async def revoke(self, credential: Credential) -> None:
        """Revoke the refresh token, or the access token where there is none (RFC 7009).

        Raises `ConfigurationError` without an address for that, and for a credential of another endpoint or client.
        """
        self.check_issued_here(credential)
        self.address("revocation")
        if credential.refresh_token:
            form = Form(token=credential.refresh_token, token_type_hint="refresh_token")
        elif credential.token:
            form = Form(token=credential.token.access_token, token_type_hint="access_token")
        else:
            return
        extra = credential.token.extra if credential.token is not None else NOTHING
        failure = (await self._channel.ask("revocation", form, extra=extra)).failure()
        if failure is not None:
            raise failure
