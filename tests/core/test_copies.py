"""Copies of what keeps a credential are the thing itself; pickles are refused."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pytest

from aio_token import BearerMiddleware, StaticToken, TokenRepository
from aio_token._clock import SYSTEM_CLOCK
from tests.support.doubles import RotatingGrant

if TYPE_CHECKING:
    from aio_token import TokenSource


@dataclass
class Options:
    """A library's configuration, which it copies deep."""

    tokens: TokenSource
    middleware: BearerMiddleware


@pytest.fixture(params=["repository", "static"])
def options(request: pytest.FixtureRequest) -> Options:
    """Return a configuration with a source of each kind."""
    source = StaticToken("abc") if request.param == "static" else TokenRepository(RotatingGrant(SYSTEM_CLOCK))
    return Options(source, BearerMiddleware(source, "https://api.example"))


async def test_a_copy_is_the_same_object(options: Options) -> None:
    """Law C10: a copied repository would present the refresh token a second time; before and after the first use."""
    for _ in range(2):
        assert copy.copy(options.tokens) is copy.deepcopy(options.tokens) is options.tokens
        assert asdict(options) == {"tokens": options.tokens, "middleware": options.middleware}
        await options.tokens.token()


async def test_a_pickle_is_refused_with_a_sentence(options: Options) -> None:
    """Law C10, G1: it would carry secrets to wherever pickles go, and present them there."""
    await options.tokens.token()
    for one in (options.tokens, options.middleware):
        with pytest.raises(TypeError, match=r"is not pickled, .* share a TokenStore instead"):
            pickle.dumps(one)
