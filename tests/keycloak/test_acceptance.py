"""Keycloak, with a public client for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aio_token import PrivateKeyJWT, PublicClient
from tests.keycloak.realm import BOT_SECRET
from tests.support.acceptance import Acceptance, Exchanges, Server

if TYPE_CHECKING:
    from tests.keycloak.server import Keycloak


@pytest.fixture
def server(keycloak: Keycloak) -> Server:
    """Say which clients the realm has."""
    return Server(
        issuer=keycloak.issuer,
        service=("bot", BOT_SECRET),
        people=PublicClient("cli"),
        stranger=PublicClient("cli"),
        signer=PrivateKeyJWT("signer", keycloak.signing_key, alg="ES256", kid="signer"),
        scopes=("address", "phone"),
    )


@pytest.mark.keycloak
@pytest.mark.timeout(1_800)  # seconds, the first download included
class TestKeycloak(Exchanges, Acceptance):
    """What has to work with every server."""
