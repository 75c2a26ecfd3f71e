"""What `doctor` looks at: each check finds something, and names what mends it."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

from aio_token._errors import KeyUnavailable, StoreError, TokenError
from aio_token.cli import _profiles
from aio_token.cli._client import secret_of
from aio_token.cli._exits import Exit, exit_for
from aio_token.cli._keys import described, store_of
from aio_token.cli._outlook import outlook_of
from aio_token.cli._places import profile_file, token_file
from aio_token.oauth.secret import reveal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token.cli._profile import Profile

Level = Literal["ok", "warn", "fail"]

_WRITABLE = 0o022  # by the group, and by all
_LOCK_PATIENCE = 2.0  # seconds: a renewal holds the lock for one request
_TOLERANCE = 30.0  # seconds by which clocks may differ; a client's JWT lives 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found; `exit` is the exit code if it is a failure."""

    level: Level
    subject: str
    text: str
    exit: Exit = Exit.DONE


async def findings(name: str, *, patience: float = _LOCK_PATIENCE) -> AsyncIterator[Finding]:
    """Look at a profile, nearest things first, and wait for its lock for `patience` seconds.

    Raises `SignInRequired` if there is no such profile.
    """
    profile = _profiles.need(name)
    yield _profile(name)
    yield await _storage(name, profile, patience)
    yield _leftovers(name)
    yield await _token(name)
    if profile.client_secret is not None:
        yield await _secret(name, profile)
    yield await _issuer(name, profile)
    async for finding in _endpoint(profile):
        yield finding


def _profile(name: str) -> Finding:
    path = profile_file(name)
    for found in (path.parent, path):
        if os.name == "posix" and found.stat().st_mode & _WRITABLE:
            text = f"others may change {found}, and send your token elsewhere; run: chmod go-w '{found}'"
            return Finding(level="warn", subject="profile", text=text)
    return Finding(level="ok", subject="profile", text=str(path))


async def _storage(name: str, profile: Profile, patience: float) -> Finding:
    path = token_file(name)
    try:
        async with asyncio.timeout(patience):
            await store_of(profile, path).probe()
    except TimeoutError:
        text = f"another process has locked {path}.lock for {patience:g} s; look who: fuser '{path}.lock'"
        return Finding(level="fail", subject="lock", text=text, exit=Exit.STORE)
    except StoreError as error:
        subject = "key" if isinstance(error, KeyUnavailable) else "store"
        return Finding(level="fail", subject=subject, text=str(error), exit=Exit.STORE)
    text = f"{path}, {described(profile)}"
    if profile.store == "plain":
        hint = f"; to encrypt it: aio-token logout {name}, aio-token login {name} --store encrypted"
        return Finding(level="warn", subject="store", text=text + hint)
    return Finding(level="ok", subject="store", text=text)


def _leftovers(name: str) -> Finding:
    path = token_file(name)
    damaged = sorted(path.parent.glob(f"{path.name}.corrupt-*"))
    if damaged:
        text = f"a damaged token was moved to {damaged[-1]}; look what damages files there; logout removes it"
        return Finding(level="warn", subject="damage", text=text)
    return Finding(level="ok", subject="damage", text="no token was ever found damaged")


async def _token(name: str) -> Finding:
    outlook = await outlook_of(name)
    return Finding(level="fail" if outlook.exit else "ok", subject="token", text=outlook.said, exit=outlook.exit)


async def _secret(name: str, profile: Profile) -> Finding:
    try:
        await reveal(secret_of(name, profile), "the client's secret")
    except TokenError as error:
        return Finding(level="fail", subject="secret", text=str(error), exit=exit_for(error))
    return Finding(level="ok", subject="secret", text="the client's secret is there")


async def _issuer(name: str, profile: Profile) -> Finding:
    from aio_token.oauth.provider import Provider  # noqa: PLC0415  brings aiohttp
    from aio_token.oauth.transport import Transport  # noqa: PLC0415

    try:
        provider = await Provider.discover(profile.issuer, transport=Transport(trust_env=True))
    except TokenError as error:
        return Finding(level="fail", subject="issuer", text=str(error), exit=exit_for(error))
    known = (profile.token_endpoint, profile.revocation_endpoint)
    if known != (provider.token_endpoint_url, provider.revocation_endpoint):
        text = f"its endpoints have moved since the sign-in; run: aio-token logout {name}, aio-token login {name}"
        return Finding(level="warn", subject="issuer", text=text)
    return Finding(level="ok", subject="issuer", text=f"{profile.issuer} describes itself as it did at the sign-in")


async def _endpoint(profile: Profile) -> AsyncIterator[Finding]:
    """Ask for nothing: any answer shows that the way is open, and tells the time there."""
    from aio_token.oauth.form import Request  # noqa: PLC0415
    from aio_token.oauth.sending import send  # noqa: PLC0415  brings aiohttp
    from aio_token.oauth.transport import Transport  # noqa: PLC0415
    from aio_token.oauth.url import origin_of  # noqa: PLC0415  brings yarl

    at = origin_of(profile.token_endpoint)
    began = time.time()
    try:
        request = Request(to=f"the token endpoint of {at}", url=profile.token_endpoint, method="GET")
        reply = await send(request, Transport(trust_env=True))
    except TokenError as error:
        yield Finding(level="fail", subject="endpoint", text=str(error), exit=exit_for(error))
        return
    yield Finding(level="ok", subject="endpoint", text=f"that of {at} answers")
    yield _clock(reply.headers.get("Date", ""), (began + time.time()) / 2)


def _clock(date: str, here: float) -> Finding:
    try:
        ahead = here - parsedate_to_datetime(date).timestamp() - 0.5  # a date is cut to the second
    except (TypeError, ValueError):
        # Keycloak sends no date, for one; nobody can mend that.
        return Finding(level="ok", subject="clock", text="not compared: the server does not say what time it is")
    if abs(ahead) > _TOLERANCE:
        which = "ahead of" if ahead > 0 else "behind"
        text = f"the clock here is {abs(ahead):.0f} s {which} the server's; set it: timedatectl set-ntp true"
        return Finding(level="warn", subject="clock", text=text)
    return Finding(level="ok", subject="clock", text="agrees with the server's")
