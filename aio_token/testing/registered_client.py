"""A client as an authorization server knows it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aio_token._ground.public import public

if TYPE_CHECKING:
    from collections.abc import Collection

SECRET = "a-secret-that-is-known-to-all-who-read-this"
"""The secret of the client `bot` that a test server knows; long enough for HS256."""

METHODS = {
    "client_assertion_jwt": ("client_secret_jwt", "private_key_jwt"),
    "mutual_tls": ("tls_client_auth", "self_signed_tls_client_auth"),
}
"""What RFC 7591 calls by several names, by the kit's name for it."""


@public
@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A registration (RFC 7591).

    `public_key` is a JWK, as a dict. `tls_subject` is the subject of the client's certificate, such as `CN=bot`
    (`tls_client_auth`, RFC 8705 section 2.1), and `tls_thumbprint` the `x5t#S256` of a self-signed one (section 2.2).
    `auth_methods` names the methods of RFC 7591 that are taken at the token endpoint; None: every one that the client
    has the means for, or `none` where it has no means. `grants` None: all. `redirect_uris` None: every address of this
    machine.
    """

    client_id: str
    secret: str | None = field(default=None, repr=False)
    public_key: dict[str, str | list[str]] | None = field(default=None, repr=False, kw_only=True, hash=False)
    tls_subject: str | None = field(default=None, kw_only=True)
    tls_thumbprint: str | None = field(default=None, kw_only=True)
    auth_methods: Collection[str] | None = field(default=None, kw_only=True)
    grants: Collection[str] | None = field(default=None, kw_only=True)
    redirect_uris: Collection[str] | None = field(default=None, kw_only=True)

    def allows(self, method: str) -> bool:
        """Whether the client may authenticate in this way."""
        if self.auth_methods is not None:
            return method in self.auth_methods
        if method == "private_key_jwt":
            return self.public_key is not None
        if method == "tls_client_auth":
            return self.tls_subject is not None
        if method == "self_signed_tls_client_auth":
            return self.tls_thumbprint is not None
        if method == "none":
            return self.is_public
        return self.secret is not None

    @property
    def is_public(self) -> bool:
        """Whether the client has no means to prove who it is."""
        return {None} == {self.secret, self.tls_subject, self.tls_thumbprint} and self.public_key is None

    def shows(self, subject: str, thumbprint: str | None) -> bool:
        """Whether a certificate proves that it is this client."""
        by_subject = self.allows("tls_client_auth") and subject == self.tls_subject
        return by_subject or (self.allows("self_signed_tls_client_auth") and thumbprint == self.tls_thumbprint)

    # What Authlib asks a client (authlib.oauth2.rfc6749.ClientMixin).

    def get_client_id(self) -> str:
        """Return the client's identifier."""
        return self.client_id

    def check_client_secret(self, secret: str) -> bool:
        """Whether this is the client's secret."""
        return self.secret is not None and hmac.compare_digest(self.secret.encode(), secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client may authenticate in this way."""
        return any(map(self.allows, METHODS.get(method, (method,))))

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use this grant."""
        return self.grants is None or grant_type in self.grants
