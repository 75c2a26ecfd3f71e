"""Keycloak, with a public client for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aio_token import PrivateKeyJWT, PublicClient
from tests.keycloak.realm import BOT_SECRET
from tests.support.acceptance import Acceptance, Exchanges, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.keycloak.administration import Administration
    from tests.keycloak.server import Keycloak


@pytest.fixture
async def server(keycloak: Keycloak, administration: Administration) -> AsyncIterator[Server]:
    """Say which clients the realm has; tokens outlive a test on a loaded machine."""
    async with administration.tokens_live(600):
        yield Server(
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
