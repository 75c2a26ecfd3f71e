"""A sign-in: what can go wrong without a person is tried before there is one."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError, StoreError
from aio_token.cli import _profiles
from aio_token.cli._client import client_of, keep_secret
from aio_token.cli._flow import chosen, expect_somebody, grant_for
from aio_token.cli._keys import choose_key, described
from aio_token.cli._people import say
from aio_token.cli._places import token_file
from aio_token.cli._profile import Profile
from aio_token.cli._session import session, what_helps
from aio_token.cli._typed_secret import received
from aio_token.cli._wishes import ACCOUNT
from aio_token.cli._work import work

if TYPE_CHECKING:
    from aio_token.cli._profile import ClientAuth
    from aio_token.cli._wishes import Flow, Wishes
    from aio_token.oauth.provider import Provider
    from aio_token.oauth.secret import Revealed


def sign_in(name: str, wishes: Wishes) -> None:
    """Sign in, and keep the profile and its token. Raises `TokenError`."""
    before = _profiles.find(name)
    if before is not None:
        wishes = wishes.over(before)
    expect_somebody(name, wishes.flow)
    if not wishes.issuer or not wishes.client_id:
        message = f"there is no profile {name} yet: --issuer and --client-id are needed"
        raise click.UsageError(message)
    # Outside of the event loop, where Ctrl-C ends a prompt.
    source, secret = received(wishes.secret_source)
    work(_sign_in(name, replace(wishes, client_secret=source), before, secret))


async def _sign_in(name: str, wishes: Wishes, before: Profile | None, secret: Revealed[str] | None) -> None:
    from aio_token.oauth.provider import Provider  # noqa: PLC0415  brings aiohttp
    from aio_token.oauth.transport import Transport  # noqa: PLC0415

    provider = await Provider.discover(wishes.issuer or "", transport=Transport(trust_env=True))
    flow = wishes.flow or chosen(provider)
    profile = await _profile(wishes, provider, flow)
    _refuse_to_replace(name, before, profile)
    async with _profiles.tried(name, profile):
        endpoint = provider.token_endpoint(client_of(name, profile, secret))
        with what_helps(name) if token_file(name).exists() else nullcontext():
            async with session(name, profile) as tokens:
                await tokens.sign_in(grant_for(flow, endpoint, profile, port=wishes.port))
        if tokens.status.unsaved:
            message = "nobody is signed in, since the token is not saved; mend that and sign in again"
            raise StoreError(message)
        if secret is not None:
            await keep_secret(name, profile, secret)
    say(f"Signed in at {profile.issuer}. The token of the profile {name} is kept {described(profile)}.")
    if flow != ACCOUNT and not tokens.status.has_refresh_token:
        say("It cannot be renewed, for no refresh token came with it; --scope offline_access may bring one.")


async def _profile(wishes: Wishes, provider: Provider, flow: Flow) -> Profile:
    store = wishes.store or "encrypted"
    return Profile(
        issuer=provider.issuer,
        client_id=wishes.client_id or "",
        token_endpoint=provider.token_endpoint_url,
        revocation_endpoint=provider.revocation_endpoint,
        grant="client_credentials" if flow == ACCOUNT else "refresh_token",
        scope=wishes.scope,
        audience=wishes.audience,
        client_auth=(wishes.client_auth or _usual_auth(provider)) if wishes.client_secret else "none",
        client_secret=wishes.client_secret,
        store=store,
        key=(wishes.key or await choose_key(wishes.key_file)) if store == "encrypted" else None,
        origins=wishes.origins,
    )


def _usual_auth(provider: Provider) -> ClientAuth:
    """Return how the issuer wants the secret: in a header if it does not say (RFC 8414 section 2)."""
    supported = provider.metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"


def _refuse_to_replace(name: str, before: Profile | None, profile: Profile) -> None:
    """Leave a session alone that belongs to another client or is kept in another way (law E4)."""
    if before is None or not token_file(name).exists():
        return
    kept = (before.token_endpoint, before.client_id, before.store, before.key)
    if kept != (profile.token_endpoint, profile.client_id, profile.store, profile.key):
        message = (
            f"the profile {name} is signed in at {before.issuer} as {before.client_id}, its token "
            f"{described(before)}; to change that run: aio-token logout {name} first, or name another profile"
        )
        raise ConfigurationError(message)
