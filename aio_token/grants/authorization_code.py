"""The authorization code grant (RFC 6749 section 4.1) for programs of a person's own machine (RFC 8252), with PKCE."""

from __future__ import annotations

import asyncio
import secrets
from inspect import isawaitable
from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError, ServerUnavailable, SignInRequired, raise_alone
from aio_token._ground.public import public
from aio_token._wish import NO_WISH
from aio_token.grants._show import show_on_stderr
from aio_token.grants._wish import issued_for, written_for_a_person
from aio_token.oauth.arguments import (
    check_endpoint,
    check_function,
    check_parameters,
    check_port,
    check_scope,
    check_seconds,
    check_several,
    check_text,
    judged,
)
from aio_token.oauth.form import Form
from aio_token.oauth.remedies import by_code
from aio_token.oauth.secret import Revealed
from aio_token.oauth.server_text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aio_token._credential import IssuedBy
    from aio_token._wish import Wish
    from aio_token.grants._loopback import Listener, Response
    from aio_token.oauth.answer import Answer
    from aio_token.oauth.endpoint import TokenEndpoint

_RESERVED = frozenset(
    {
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "resource",
        "response_type",
        "scope",
        "state",
    }
)
_REMEDY = "scope=, resource=, port= and path= say the grant's own; the rest is made anew for each sign-in"
_ENTROPY = 32  # bytes, of the state and of the verifier (RFC 7636 section 4.1)


@public
@judged
class AuthorizationCodeGrant:
    """Sends a person to the authorization server with a browser of this machine, and waits for the answer to come back.

    Meant for `sign_in` and `sign_in_with=`: a `RefreshTokenGrant` of the same endpoint goes on from there. No browser
    is opened unless `browser` is given, such as `webbrowser.open`: a function of an address, run in a thread, that
    returns whether there is a browser. The address is that of a page here that sends the browser on, since other users
    read in the list of processes what a browser is started with. Without one, or if it fails, `show` is given the
    address to open, and may be asynchronous; the default writes it to standard error.

    The answer is awaited for `timeout` seconds on 127.0.0.1, at `path` and a free port, or `port` for servers that want
    to know it; register `http://127.0.0.1/callback` as the client's redirect URI. `resource` is RFC 8707's, one URI or
    several. `parameters` go into the address, such as `audience`, `prompt` or `login_hint`.
    """

    def __init__(  # noqa: PLR0913  each has its default
        self,
        endpoint: TokenEndpoint,
        *,
        scope: str | None = None,
        resource: str | Sequence[str] | None = None,
        browser: Callable[[str], object] | None = None,
        show: Callable[[str], object] = show_on_stderr,
        timeout: float = 300.0,
        port: int = 0,
        path: str = "/callback",
        parameters: Mapping[str, str | Sequence[str]] | None = None,
    ) -> None:
        check_endpoint(endpoint)
        check_scope(scope)
        check_several("resource", resource)
        check_function("browser", browser, optional=True)
        check_function("show", show)
        check_seconds("timeout", timeout)
        check_port(port)
        check_text("path", path)
        if not path.startswith("/"):
            message = "path begins with a slash, such as /callback"
            raise ConfigurationError(message)
        check_parameters(parameters, _RESERVED, _REMEDY)
        self._endpoint = endpoint
        self._scope = scope
        self._browser = browser
        self._show = show
        self._timeout = timeout
        self._port = port
        self._path = path
        self._asked = Form(scope=scope, resource=resource).over(Form(**(parameters or {})))

    def __repr__(self) -> str:
        return f"AuthorizationCodeGrant({self._endpoint!r}, scope={self._scope!r})"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client, the scope and the audience (resources included); "" where none is asked for."""
        return issued_for(self._endpoint, self._asked)

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Sign in; what is wished comes before what the grant itself asks for.

        Raises `SignInRequired` if the person declines or does not come in time, `ConfigurationError` if the client may
        not do this, the port is taken, the answer is another issuer's, or what is stored belongs to another client,
        and `ServerUnavailable` if the server cannot be reached.
        """
        self._endpoint.check_issued_here(credential)
        asked = written_for_a_person(wish).over(self._asked)
        answer = await self._exchange(asked, Revealed(secrets.token_urlsafe(_ENTROPY)))
        return answer.credential(Credential(issued_by=issued_for(self._endpoint, asked)))

    async def _exchange(self, asked: Form, verifier: Revealed[str]) -> Answer:
        redirect_uri, response = await self._send_the_person(asked, verifier)
        form = Form(
            code=self._code(response).value,
            redirect_uri=redirect_uri,
            code_verifier=verifier.value,
            resource=asked.values("resource"),  # here too (RFC 8707 section 2.2)
        )
        # Once only: a code that comes twice makes servers revoke what they gave for it (RFC 6749 section 4.1.2).
        return await self._endpoint.request("authorization_code", form, repeatable=False)

    async def _send_the_person(self, asked: Form, verifier: Revealed[str]) -> tuple[str, Response]:
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415  slow to import
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415  slow to import

        from aio_token.grants._loopback import listening  # noqa: PLC0415  brings a web server with it

        state = Revealed(secrets.token_urlsafe(_ENTROPY))
        address = self._endpoint.address("authorization")
        try:
            async with listening(self._path, state.value, self._port) as listener, asyncio.timeout(self._timeout):
                await self._invite(
                    listener,
                    prepare_grant_uri(
                        _with_members(address, asked),
                        self._endpoint.client_id,
                        "code",
                        redirect_uri=listener.redirect_uri,
                        state=state.value,
                        code_challenge=create_s256_code_challenge(  # type: ignore[no-untyped-call]  # types-authlib leaves it out
                            verifier.value
                        ),
                        code_challenge_method="S256",
                    ),
                )
                return listener.redirect_uri, await listener.response()
        except TimeoutError:
            message = f"the person did not sign in within {self._timeout:g} s; sign in again"
            raise_alone(SignInRequired(message))

    async def _invite(self, listener: Listener, address: str) -> None:
        if self._browser is not None and await asyncio.to_thread(_opens, self._browser, listener.page_for(address)):
            return
        shown = self._show(address)
        if isawaitable(shown):
            await shown

    def _code(self, response: Response) -> Revealed[str]:
        """Return the code, if the answer is the issuer's (RFC 9207 section 2.4)."""
        issuer, named = self._endpoint.issuer, response["iss"]
        if named != issuer if named and issuer else self._endpoint.names_issuer:
            message = f"the answer does not come from {quoted(issuer)}; check at which issuer the client is registered"
            raise ConfigurationError(message)
        error = response["error"]
        if error:
            kind, remedy = by_code(error) or (ServerUnavailable, "try again later")
            said = ": ".join(filter(None, (quoted(error), quoted(response["error_description"]))))
            message = f"the authorization endpoint answered {said}; {remedy}"
            raise kind(message)
        if not response["code"]:
            message = "the authorization endpoint sent neither a code nor an error; try again later"
            raise ServerUnavailable(message)
        return Revealed(response["code"] or "")


def _with_members(address: str, asked: Form) -> str:
    return f"{address}{'&' if '?' in address else '?'}{asked.written_for('the authorization endpoint')}".rstrip("?&")


def _opens(browser: Callable[[str], object], address: str) -> bool:
    """Whether the browser took the address."""
    try:
        return bool(browser(address))
    except Exception:  # noqa: BLE001  whatever it is, the person can still open the address by hand
        return False
