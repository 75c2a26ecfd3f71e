"""The options of a sign-in, and what of the last one is remembered."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aio_token.cli._client_secret import SECRET_VARIABLE, STORED
from aio_token.cli._flows import SERVICE_ACCOUNT

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.cli._flows import Flow
    from aio_token.cli._profile import ClientAuth, Profile, Pushing, StoreKind

_OF_THE_SERVER = (
    "issuer",
    "metadata_url",
    "token_url",
    "authorization_url",
    "device_url",
    "revocation_url",
    "push_url",
)
_OF_THE_KEY = ("client_key_alg", "client_key_id", "client_certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `login`; of the client's secret, key or assertion, and of `key`, they tell where those are."""

    issuer: str | None = None
    metadata_url: str | None = None
    token_url: str | None = None
    authorization_url: str | None = None
    device_url: str | None = None
    revocation_url: str | None = None
    push_url: str | None = None
    client_id: str | None = None
    flow: Flow | None = None
    scope: str | None = None
    audience: str | None = None
    resource: tuple[str, ...] = ()
    authorization_details: str | None = None
    redirect_uri: str | None = None
    push: Pushing | None = None
    origins: tuple[str, ...] = ()
    store: StoreKind | None = None
    key_file: Path | None = None
    key: str | None = None
    client_secret: str | None = None
    client_auth: ClientAuth | None = None
    client_key: str | None = None
    client_key_alg: str | None = None
    client_key_id: str | None = None
    client_certificate: str | None = None
    assertion: str | None = None
    certificate: str | None = None
    certificate_key: str | None = None
    ca_file: str | None = None
    proxy: str | None = None
    dpop: bool | None = None
    port: int = 0
    yes: bool = False

    def over(self, before: Profile) -> Options:
        """Return these options, and for the rest what the last sign-in used.

        A secret is the client's, so another client has another one; a stored one is read only where it was put. The
        addresses are the server's, so another server has others.
        """
        same_server = self.issuer in {None, before.issuer, before.metadata_url} and self.token_url in {
            None,
            before.token_url,
        }
        server = {name: getattr(self, name) or getattr(before, name) for name in _OF_THE_SERVER} if same_server else {}
        if same_server and before.issuer is not None:
            server["issuer"] = before.issuer  # and not the address of its metadata
        client_id = self.client_id or before.client_id
        same_client = same_server and client_id == before.client_id
        moved = self.key_file is not None or self.store not in {None, before.store}
        proofs = {self.client_secret, self.client_key, self.assertion} - {None}  # a new one takes the place of the old
        lost = not same_client or (before.client_secret == STORED and moved) or bool(proofs - {self.client_secret})
        same_key = same_client and not proofs - {before.client_key}
        same_files = self.certificate in {None, before.certificate}
        key = {name: getattr(self, name) or getattr(before, name) for name in _OF_THE_KEY} if same_key else {}
        return replace(
            self,
            **server,
            **key,
            client_id=client_id,
            flow=self.flow or (SERVICE_ACCOUNT if before.grant == "client_credentials" else None),
            scope=self.scope or before.scope,
            audience=self.audience or before.audience,
            resource=self.resource or before.resource,
            authorization_details=self.authorization_details or before.authorization_details,
            redirect_uri=self.redirect_uri or before.redirect_uri,
            push=self.push or (before.push if same_client else None),
            origins=self.origins or before.origins,
            store=self.store or before.store,
            key=None if self.key_file else before.key,
            client_secret=self.client_secret or (None if lost else before.client_secret),
            client_auth=self.client_auth or (before.client_auth if same_client and before.client_secret else None),
            client_key=self.client_key or (before.client_key if same_key else None),
            assertion=self.assertion or (before.assertion if same_client and not proofs else None),
            certificate=self.certificate or (before.certificate if same_client else None),
            certificate_key=self.certificate_key or (before.certificate_key if same_client and same_files else None),
            ca_file=self.ca_file or before.ca_file,
            proxy=self.proxy or before.proxy,
            dpop=before.dpop if self.dpop is None else self.dpop,
        )

    @property
    def secret_source(self) -> str | None:
        """Where to get the secret from.

        Only a service account has a default: what the environment holds may be another client's.
        """
        usual = f"env:{SECRET_VARIABLE}" if os.environ.get(SECRET_VARIABLE) else "prompt"
        others = {self.client_key, self.assertion, self.certificate}
        wants_one = self.flow == SERVICE_ACCOUNT and others == {None}
        return self.client_secret or (usual if wants_one else None)
