"""The authorization code grant (RFC 6749 section 4.1) for programs of a person's own machine (RFC 8252), with PKCE."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal

from aio_token._arguments import demand_one_of
from aio_token._errors import ConfigurationError, SignInRequired, raise_alone
from aio_token._ground.public import public
from aio_token._wish import NO_WISH
from aio_token.grants._code import (
    RESERVED,
    CodeInHand,
    authorization_request,
    authorized,
    key_for,
    secret_text,
    verifier_for,
)
from aio_token.grants._in_one import obtained_in_one
from aio_token.grants._pushing import address_of, check_way, way
from aio_token.grants._redeemed import Redeemed
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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from aio_token._bound.key import ProofKey
    from aio_token._credential import Credential, IssuedBy
    from aio_token._interfaces import Grant
    from aio_token._wish import Wish
    from aio_token.grants._callback import Callback
    from aio_token.grants._loopback import Host, Listener
    from aio_token.oauth.endpoint import TokenEndpoint
    from aio_token.oauth.form import Form
    from aio_token.oauth.secret import Revealed

_REMEDY = "scope=, resource=, host=, port= and path= say the grant's own; the rest is made anew for each sign-in"

_ASYNC_BROWSER = "browser= is an ordinary function, which runs in a thread; an asynchronous one is for show="
_logger = logging.getLogger("aio_token")


@public
@judged
class AuthorizationCodeGrant:
    """Sends a person to the authorization server with a browser of this machine, and waits for the answer to come back.

    Meant for `sign_in` and `sign_in_with=`: a `RefreshTokenGrant` of the same endpoint goes on from there. No browser
    is opened unless `browser` is given, such as `webbrowser.open`: a function of an address, run in a thread, that
    returns whether there is a browser. An asynchronous one is a `ConfigurationError`, one that raises is logged. The
    address is that of a page here that sends the browser on, since other users read in the list of processes what a
    browser is started with. Without one, or if it fails, `show` is given the address to open, and may be asynchronous;
    the default writes it to standard error. Where the endpoint pushes authorization requests (RFC 9126), that is the
    address of another page here, which pushes one whenever a browser comes and sends the browser on: the browser has to
    be on this machine, or come through a tunnel to the `port`.

    The answer is awaited for `timeout` seconds on this machine, at `path` and a free port, or `port` for servers that
    want to know it; register `http://127.0.0.1/callback` as the client's redirect URI. `host` is what it calls this
    machine, for servers that take `localhost` alone; the address is safer (RFC 8252 section 8.3). What comes back with
    the code, such as a realm, is in the token's `extra`. `resource` is RFC 8707's, one URI or several, and
    `authorization_details` are RFC 9396's: mappings with a type each, of which those that were granted are in the
    token's `extra`. `parameters` go into the address, such as `audience`, `prompt` or `login_hint`.
    """

    def __init__(  # noqa: PLR0913  each has its default
        self,
        endpoint: TokenEndpoint,
        *,
        scope: str | None = None,
        resource: str | Sequence[str] | None = None,
        authorization_details: Sequence[Mapping[str, Any]] | None = None,
        browser: Callable[[str], object] | None = None,
        show: Callable[[str], object] = show_on_stderr,
        timeout: float = 300.0,
        host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1",
        port: int = 0,
        path: str = "/callback",
        parameters: Mapping[str, str | Sequence[str]] | None = None,
    ) -> None:
        check_endpoint(endpoint)
        check_scope(scope)
        check_several("resource", resource)
        check_function("browser", browser, optional=True)
        if iscoroutinefunction(browser):
            raise ConfigurationError(_ASYNC_BROWSER)
        check_function("show", show)
        check_seconds("timeout", timeout)
        demand_one_of(host, ("127.0.0.1", "::1", "localhost"), "host")
        check_port(port)
        check_text("path", path)
        if not path.startswith("/"):
            message = "path begins with a slash, such as /callback"
            raise ConfigurationError(message)
        check_parameters(parameters, RESERVED, _REMEDY)
        self._endpoint = endpoint
        self._scope = scope
        self._browser = browser
        self._show = show
        self._timeout = timeout
        self._host: Host = host
        self._port = port
        self._path = path
        self._asked = authorized(scope, resource, authorization_details, parameters)

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
        return await obtained_in_one(self, credential, wish)

    async def invite(self, wish: Wish = NO_WISH) -> Grant:
        """Send the person to the server, wait for the browser to come back, and return the grant that redeems the code.

        It may be cancelled at any moment, as nothing is spent by it. Raises what `obtain` raises, but for what the
        token endpoint says.
        """
        asked, verifier = written_for_a_person(wish).over(self._asked), verifier_for(self._endpoint)
        key = key_for(self._endpoint)
        redirect_uri, callback = await self._send_the_person(asked, verifier, key)
        callback.judge(self._endpoint)
        return CodeInHand(
            self._endpoint, callback, asked, redirect_uri=redirect_uri, verifier=verifier, redeemed=Redeemed(), key=key
        )

    async def _send_the_person(
        self, asked: Form, verifier: Revealed[str], key: ProofKey | None
    ) -> tuple[str, Callback]:
        check_way(self._endpoint)
        state = secret_text()
        try:
            async with self._listening(state) as listener, asyncio.timeout(self._timeout):
                redirect_uri = listener.redirect_uri
                request = authorization_request(
                    self._endpoint, asked, redirect_uri=redirect_uri, state=state, verifier=verifier, key=key
                )
                await self._show_the_way(listener, request)
                return redirect_uri, await listener.response()
        except TimeoutError:
            message = f"the person did not sign in within {self._timeout:g} s; sign in again"
            raise_alone(SignInRequired(message))

    def _listening(self, state: Revealed[str]) -> AbstractAsyncContextManager[Listener]:
        from aio_token.grants._loopback import listening  # noqa: PLC0415  brings a web server with it

        return listening(self._host, self._path, state.value, self._port)

    async def _show_the_way(self, listener: Listener, request: Form) -> None:
        if self._endpoint.push_authorization:  # when a browser comes: what it is sent on with does not live long
            address = listener.start_for(partial(way, self._endpoint, request))
        else:
            address = address_of(self._endpoint, request)
        if self._browser is not None and await asyncio.to_thread(_opens, self._browser, listener.page_for(address)):
            return
        shown = self._show(address)
        if isawaitable(shown):
            await shown


def _opens(browser: Callable[[str], object], address: str) -> bool:
    """Whether the browser took the address."""
    try:
        opened = browser(address)
    except Exception as error:  # noqa: BLE001  whatever it is, the person can still open the address by hand
        # Not its text, which may hold the page's address, that is worth a sign-in (law G5).
        _logger.warning("the browser could not be opened (%s); the address is shown instead", type(error).__name__)
        return False
    if iscoroutine(opened):
        opened.close()
        raise ConfigurationError(_ASYNC_BROWSER)
    return bool(opened)
