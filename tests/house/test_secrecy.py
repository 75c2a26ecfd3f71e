"""Secrets stay out of sight: canaries in every place that holds a secret, on every path that shows something."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import (
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ClientSecretPost,
    Credential,
    DeviceGrant,
    FileTokenStore,
    MemoryTokenStore,
    PasswordGrant,
    RefreshTokenGrant,
    StaticToken,
    Token,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from aio_token.testing import AuthorizationServer, Broken, Dropped, RateLimited
from tests.support.exposure import SECRETS, exposure

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.events import Event

CANARY = "canary-7f3a"
ENDPOINT = TokenEndpoint("https://id.example/token", ClientSecretBasic("bot", CANARY))
TOKEN = Token(access_token=CANARY, extra={"id_token": CANARY})
CREDENTIAL = Credential(token=TOKEN, refresh_token=CANARY)
HOLDERS: list[Any] = [
    TOKEN,
    CREDENTIAL,
    ClientSecretBasic("bot", CANARY),
    ClientSecretPost("bot", CANARY),
    ENDPOINT,
    RefreshTokenGrant(ENDPOINT, first=CANARY),
    ClientCredentialsGrant(ENDPOINT),
    PasswordGrant(ENDPOINT, "ada", CANARY),
    DeviceGrant(ENDPOINT),
    StaticToken(CANARY),
    MemoryTokenStore(CREDENTIAL),
    TokenRepository(RefreshTokenGrant(ENDPOINT, first=CANARY), MemoryTokenStore(CREDENTIAL)),
    BearerMiddleware(StaticToken(CANARY), "https://api.example"),
]


def name_of(value: object) -> str:
    """Name a parameter by its type: the value's repr is what the test is about."""
    return type(value).__name__


@pytest.mark.parametrize("holder", HOLDERS, ids=name_of)
def test_nothing_that_holds_a_secret_shows_it(holder: Any) -> None:
    """Law G1: repr, str and format of every public object are free of its secrets."""
    for shown in (repr(holder), str(holder), f"{holder}", f"{[holder]}"):
        assert CANARY not in shown


@pytest.mark.parametrize("holder", [TOKEN, CREDENTIAL], ids=name_of)
def test_values_are_not_pickled(holder: object) -> None:
    """Law G1: the refusal says what to do instead, and shows nothing; a copy is the value itself."""
    with pytest.raises(TypeError, match="share a TokenStore instead") as refusal:
        pickle.dumps(holder)
    assert CANARY not in exposure(refusal.value)
    assert copy.copy(holder) is copy.deepcopy(holder) is holder


FAULTS = [
    Broken(status=500, body=b"canary-body"),
    Broken(status=200, body={"access_token": "canary with blanks", "refresh_token": "canary-rotated"}),
    Broken(status=200, body={"access_token": "canary-a", "token_type": "mac"}),
    Broken(status=400, body={"error": "invalid_grant", "error_description": "no such token"}),
    Broken(status=401, body={"error": "invalid_client"}),
    Broken(status=302, body=b"canary-elsewhere"),
    Dropped(),
    RateLimited(retry_after=7),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_no_error_shows_a_secret(fault: Any, tmp_path: Path) -> None:
    """Law G1: nor does any frame of ours on its traceback, its causes, or an event about it."""
    events: list[Event] = []
    async with AuthorizationServer() as server:
        client = ClientSecretBasic(server.client.client_id, lambda: server.client.secret or "")
        grant = RefreshTokenGrant(TokenEndpoint(server.token_url, client), first=server.sign_in())
        async with TokenRepository(grant, FileTokenStore(tmp_path / "token.json"), observer=events.append) as tokens:
            server.inject(fault)
            errors = await asyncio.gather(*(tokens.token() for _ in range(3)), return_exceptions=True)
    for error in errors:
        assert isinstance(error, TokenError)
        assert not SECRETS.search(exposure(error))
    assert events
    assert not SECRETS.search(repr(events))


async def test_a_failure_keeps_its_secrets_in_asyncio_s_debug_mode() -> None:
    """Law G1: debug mode reports slow callbacks, tasks and exceptions, and none of them shows a token."""
    asyncio.get_running_loop().set_debug(True)
    async with AuthorizationServer() as server:
        grant = RefreshTokenGrant(
            TokenEndpoint(server.token_url, ClientSecretBasic("bot", "canary-wrong")), first="canary-x"
        )
        async with TokenRepository(grant) as tokens:
            with pytest.raises(TokenError) as failure:
                await tokens.token()
    assert not SECRETS.search(exposure(failure.value))


def test_the_check_of_secrets_can_fail() -> None:
    """A secret in plain sight is found: in a local variable of a frame, and by its shape."""
    namespace: dict[str, Any] = {}
    exec(compile("def careless(secret):\n    raise ValueError(len(secret))", "<not a test>", "exec"), namespace)  # noqa: S102
    with pytest.raises(ValueError, match="11") as failure:
        namespace["careless"](CANARY)
    assert CANARY in exposure(failure.value)
    assert SECRETS.search(exposure(failure.value))
