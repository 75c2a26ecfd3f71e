"""What somebody wants of a sign-in, and what was wanted the last time."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from aio_token.cli._client import SECRET_VARIABLE, STORED

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.cli._profile import ClientAuth, Profile, StoreKind

Flow = Literal["browser", "device", "service-account"]
"""The authorization code with a browser of this machine, a code for any device, or no person at all."""
ACCOUNT: Literal["service-account"] = "service-account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
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

    def over(self, before: Profile) -> Wishes:
        """Return these wishes, and for the rest those of the last sign-in.

        A secret is the client's, so another client has another one; one that is stored is read where it was put.
        """
        issuer, client_id = self.issuer or before.issuer, self.client_id or before.client_id
        same_client = (issuer, client_id) == (before.issuer, before.client_id)
        moved = self.key_file is not None or self.store not in {None, before.store}
        lost = not same_client or (before.client_secret == STORED and moved)
        return replace(
            self,
            issuer=issuer,
            client_id=client_id,
            flow=self.flow or (ACCOUNT if before.grant == "client_credentials" else None),
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

        Only a service account has one without being told: what the environment holds may be another client's.
        """
        usual = f"env:{SECRET_VARIABLE}" if os.environ.get(SECRET_VARIABLE) else "prompt"
        return self.client_secret or (usual if self.flow == ACCOUNT else None)
