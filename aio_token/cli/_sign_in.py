"""A sign-in, step by step; what can fail without a person is tried first."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from aio_token._errors import ConfigurationError, StoreError
from aio_token.cli import _client_secret, _profile_files
from aio_token.cli._encryption_key import KEYRING
from aio_token.cli._exits import run_to_end
from aio_token.cli._flows import SERVICE_ACCOUNT, choose_flow, grant_for, require_person
from aio_token.cli._key_choice import choose_key, open_keyring
from aio_token.cli._profile import Profile
from aio_token.cli._server import discover, endpoint_at, proofs_of
from aio_token.cli._session import Session
from aio_token.cli._terminal import say
from aio_token.cli._tokens import tokens_of
from aio_token.oauth.secret import reveal

if TYPE_CHECKING:
    from aio_token.cli._flows import Flow
    from aio_token.cli._login_options import Options
    from aio_token.cli._profile import ClientAuth
    from aio_token.oauth.provider import Provider
    from aio_token.oauth.secret import Revealed


def sign_in(name: str, options: Options) -> None:
    """Sign in, and keep the profile and its token. Raises `TokenError`."""
    before = _profile_files.find(name)
    if before is not None:
        options = options.over(before)
    require_person(name, options.flow)
    if not (options.issuer or options.token_url) or not options.client_id:
        message = (
            f"there is no profile {name} yet: --issuer and --client-id are needed, or --token-url where an issuer has "
            "no metadata"
        )
        raise click.UsageError(message)
    if options.client_key is None and (options.client_key_alg or options.client_key_id or options.client_certificate):
        message = "--client-key-alg, --client-key-id and --client-certificate are of a key: pass --client-key-from too"
        raise click.UsageError(message)
    if options.certificate is None and options.certificate_key is not None:
        message = "--certificate-key is the key of a certificate: pass --certificate too"
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
    provider = await discover(options)
    flow = options.flow or choose_flow(provider)
    session = Session(name, _profile(options, provider, flow))
    if before is not None:
        _refuse_to_replace(Session(name, before), session.profile)
    if typed is None and flow != SERVICE_ACCOUNT:  # no person signs in for a client that cannot prove itself
        for what, secret in proofs_of(session):
            await reveal(secret, f"the {what}")
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
    say(f"Signed in at {session.profile.server}. The token of the profile {name} is kept {session.how_kept}.")
    if flow != SERVICE_ACCOUNT and not tokens.status.has_refresh_token:
        say("It cannot be renewed, because no refresh token came with it; --scope offline_access may bring one.")


def _profile(options: Options, provider: Provider, flow: Flow) -> Profile:
    return Profile(
        issuer=provider.issuer or None,
        # Where the metadata's own address was given for the issuer, it is asked again.
        metadata_url=options.metadata_url or (options.issuer if options.issuer != provider.issuer else None),
        token_url=options.token_url,
        authorization_url=options.authorization_url,
        device_url=options.device_url,
        revocation_url=options.revocation_url,
        push_url=options.push_url,
        client_id=options.client_id or "",
        token_endpoint=provider.token_endpoint_url,
        revocation_endpoint=provider.revocation_endpoint,
        **_aliases(provider, options),
        grant="client_credentials" if flow == SERVICE_ACCOUNT else "refresh_token",
        scope=options.scope,
        audience=options.audience,
        resource=options.resource,
        redirect_uri=options.redirect_uri,
        authorization_details=options.authorization_details,
        push=options.push or ("always" if options.push_url else None),
        client_auth=_auth(options, provider),
        client_secret=options.client_secret,
        client_key=options.client_key,
        client_key_alg=options.client_key_alg,
        client_key_id=options.client_key_id,
        client_certificate=options.client_certificate,
        assertion=options.assertion,
        certificate=options.certificate,
        certificate_key=options.certificate_key,
        ca_file=options.ca_file,
        proxy=options.proxy,
        store=options.store or "encrypted",
        key=options.key,
        origins=options.origins,
        dpop=bool(options.dpop),
    )


def _aliases(provider: Provider, options: Options) -> dict[str, str]:
    """Return where a client with a certificate asks, if the metadata says so (RFC 8705 section 5)."""
    aliases = provider.metadata.get("mtls_endpoint_aliases") if options.certificate else None
    named = {"token_alias": "token_endpoint", "revocation_alias": "revocation_endpoint"}
    known = {name: aliases.get(endpoint) for name, endpoint in named.items()} if isinstance(aliases, dict) else {}
    return {name: url for name, url in known.items() if isinstance(url, str)}


def _auth(options: Options, provider: Provider) -> ClientAuth:
    """Return how the client proves who it is: with a secret in a header if the issuer does not say (RFC 8414 2)."""
    if options.client_key:
        return "private_key_jwt"
    if not options.client_secret:
        return "none"
    if options.client_auth:
        return options.client_auth
    supported = provider.metadata.get("token_endpoint_auth_methods_supported")
    if not isinstance(supported, list) or not supported or "client_secret_basic" in supported:
        return "client_secret_basic"
    return "client_secret_post"


def _refuse_to_replace(before: Session, profile: Profile) -> None:
    """Leave a session alone that belongs to another client or is kept in another way (law E4)."""
    if not before.is_signed_in:
        return
    old = before.profile
    kept = (old.token_endpoint, old.client_id, old.store, old.key)
    if kept != (profile.token_endpoint, profile.client_id, profile.store, profile.key):
        message = (
            f"the profile {before.name} is signed in at {old.server} as {old.client_id}, its token "
            f"{before.how_kept}; to change that run: aio-token logout {before.name} first, or name another profile"
        )
        raise ConfigurationError(message)
