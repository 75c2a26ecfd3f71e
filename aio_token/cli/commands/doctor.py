"""`aio-token doctor`: finds what is wrong with a profile, and names the command that repairs it."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError, KeyUnavailable, StoreError, TokenError
from aio_token.cli._encryption_key import KEYRING, key_source
from aio_token.cli._exits import Exit, exit_for, run_to_end
from aio_token.cli._finding import Finding, failure
from aio_token.cli._network import transport_of
from aio_token.cli._options import profile_argument
from aio_token.cli._profile_status import look_at
from aio_token.cli._server import answer_to_nothing, discover, proofs_of
from aio_token.cli._session import Session
from aio_token.cli._store_address import store_options
from aio_token.cli._store_check import findings_of
from aio_token.cli._terminal import show
from aio_token.oauth.secret import reveal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_token.cli._finding import Level
    from aio_token.cli._store_address import Where
    from aio_token.oauth.secret import Secret

_LOCK_PATIENCE = 2.0  # seconds: a renewal holds the lock for one request
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_UNAVAILABLE = {429, 500, 502, 503, 504}
_TOLERANCE = 30.0  # seconds by which clocks may differ; a client's JWT lives 60


@click.command()
@profile_argument(or_store=True)
@click.argument("name", metavar="[SESSION]", required=False)
@store_options("profile")
def command(name: str | None, *, where: Where | None, profile: str = "") -> int:
    """Check a profile: files and their modes, lock, key, token, issuer, clock.

    A line each: ok, warn or fail, and what repairs it. The exit code is that of the first failure. Nothing is renewed.

    Instead of PROFILE, a store on a server: whether a session would be kept there. With a SESSION it is the store of
    that one, else the one of a program's users.
    """
    if where is not None:
        return run_to_end(_examine(findings_of(where, name)))
    if name is not None:
        message = f"there is one profile at a time, and {profile} is no store: that is an address, or env:VARIABLE"
        raise click.UsageError(message)
    try:
        session = Session.load(profile)
    except (ConfigurationError, StoreError) as error:
        _report(failure("profile", error))
        return exit_for(error)
    return run_to_end(_examine(findings(session)))


async def _examine(found: AsyncIterator[Finding]) -> Exit:
    code = Exit.DONE
    async for finding in found:
        _report(finding)
        code = code or finding.exit
    return code


def _report(finding: Finding) -> None:
    label = click.style(f"{finding.level:4}", fg=_COLOURS[finding.level])
    show(f"  {finding.subject:8}  {finding.text}", label=label)


async def findings(session: Session, *, patience: float = _LOCK_PATIENCE) -> AsyncIterator[Finding]:
    """Look at a profile, nearest things first, and wait for its lock for `patience` seconds."""
    yield Finding(level="ok", subject="profile", text=str(session.profile_file))
    kept = await _storage(session, patience)
    yield kept
    if not kept.exit and session.profile.store == "encrypted" and session.profile.key in {None, KEYRING}:
        yield await _keyring(session)
    yield _damage(session)
    yield _token(session)
    for what, secret in proofs_of(session):
        yield await _secret(secret, what)
    if session.profile.certificate is not None:
        yield await _certificate(session)
    if session.profile.token_url is None:
        yield await _issuer(session)
    async for finding in _endpoint(session):
        yield finding


async def _storage(session: Session, patience: float) -> Finding:
    path, name = session.token_file, session.name
    try:
        async with asyncio.timeout(patience):
            await session.store.probe()
    except TimeoutError:
        text = f"another process has locked {path}.lock for {patience:g} s; to see which, run: fuser '{path}.lock'"
        return Finding(level="fail", subject="lock", text=text, exit=Exit.STORE)
    except StoreError as error:
        subject = "key" if isinstance(error, KeyUnavailable) else "store"
        return Finding(level="fail", subject=subject, text=str(error), exit=Exit.STORE)
    text = f"{path}, {session.how_kept}"
    if session.profile.store == "plain":
        hint = f"; to encrypt it: aio-token logout {name}, aio-token login {name} --store encrypted"
        return Finding(level="warn", subject="store", text=text + hint)
    return Finding(level="ok", subject="store", text=text)


async def _keyring(session: Session) -> Finding:
    began = time.perf_counter()
    await asyncio.to_thread(key_source(session.profile.key).key, b"")
    took = time.perf_counter() - began
    text = f"takes {took:.2f} s of each `token`, which a key file does not: aio-token login --key-file FILE"
    return Finding(level="ok", subject="keyring", text=text)


def _damage(session: Session) -> Finding:
    path = session.token_file
    damaged = sorted(path.parent.glob(f"{path.name}.corrupt-*"))
    if damaged:
        text = f"a damaged token was moved to {damaged[-1]}; find out what damages files there; logout removes it"
        return Finding(level="warn", subject="damage", text=text)
    return Finding(level="ok", subject="damage", text="no token was ever found damaged")


def _token(session: Session) -> Finding:
    status = look_at(session.name)
    code = status.exit or (Exit.SIGN_IN if status.is_refused else Exit.DONE)
    level: Level = "fail" if code else "warn" if status.failures else "ok"
    return Finding(level=level, subject="token", text=status.sentence, exit=code)


async def _secret(secret: Secret, what: str) -> Finding:
    try:
        await reveal(secret, f"the {what}")
    except TokenError as error:
        return failure("secret", error)
    return Finding(level="ok", subject="secret", text=f"the {what} can be read")


async def _certificate(session: Session) -> Finding:
    try:
        await transport_of(session.profile).tls()
    except ConfigurationError as error:
        return failure("cert", error)
    return Finding(level="ok", subject="cert", text=f"{session.profile.certificate} can be shown")


async def _issuer(session: Session) -> Finding:
    profile, name = session.profile, session.name
    try:
        provider = await discover(profile)
    except TokenError as error:
        return failure("issuer", error)
    known = (profile.token_endpoint, profile.revocation_endpoint)
    if known != (provider.token_endpoint_url, provider.revocation_endpoint):
        text = f"its endpoints have moved since the sign-in; run: aio-token logout {name}, aio-token login {name}"
        return Finding(level="warn", subject="issuer", text=text)
    return Finding(level="ok", subject="issuer", text=f"{profile.issuer} describes itself as it did at the sign-in")


async def _endpoint(session: Session) -> AsyncIterator[Finding]:
    """Ask for nothing: a refusal shows that the endpoint can be reached, and what time it is there."""
    from aio_token.oauth.url import origin_of

    url = session.profile.token_alias or session.profile.token_endpoint
    at = origin_of(url)
    began = time.time()
    try:
        reply = await answer_to_nothing(url, f"the token endpoint of {at}", transport_of(session.profile))
    except TokenError as error:
        yield failure("endpoint", error)
        return
    if reply.status in _UNAVAILABLE:
        text = f"that of {at} answers {reply.status}; try again later"
        yield Finding(level="fail", subject="endpoint", text=text, exit=Exit.LATER)
    else:
        yield Finding(level="ok", subject="endpoint", text=f"that of {at} answers")
    yield _clock(reply.headers.get("Date", ""), (began + time.time()) / 2)


def _clock(date: str, here: float) -> Finding:
    try:
        ahead = here - parsedate_to_datetime(date).timestamp() - 0.5  # a date is cut to the second
    except (TypeError, ValueError):
        # Keycloak sends no date, for one, and the user cannot change that.
        return Finding(level="ok", subject="clock", text="not compared: the server does not say what time it is")
    if abs(ahead) > _TOLERANCE:
        which = "ahead of" if ahead > 0 else "behind"
        text = f"the clock here is {abs(ahead):.0f} s {which} the server's; set it: timedatectl set-ntp true"
        return Finding(level="warn", subject="clock", text=text)
    return Finding(level="ok", subject="clock", text="agrees with the server's")
