"""The client of a profile, and where its secret is: never on a command line, never in the profile."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aio_token._credential import Credential
from aio_token._errors import ConfigurationError, SignInRequired
from aio_token.cli._keys import store_of
from aio_token.cli._places import client_secret_file
from aio_token.oauth.client_auth import ClientSecretBasic, ClientSecretPost, PublicClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_token.cli._profile import Profile
    from aio_token.oauth.client_auth import ClientAuthentication
    from aio_token.oauth.secret import Revealed, Secret

SECRET_VARIABLE = "AIO_TOKEN_CLIENT_SECRET"
STORED = "stored"
"""The secret was typed in, and is kept as the token is."""


def client_of(name: str, profile: Profile, typed: Revealed[str] | None = None) -> ClientAuthentication:
    """Return the client; `typed` is a secret that is not stored yet."""
    if profile.client_secret is None:
        return PublicClient(profile.client_id)
    secret = secret_of(name, profile) if typed is None else lambda: typed.value
    kind = ClientSecretPost if profile.client_auth == "client_secret_post" else ClientSecretBasic
    return kind(profile.client_id, secret)


async def keep_secret(name: str, profile: Profile, typed: Revealed[str]) -> None:
    """Store a secret that was typed in. Raises `StoreError`."""
    async with store_of(profile, client_secret_file(name)).exclusive() as slot:
        # A store keeps credentials: the secret stands where the other long-lived secret stands.
        await slot.save(Credential(refresh_token=typed.value))


async def forget_secret(name: str, profile: Profile) -> None:
    """Remove a stored secret. Raises `StoreError`."""
    async with store_of(profile, client_secret_file(name)).exclusive() as slot:
        await slot.delete()


def secret_of(name: str, profile: Profile) -> Secret:
    """Return what reads the client's secret, each time that it is needed."""
    kind, _, detail = (profile.client_secret or "").partition(":")
    if kind == "env":
        return partial(_from_environment, detail)
    if kind == "file":
        return Path(detail).read_text
    return _from_store(name, profile)


def _from_environment(variable: str) -> str:
    if not os.environ.get(variable):
        message = f"the client's secret is not there: the environment variable {variable} is not set"
        raise ConfigurationError(message)
    return os.environ[variable]


def _from_store(name: str, profile: Profile) -> Callable[[], Awaitable[str]]:
    async def read() -> str:
        stored = await store_of(profile, client_secret_file(name)).load()
        if stored is None or stored.refresh_token is None:
            message = "the client's secret is not stored any more; sign in again"
            raise SignInRequired(message)
        return stored.refresh_token

    return read
