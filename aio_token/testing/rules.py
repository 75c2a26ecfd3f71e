"""How an authorization server treats tokens: servers differ in this, and clients have to cope with all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aio_token._clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token._clock import Clock


@dataclass(kw_only=True, eq=False, repr=False)
class Rules:
    """What is issued and for how long, in seconds. Every rule may be changed while the server runs.

    With `rotation` each refresh spends the refresh token and gives a new one. A spent token that is presented again
    revokes its whole family, the newest token included, unless it comes within `grace` seconds of the first time: then
    the first answer is given again, with the same tokens and a fresh `expires_in`.

    `pkce` demands a challenge by S256 of a browser's sign-in, `device_pkce` of a device's, as Keycloak can.

    `pushed_only` takes no browser whose authorization request was not pushed before (RFC 9126), and the metadata says
    so; what is pushed counts for one browser and for `pushed_lifetime`.

    `device_lifetime` and `device_interval` are what a device that waits for a person is told (RFC 8628 section 3.2).

    With `dpop` a token is bound to the key that its request proves (RFC 9449), and so is a public client's refresh
    token; a request without a proof gets a bearer token. `dpop_nonce` is what proofs have to carry then, and every
    answer says it; put another one in its place at any time.

    `registration` lets programs register themselves (RFC 7591); `client_secret_lifetime` None: secrets do not end.
    `client_documents` takes the address of a client id metadata document for a client's id. `exact_redirects` compares
    the ports of registered redirect addresses, too.

    `refresh_lifetime` None: refresh tokens do not end. `revoke_old_access_token`: a refresh ends the access token
    before it at once, as django-oauth-toolkit does. `revocation_ends_grant`: revoking a refresh token ends all sessions
    of its user and its client, as Google does. `jwt`: access tokens are JWTs (RFC 9068), opaque otherwise. A user's
    token for the scope `openid` comes with an ID token, whose signature means nothing. `extra` is put into every token
    answer, over the members that are there; a member that is `...` is left out.

    `certificate_bound`: tokens are bound to the certificate that the client shows as it asks for them, and those that
    refresh a client without any proof of its own as well (RFC 8705 sections 3 and 4).
    """

    lifetime: float = 60.0
    refresh_lifetime: float | None = None
    pkce: bool = True
    device_pkce: bool = False
    pushed_only: bool = False
    pushed_lifetime: float = 30.0
    device_lifetime: float = 600.0
    device_interval: float = 5.0
    dpop: bool = False
    dpop_nonce: str | None = None
    rotation: bool = True
    grace: float = 0.0
    revoke_old_access_token: bool = False
    revocation_ends_grant: bool = False
    jwt: bool = False
    certificate_bound: bool = False
    registration: bool = False
    client_secret_lifetime: float | None = None
    client_documents: bool = False
    exact_redirects: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)
    clock: Clock = SYSTEM_CLOCK
