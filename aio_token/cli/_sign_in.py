"""A sign-in: its options, what the last one said, and its steps; what can fail without a person is tried first."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError, StoreError
from aio_token.cli import _client_secret, _profile_files
from aio_token.cli._client_secret import SECRET_VARIABLE, STORED
from aio_token.cli._encryption_key import KEYRING
from aio_token.cli._exits import run_to_end
from aio_token.cli._flows import SERVICE_ACCOUNT, choose_flow, grant_for, require_person
from aio_token.cli._key_choice import choose_key, open_keyring
from aio_token.cli._profile import Profile
from aio_token.cli._server import discover, endpoint_at
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.cli._tokens import tokens_of

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.cli._flows import Flow
    from aio_token.cli._profile import ClientAuth, StoreKind
    from aio_token.oauth.provider import Provider
    from aio_token.oauth.secret import Revealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `login`; `client_secret` tells where the secret is, and `key` the same of the key."""

    issuer: str | None = None
    client_id: str | None = None
    flow: Flow | None = None
    scope: str | None = None
    audience: str | None = None
    origins: tuple[str, ...] = ()
    store: StoreKind | None = None
    key_file: Path | None = None
    key: str | None = None
    client_secret: str | None = None
    client_auth: ClientAuth | None = None
    port: int = 0
    yes: bool = False

    def over(self, before: Profile) -> Options:
        """Return these options, and for the rest what the last sign-in used.

        A secret is the client's, so another client has another one; a stored one is read only where it was put.
        """
        issuer, client_id = self.issuer or before.issuer, self.client_id or before.client_id
        same_client = (issuer, client_id) == (before.issuer, before.client_id)
        moved = self.key_file is not None or self.store not in {None, before.store}
        lost = not same_client or (before.client_secret == STORED and moved)
        return replace(
            self,
            issuer=issuer,
            client_id=client_id,
            flow=self.flow or (SERVICE_ACCOUNT if before.grant == "client_credentials" else None),
            scope=self.scope or before.scope,
            audience=self.audience or before.audience,
            origins=self.origins or before.origins,
            store=self.store or before.store,
            key=None if self.key_file else before.key,
            client_secret=self.client_secret or (None if lost else before.client_secret),
            client_auth=self.client_auth or (before.client_auth if same_client and before.client_secret else None),
        )

    @property
    def secret_source(self) -> str | None:
        """Where to get the secret from.

        Only a service account has a default: what the environment holds may be another client's.
        """
        usual = f"env:{SECRET_VARIABLE}" if os.environ.get(SECRET_VARIABLE) else "prompt"
        return self.client_secret or (usual if self.flow == SERVICE_ACCOUNT else None)


def sign_in(name: str, options: Options) -> None:
    """Sign in, and keep the profile and its token. Raises `TokenError`."""
    before = _profile_files.find(name)
    if before is not None:
        options = options.over(before)
    require_person(name, options.flow)
    if not options.issuer or not options.client_id:
        message = f"there is no profile {name} yet: --issuer and --client-id are needed"
        raise click.UsageError(message)
    # What may ask a person is outside of the event loop, where Ctrl-C ends a prompt.
    source, typed = _client_secret.read_once(options.secret_source)
    key = None if options.store == "plain" else _key(options, None if before is None else Session(name, before))
    run_to_end(_sign_in(name, replace(options, client_secret=source, key=key), before, typed))


def _key(options: Options, before: Session | None) -> str:
    """Return where the key comes from; a stored token keeps the key that it has. Raises `KeyUnavailable`."""
    if options.key is None or before is None:
        return choose_key(options.key_file, agreed=options.yes)
    if options.key == KEYRING:
        if not before.is_signed_in:
            return choose_key(None, agreed=options.yes)
        with before.advice():
            open_keyring(create=False)
    return options.key


async def _sign_in(name: str, options: Options, before: Profile | None, typed: Revealed[str] | None) -> None:
    provider = await discover(options.issuer or "")
    flow = options.flow or choose_flow(provider)
    session = Session(name, _profile(options, provider, flow))
    if before is not None:
        _refuse_to_replace(Session(name, before), session.profile)
    with _profile_files.tentatively(name, session.profile):
        endpoint = endpoint_at(provider, session, typed)
        with session.advice() if session.is_signed_in else nullcontext():
            async with tokens_of(session) as tokens:
                await tokens.sign_in(grant_for(flow, endpoint, session.profile, port=options.port))
        if tokens.status.unsaved:
            message = "you are not signed in, since the token could not be saved; repair that and sign in again"
            raise StoreError(message)
        if typed is not None:
            await _client_secret.keep(session, typed)
    say(f"Signed in at {session.profile.issuer}. The token of the profile {name} is kept {session.how_kept}.")
    if flow != SERVICE_ACCOUNT and not tokens.status.has_refresh_token:
        say("It cannot be renewed, because no refresh token came with it; --scope offline_access may bring one.")


def _profile(options: Options, provider: Provider, flow: Flow) -> Profile:
    return Profile(
        issuer=provider.issuer,
        client_id=options.client_id or "",
        token_endpoint=provider.token_endpoint_url,
        revocation_endpoint=provider.revocation_endpoint,
        grant="client_credentials" if flow == SERVICE_ACCOUNT else "refresh_token",
        scope=options.scope,
        audience=options.audience,
        client_auth=(options.client_auth or _usual_auth(provider)) if options.client_secret else "none",
        client_secret=options.client_secret,
        store=options.store or "encrypted",
        key=options.key,
        origins=options.origins,
    )


def _usual_auth(provider: Provider) -> ClientAuth:
    """Return how the issuer wants the secret: in a header if it does not say (RFC 8414 section 2)."""
    supported = provider.metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"


def _refuse_to_replace(before: Session, profile: Profile) -> None:
    """Leave a session alone that belongs to another client or is kept in another way (law E4)."""
    if not before.is_signed_in:
        return
    old = before.profile
    kept = (old.token_endpoint, old.client_id, old.store, old.key)
    if kept != (profile.token_endpoint, profile.client_id, profile.store, profile.key):
        message = (
            f"the profile {before.name} is signed in at {old.issuer} as {old.client_id}, its token "
            f"{before.how_kept}; to change that run: aio-token logout {before.name} first, or name another profile"
        )
        raise ConfigurationError(message)
