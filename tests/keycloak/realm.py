"""The realm that the tests use: `demo-realm.json`, and a key pair that is made anew for each server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "demo"
API_SECRET = "test only: the API's secret"
BOT_SECRET = "test only: 100% s+cret/é"
PASSWORD = "test only: alice's password"


def signing_key() -> ECKey:
    """Make the key of the client `signer`."""
    return ECKey.generate_key("P-256", {"kid": "signer", "use": "sig", "alg": "ES256"})


def realm_file(key: ECKey, callback: str) -> str:
    """Return the text of the realm file, for a server that is to know who signs, and `partner`, by that key.

    Web applications are at the callback.
    """
    realm = json.loads((Path(__file__).parent / f"{NAME}-realm.json").read_text(encoding="utf-8"))
    public: Mapping[str, object] = key.as_dict(private=False)
    for client in realm["clients"]:
        if "jwks.string" in client.get("attributes", {}):
            client["attributes"]["jwks.string"] = json.dumps({"keys": [public]})
        if client.get("redirectUris") == ["SECURE_CALLBACK"]:
            client["redirectUris"] = [callback]
    (partner,) = realm["identityProviders"]
    partner["config"]["publicKeySignatureVerifier"] = key.as_pem(private=False).decode()
    return json.dumps(realm)
