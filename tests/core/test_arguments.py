"""Constructors that are given something else say so at once, in a sentence."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aio_token import (
    BearerMiddleware,
    ConfigurationError,
    Limits,
    PublicClient,
    RefreshTokenGrant,
    StaticToken,
    TokenEndpoint,
    TokenRepository,
)

CANARY = "canary-9f8e7d"

if TYPE_CHECKING:
    from collections.abc import Callable

ENDPOINT = TokenEndpoint("https://id.example/token", PublicClient("bot"))
GRANT = RefreshTokenGrant(ENDPOINT)
WRONG: Any = CANARY

CASES: dict[str, tuple[Callable[[], object], str]] = {
    "a path for a store": (lambda: TokenRepository(GRANT, WRONG), "one such as FileTokenStore.path., not a str"),
    "an endpoint for a grant": (
        lambda: TokenRepository(ENDPOINT),  # type: ignore[arg-type]
        "takes a grant, such as RefreshTokenGrant.endpoint., not a TokenEndpoint",
    ),
    "a grant's class": (
        lambda: TokenRepository(RefreshTokenGrant),  # type: ignore[arg-type]
        "not the class RefreshTokenGrant: call it",
    ),
    "a number for limits": (lambda: TokenRepository(GRANT, limits=5), "limits takes a Limits"),  # type: ignore[arg-type]
    "a number for windows": (lambda: TokenRepository(GRANT, windows=5), "windows takes a Windows"),  # type: ignore[arg-type]
    "a text for a limit": (lambda: Limits(obtain=WRONG), "obtain is a number of seconds, 0 or more, not a str"),
    "no limit": (lambda: Limits(shutdown=None), "shutdown is a number of seconds, 0 or more, not a NoneType"),  # type: ignore[arg-type]
    "a period for a limit": (lambda: Limits(lock=timedelta(seconds=5)), "lock is a number .* not a timedelta"),  # type: ignore[arg-type]
    "a limit before now": (lambda: Limits(save=-1), "save is a number of seconds, 0 or more, not -1"),
    "a limit that is no number": (lambda: Limits(sign_in=math.nan), "sign_in is a number of seconds, .* not nan"),
    "a yes for a limit": (lambda: Limits(load=True), "load is a number of seconds, 0 or more, not True"),
    "a variable that is not set": (lambda: StaticToken(None), "missing, or no text; is the variable set"),  # type: ignore[arg-type]
    "a token's bytes": (lambda: StaticToken(CANARY.encode()), "missing, or no text"),  # type: ignore[arg-type]
    "a word that is none of the two": (
        lambda: TokenRepository(GRANT, unwritable=WRONG),
        "unwritable is one of 'refuse', 'serve'",
    ),
    "a person's name": (lambda: TokenRepository(GRANT, sign_in_with=WRONG), "sign_in_with takes a grant"),
    "a grant for a source": (
        lambda: BearerMiddleware(GRANT, "https://api.example"),  # type: ignore[arg-type]
        "takes a source of tokens, such as TokenRepository.grant., not a RefreshTokenGrant",
    ),
    "a token for a source": (lambda: BearerMiddleware(WRONG, "https://api.example"), "source of tokens, .* not a str"),
    "a list of origins": (
        lambda: BearerMiddleware(StaticToken("x"), ["https://api.example"]),  # type: ignore[arg-type]
        "name the origins one by one, as text such as https://api.example, not a list",
    ),
    "a wildcard": (
        lambda: BearerMiddleware(StaticToken("x"), "https://*.example"),
        r"https://\*\.example can never match, since there are no wildcards; name each origin",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_work_is_refused_at_once(case: str) -> None:
    """One sentence that says what is wanted and what came, and shows nothing of it: it may be a secret."""
    make, sentence = CASES[case]
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        make()
    assert CANARY not in str(refusal.value)


async def test_a_sign_in_by_what_is_no_grant() -> None:
    """The same sentence as for `sign_in_with`, and nothing was asked or stored."""
    with pytest.raises(ConfigurationError, match=r"sign_in takes a grant, such as DeviceGrant\(endpoint\), not a Tok"):
        await TokenRepository(GRANT).sign_in(ENDPOINT)  # type: ignore[arg-type]


def test_a_limit_may_have_no_end() -> None:
    """Those who want none write it so."""
    assert Limits(lock=math.inf, obtain=0).lock == math.inf
