"""The authorization code grant in two halves (RFC 6749 section 4.1), for web applications: a page begins, another ends.

Theory of operation. Between the halves the application has nothing but the browser. So `begin` returns, beside the
address that the browser is sent to, a small text: what the server must say back (`state`), and what proves that who
redeems the code is who asked for it (the verifier of PKCE). The application binds that text to this very browser, by
its session or by a cookie. `finish` compares what comes back with it, and returns the grant that redeems the code.

What an attacker may try, and what it meets. His answer in another's browser: that browser's text holds another `state`.
An answer seen somewhere, once more: its code is redeemed once here, and once at the server. Another server's answer:
the text is for one endpoint, one client and one redirect URI, and `iss` is compared (RFC 9207). An old text: it is good
for ten minutes. A text of his own: without the key it cannot be sealed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aio_token._bound.key import ProofKey
from aio_token._disk.damage import Damaged
from aio_token._errors import ConfigurationError, SignInRequired, StoreError
from aio_token._ground.public import public
from aio_token._ground.value import Value
from aio_token._token import Unpicklable
from aio_token._wish import NO_WISH
from aio_token.grants._callback import Callback
from aio_token.grants._code import (
    RESERVED,
    CodeInHand,
    authorization_request,
    authorized,
    key_for,
    secret_text,
    verifier_for,
)
from aio_token.grants._pushing import check_way, way
from aio_token.grants._redeemed import Redeemed
from aio_token.grants._wish import written_for_a_person
from aio_token.oauth.arguments import check_endpoint, check_parameters, check_scope, check_several, check_text, judged
from aio_token.oauth.form import Form
from aio_token.oauth.secret import Revealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aio_token._ground.codec import Codec
    from aio_token._interfaces import Grant
    from aio_token._wish import Wish
    from aio_token.oauth.endpoint import TokenEndpoint

MAX_AGE = 600.0
"""Seconds that a person has between the halves."""

_AHEAD = 60.0  # seconds by which another host's clock may be ahead of this one's
_LONGEST = 16_384  # characters of a query or a state: more than a server's line or a cookie has (law H1)
_KEPT = ("scope", "resource", "audience")  # of what was asked: what the credential is for
_REMEDY = "scope= and resource= say the sign-in's own; the rest is made anew for each one"


@public
class Begun(Unpicklable, Value):
    """A sign-in that has begun: send the browser to `address`, and keep `state` for `finish`, for this browser alone.

    Without a codec `state` holds a secret in clear and may not leave the application.
    """

    address: str
    state: str

    def __repr__(self) -> str:
        return "<Begun>"


@public
@judged
class WebSignIn:
    """Signs people in to a web application: `begin` on one page, `finish` on another, and `sign_in` with what it gives.

    `redirect_uri` is the address of the second page, as it is registered at the server. `scope` and `resource` are what
    is asked for (RFC 8707), `authorization_details` as with `AuthorizationCodeGrant`; `parameters` go into the address
    as well, such as `prompt`. With a `codec`, such as
    `Encrypted(EnvironmentKey("COOKIE_KEY"))`, the state is sealed and may be kept in a cookie of the browser; without
    one the application keeps it, and forgets it when it is used. Either way it is good for ten minutes.

    Raises `ConfigurationError` for what cannot work.
    """

    def __init__(
        self,
        endpoint: TokenEndpoint,
        redirect_uri: str,
        *,
        scope: str | None = None,
        resource: str | Sequence[str] | None = None,
        authorization_details: Sequence[Mapping[str, Any]] | None = None,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        codec: Codec | None = None,
    ) -> None:
        check_endpoint(endpoint)
        check_text("redirect_uri", redirect_uri)
        problem = endpoint.problem_with(redirect_uri)
        if problem is not None:
            message = f"redirect_uri {problem}"
            raise ConfigurationError(message)
        if endpoint.fapi2 and not redirect_uri.lower().startswith("https:"):
            message = "redirect_uri is not https, which FAPI 2.0 demands of a web application"
            raise ConfigurationError(message)
        check_scope(scope)
        check_several("resource", resource)
        check_parameters(parameters, RESERVED, _REMEDY)
        if codec is not None and not callable(getattr(codec, "decode", None)):
            message = "codec is a codec of a store, such as Encrypted(EnvironmentKey('COOKIE_KEY'))"
            raise ConfigurationError(message)
        self._endpoint = endpoint
        self._redirect_uri = redirect_uri
        self._asked = authorized(scope, resource, authorization_details, parameters)
        self._codec = codec
        self._redeemed = Redeemed()
        own = "\n".join((endpoint.address("token"), endpoint.client_id, redirect_uri))
        self._purpose = f"aio_token web sign-in {hashlib.sha256(own.encode(errors='replace')).hexdigest()}"

    def __repr__(self) -> str:
        return f"WebSignIn({self._endpoint!r}, {self._redirect_uri!r})"

    async def begin(self, wish: Wish = NO_WISH) -> Begun:
        """Begin a sign-in; what is wished comes before what is asked for otherwise.

        Redirect the browser at once: where authorization requests are pushed to the server (RFC 9126), it is asked
        here, and what it gives lives for as little as 30 seconds.

        Raises `ConfigurationError` if the server has no authorization endpoint, or refuses what is pushed;
        `ServerUnavailable` if it does not answer then; and `KeyUnavailable`.
        """
        asked = written_for_a_person(wish).over(self._asked)
        state, verifier = secret_text(), verifier_for(self._endpoint)
        check_way(self._endpoint)
        key = key_for(self._endpoint)
        text = _written(self._purpose, self._endpoint.clock.time(), state, verifier, asked, key)
        kept = text.value if self._codec is None else await self._sealed(text, self._codec)
        request = authorization_request(
            self._endpoint, asked, redirect_uri=self._redirect_uri, state=state, verifier=verifier, key=key
        )
        return Begun(address=await way(self._endpoint, request), state=kept)

    async def finish(self, callback: Mapping[str, Any] | str, state: str | None) -> Grant:
        """Return the grant that redeems what the browser brought back, for `TokenRepository.sign_in`.

        `callback` is the query or the posted form, as a mapping or as it came; `state` is what `begin` gave, None if
        this browser has none. It asks no server and spends nothing.

        Raises `SignInRequired` if the person declined or has to begin again, `ConfigurationError` if the client may not
        do this or the answer is another issuer's, and `ServerUnavailable`. The text of each can be shown on a page, as
        text; a part of it may be the server's.
        """
        came, kept = Callback(_members(callback)), Revealed(state)
        del callback, state  # the frame of an exception would show them
        begun = await self._opened(kept)
        if not hmac.compare_digest(came["state"].encode(errors="replace"), begun.state.value.encode()):
            message = "the answer belongs to another sign-in than the one that this browser has begun; sign in again"
            raise SignInRequired(message)
        if not -_AHEAD <= self._endpoint.clock.time() - begun.at <= MAX_AGE:
            message = f"the sign-in took longer than {MAX_AGE / 60:g} minutes; sign in again"
            raise SignInRequired(message)
        if begun.state.value in self._redeemed:
            message = "this sign-in has been completed already; if you are not signed in, sign in again"
            raise SignInRequired(message)
        came.judge(self._endpoint)
        return CodeInHand(
            self._endpoint,
            came,
            begun.asked,
            redirect_uri=self._redirect_uri,
            verifier=begun.verifier,
            redeemed=self._redeemed,
            key=begun.key,
        )

    async def _sealed(self, text: Revealed[str], codec: Codec) -> str:
        content = memoryview(text.value.encode())
        return base64.urlsafe_b64encode(await asyncio.to_thread(codec.encode, content, self._purpose)).decode()

    async def _opened(self, kept: Revealed[str | None]) -> _Kept:
        if not kept.value:
            message = "this browser has begun no sign-in here, or its cookie is gone; sign in again"
            raise SignInRequired(message)
        begun = await self._unsealed(Revealed(kept.value))
        if begun is None:
            message = "what this browser kept of the sign-in is not what it was given here; sign in again"
            raise SignInRequired(message)
        return begun

    async def _unsealed(self, kept: Revealed[str]) -> _Kept | None:
        if len(kept.value) > _LONGEST:
            return None
        try:
            if self._codec is None:
                return _read(kept.value, self._purpose)
            content = memoryview(base64.urlsafe_b64decode(kept.value))
            opened = await asyncio.to_thread(self._codec.decode, content, self._purpose)
            return _read(bytes(opened).decode(), self._purpose)
        except (ValueError, LookupError, TypeError, RecursionError, Damaged, StoreError):
            return None  # whatever it is, it was not written here, or with a key that is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is known of a sign-in that has begun; `at` is in POSIX seconds."""

    state: Revealed[str]
    verifier: Revealed[str]
    at: float
    asked: Form
    key: ProofKey | None


def _written(
    purpose: str, at: float, state: Revealed[str], verifier: Revealed[str], asked: Form, key: ProofKey | None
) -> Revealed[str]:
    """Write what `_read` reads."""
    members = {"for": purpose, "at": at, "state": state.value, "verifier": verifier.value}
    kept = {name: asked.values(name) for name in _KEPT}
    bound = {"key": key.jwk()} if key is not None else {}
    return Revealed(json.dumps({**members, **kept, **bound}, separators=(",", ":")))


def _read(text: str, purpose: str) -> _Kept | None:
    """Read what `begin` wrote, None if it was written for something else."""
    members = json.loads(text)
    if members["for"] != purpose:
        return None
    return _Kept(
        state=Revealed(str(members["state"])),
        verifier=Revealed(str(members["verifier"])),
        at=float(members["at"]),
        asked=Form(**{name: members[name] for name in _KEPT}),
        key=ProofKey(members["key"]) if "key" in members else None,
    )


def _members(callback: Mapping[str, Any] | str) -> dict[str, str]:
    """Read an authorization response; nothing comes twice in one (RFC 6749 section 3.1), nor is one that long."""
    if not isinstance(callback, str):
        pairs = [(name, value) for name, value in callback.items() if isinstance(value, str)]
    elif len(callback) <= _LONGEST:
        pairs = parse_qsl(callback.removeprefix("?"), keep_blank_values=True)
    else:
        return {}
    members = dict(pairs)
    fits = len(members) == len(pairs) and sum(len(name) + len(value) for name, value in pairs) <= _LONGEST
    return members if fits else {}
