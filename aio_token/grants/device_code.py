"""The device authorization grant (RFC 8628): a person signs in on another device, by a code that is shown here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError, ServerUnavailable, SignInRequired
from aio_token._ground.public import public
from aio_token._interfaces import StillPending
from aio_token._token import Unpicklable
from aio_token._wish import NO_WISH
from aio_token.grants._code import challenge, key_for, verifier_for
from aio_token.grants._in_one import obtained_in_one
from aio_token.grants._show import show_on_stderr
from aio_token.grants._wish import issued_for, written
from aio_token.oauth.arguments import check_endpoint, check_function, check_scope, check_several, judged
from aio_token.oauth.details import details_text
from aio_token.oauth.form import Form
from aio_token.oauth.lifetime import seconds
from aio_token.oauth.secret import Revealed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aio_token._credential import IssuedBy
    from aio_token._interfaces import Grant
    from aio_token._wish import Wish
    from aio_token.oauth.answer import Answer
    from aio_token.oauth.endpoint import TokenEndpoint

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL = 5.0  # seconds between polls if the server says nothing (RFC 8628 section 3.2), and added by slow_down
_SHORTEST = 1.0  # seconds: no server means less
_LONGEST = 60.0  # seconds: no person waits longer for what they have done, whatever a server says (law H3)
_LIFETIME = 600.0  # seconds, for a server that leaves out what it has to say
_MAX_SHOWN = 2_000  # characters of what a terminal is asked to show


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePrompt:
    """What a person has to be shown: the address to open, on any device, and the code to enter there.

    `verification_uri_complete`, None where the server gives none, has the code in it, for a link or a QR code. Show
    the code as well: the person compares it, which keeps another person's sign-in out (RFC 8628 section 3.3.1).
    `expires_in` is the number of seconds that are left.
    """

    verification_uri: str
    user_code: str
    verification_uri_complete: str | None = None
    expires_in: float

    def __str__(self) -> str:
        lines = [f"To sign in, open {self.verification_uri} and enter the code {self.user_code}."]
        if self.verification_uri_complete:
            lines.append(f"Or open {self.verification_uri_complete} and compare the code.")
        return "\n".join(lines)


@public
@judged
class DeviceGrant:
    """Shows a code, and asks the server until a person has entered it somewhere and agreed.

    Meant for `sign_in` and `sign_in_with=`: a `RefreshTokenGrant` of the same endpoint goes on from there. `show` is
    given a `DevicePrompt`, and may be asynchronous; the default writes it to standard error. `wait` passes the time
    between two polls. The server has the last word on how often it is asked. A challenge goes with the first request,
    and what answers it with the others (PKCE, RFC 7636): some servers demand it here too, and the rest ignores it.
    `authorization_details` are as with `AuthorizationCodeGrant`.
    """

    def __init__(
        self,
        endpoint: TokenEndpoint,
        *,
        scope: str | None = None,
        audience: str | None = None,
        resource: str | Sequence[str] | None = None,
        authorization_details: Sequence[Mapping[str, Any]] | None = None,
        show: Callable[[DevicePrompt], object] = show_on_stderr,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        check_endpoint(endpoint)
        check_scope(scope)
        check_several("audience", audience)
        check_several("resource", resource)
        check_function("show", show)
        check_function("wait", wait)
        self._endpoint = endpoint
        self._scope = scope
        self._asked = Form(
            scope=scope,
            audience=audience,
            resource=resource,
            authorization_details=details_text(authorization_details),
        )
        self._show = show
        self._wait = wait

    def __repr__(self) -> str:
        return f"DeviceGrant({self._endpoint!r}, scope={self._scope!r})"

    @property
    def issued_by(self) -> IssuedBy:
        """The endpoint, the client, the scope and the audience (resources included); "" where none is asked for."""
        return issued_for(self._endpoint, self._asked)

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Sign in; what is wished comes before what the grant itself asks for.

        Raises `SignInRequired` if the person declines or does not come in time, `ConfigurationError` if the client may
        not do this or what is stored belongs to another one, and `ServerUnavailable` if the server cannot be reached.
        """
        self._endpoint.check_issued_here(credential)
        return await obtained_in_one(self, credential, wish)

    async def invite(self, wish: Wish = NO_WISH) -> Grant:
        """Show the code, wait until the server may be asked, and return the grant that asks it once.

        It may be cancelled at any moment, as nothing is spent by it. What the grant raises while the person has not
        agreed, `StillPending`, holds what to wait for next.
        """
        asked = written(wish).over(self._asked)
        verifier = verifier_for(self._endpoint)
        begun = await self._begin(challenge(verifier).over(asked), verifier)
        shown = self._show(begun.prompt)
        if isawaitable(shown):
            await shown
        return await _Polling(self._endpoint, begun, self._wait, issued_for(self._endpoint, asked)).invite(wish)

    async def _begin(self, asked: Form, verifier: Revealed[str]) -> _Begun:
        asked_at = self._endpoint.clock.monotonic()
        answer = await self._endpoint.ask("device authorization", asked)
        failure = answer.failure()
        if failure is None:
            begun = _read(answer, asked_at, verifier)
            if begun is None:
                message = (
                    "the device authorization endpoint gave no code and address that can be shown; try again later"
                )
                raise ServerUnavailable(message)
            problem = next(filter(None, map(self._endpoint.problem_with, begun.addresses)), None)
            if problem is None:
                return begun
            del answer, begun  # a name in the address may be meant for no one's eyes
            failure = ConfigurationError(f"the address that the device endpoint gave for people {problem}")
        raise failure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A sign-in under way; `ends_at` is monotonic."""

    prompt: DevicePrompt
    device_code: Revealed[str]
    verifier: Revealed[str]
    interval: float
    ends_at: float

    @property
    def addresses(self) -> list[str]:
        """The addresses without their fragments, which a page for people may have."""
        both = (self.prompt.verification_uri, self.prompt.verification_uri_complete)
        return [uri.partition("#")[0] for uri in both if uri]


class _Polling(Unpicklable):
    """Waits for its time, and asks once, in turn: what the person brings is an answer that is another one."""

    def __init__(
        self,
        endpoint: TokenEndpoint,
        begun: _Begun,
        wait: Callable[[float], Awaitable[object]],
        issued_by: IssuedBy,
    ) -> None:
        self._endpoint = endpoint
        self._begun = begun
        self._wait = wait
        self._interval = begun.interval
        self._trouble: ServerUnavailable | None = None
        self._key = key_for(endpoint)
        self.issued_by: IssuedBy = issued_by

    def __repr__(self) -> str:
        return f"<_Polling of {self._endpoint!r}>"

    async def invite(self, wish: Wish = NO_WISH) -> Grant:
        """Wait until the server may be asked.

        Raises `SignInRequired` when the code has come to its end, or what was wrong with the server.
        """
        del wish
        if self._endpoint.clock.monotonic() + self._interval >= self._begun.ends_at:
            raise self._trouble or SignInRequired("the code was not entered while it was valid; sign in again")
        await self._wait(self._interval)
        return self

    async def obtain(self, credential: Credential | None, wish: Wish = NO_WISH) -> Credential:
        """Ask; a server that is away for a while ends nothing (RFC 8628 section 3.5)."""
        del wish
        self._endpoint.check_issued_here(credential)
        try:
            form = Form(device_code=self._begun.device_code.value, code_verifier=self._begun.verifier.value)
            answer = await self._endpoint.request(GRANT_TYPE, form, key=self._key)
        except ServerUnavailable as error:
            raise self._later(error) from None
        if answer.error == "slow_down":
            self._interval += _INTERVAL
        elif answer.error != "authorization_pending":
            failure = answer.failure()
            if not isinstance(failure, ServerUnavailable):
                return answer.credential(Credential(issued_by=self.issued_by))
            raise self._later(failure)
        self._trouble = None
        raise StillPending(self)

    def _later(self, trouble: ServerUnavailable) -> StillPending:
        self._trouble = trouble
        self._interval = max(min(2 * self._interval, _LONGEST), trouble.retry_after or 0.0)
        return StillPending(self)


def _read(answer: Answer, asked_at: float, verifier: Revealed[str]) -> _Begun | None:
    said = answer.members
    device_code, user_code = said.get("device_code"), said.get("user_code")
    uri = said.get("verification_uri") or said.get("verification_url")  # Google's name
    complete = said.get("verification_uri_complete")
    if not (isinstance(device_code, str) and device_code and _fit(user_code) and _fit(uri)):
        return None
    lifetime = seconds(said.get("expires_in")) or _LIFETIME
    interval = seconds(said.get("interval"))
    return _Begun(
        prompt=DevicePrompt(
            verification_uri=str(uri),
            user_code=str(user_code),
            verification_uri_complete=str(complete) if _fit(complete) else None,
            expires_in=lifetime,
        ),
        device_code=Revealed(device_code),
        verifier=verifier,
        interval=_INTERVAL if interval is None else max(min(interval, _LONGEST), _SHORTEST),
        ends_at=asked_at + lifetime,
    )


def _fit(text: object) -> bool:
    """Whether a terminal can show the text and nothing else happens: an escape sequence is no code."""
    return isinstance(text, str) and text.isprintable() and 0 < len(text) <= _MAX_SHOWN
