"""The errors, sorted by what their reader should do about them."""

from __future__ import annotations

import traceback
from pathlib import Path

import aiohttp
import pytest

from aio_token import (
    ConfigurationError,
    Credential,
    GrantRefused,
    ServerUnavailable,
    SignInRequired,
    StoreError,
    TokenError,
)
from aio_token._errors import raise_alone, unforeseen, without_frames
from aio_token.grants import Rescued
from aio_token.stores import KeyUnavailable, LockTimeout, StoreCorrupt

PLAIN = (ConfigurationError, GrantRefused, KeyUnavailable, LockTimeout, SignInRequired, StoreCorrupt, StoreError)


def raised(error: Exception, cause: BaseException | None = None) -> Exception:
    """Raise the error from the cause, so that it has a traceback, and return it."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


@pytest.mark.parametrize("kind", [*PLAIN, ServerUnavailable, Rescued])
def test_every_error_is_a_token_error_and_none_is_aiohttps(kind: type[Exception]) -> None:
    """Law D10: aiohttp runs its middlewares again on errors of its own, which a token request's must never be."""
    assert issubclass(kind, TokenError)
    assert not issubclass(kind, aiohttp.ClientError)


def test_the_tree_asks_what_to_do() -> None:
    """A refused grant is a login that is required; what goes wrong with the storage is a `StoreError`."""
    assert issubclass(GrantRefused, SignInRequired)
    assert all(issubclass(kind, StoreError) for kind in (StoreCorrupt, KeyUnavailable, LockTimeout))
    assert not issubclass(StoreError, SignInRequired | ConfigurationError | ServerUnavailable)


@pytest.mark.parametrize("kind", PLAIN)
def test_again_gives_an_error_of_ones_own(kind: type[TokenError]) -> None:
    """Law C5: the copy says the same and has no traceback of another."""
    first = raised(kind("sign in again"), OSError("why"))
    assert isinstance(first, TokenError)
    copy = first.again()
    assert copy is not first
    assert type(copy) is kind
    assert str(copy) == "sign in again"
    assert copy.__cause__ is first.__cause__
    assert copy.__traceback__ is None


def test_again_keeps_what_an_error_carries() -> None:
    """`retry_after`, a rescued credential and notes stay with the copy."""
    unavailable = ServerUnavailable("try later", retry_after=7.0)
    unavailable.add_note("a note")
    rescued = Rescued(Credential(refresh_token="r"), unavailable)
    assert unavailable.again().retry_after == 7.0
    assert unavailable.again().__notes__ == ["a note"]
    assert rescued.again().credential is rescued.credential
    assert rescued.again().error is unavailable


def test_a_traceback_does_not_grow_with_its_readers() -> None:
    """Law C5: a thousand callers raise the same failure, and the last traceback is as long as the first."""
    failure = TokenError("no")
    lengths = {len(traceback.format_exception(raised(failure.again()))) for _ in range(1_000)}
    assert len(lengths) == 1
    assert failure.__traceback__ is None


def test_a_rescue_says_what_the_error_behind_it_says() -> None:
    """Its text is that of the error which is raised after the credential is saved."""
    assert str(Rescued(Credential(), ConfigurationError("fix the scope"))) == "fix the scope"


def test_an_unforeseen_error_is_named_by_its_type_alone() -> None:
    """Law G1: a foreign message may hold anything, so it stays in the cause."""
    cause = KeyError("canary")
    error = unforeseen(cause)
    assert type(error) is TokenError
    assert str(error) == "the renewal failed with an unexpected error (KeyError); see its cause"
    assert error.__cause__ is cause


def test_frames_are_taken_off_a_whole_chain() -> None:
    """Law G1: neither the error nor its causes and contexts keep frames, whose local variables hold request bodies."""
    root = raised(ValueError("root"))
    middle = raised(OSError("middle"), root)
    middle.__context__ = context = raised(KeyError("context"))
    top = raised(RuntimeError("top"), middle)
    assert without_frames(top) is top
    assert [error.__traceback__ for error in (root, middle, context, top)] == [None] * 4
    assert top.__cause__ is middle


def test_notes_are_taken_off_a_whole_chain() -> None:
    """Law G1: what a library notes on its error may quote what it worked on, as `json` does since Python 3.14."""
    cause = raised(KeyError("cause"))
    cause.add_note("when serializing dict item 'canary'")
    top = raised(RuntimeError("top"), cause)
    top.add_note("about canary")
    without_frames(top)
    assert "canary" not in "".join(traceback.format_exception(top))
    assert not any(hasattr(error, "__notes__") for error in (top, cause))


def test_a_chain_that_bites_its_tail_is_walked_once() -> None:
    """Two errors that are each other's cause hang no reader."""
    one, other = raised(ValueError("one")), raised(ValueError("other"))
    one.__cause__, other.__cause__ = other, one
    without_frames(one)
    assert one.__traceback__ is other.__traceback__ is None


def raised_alone(ours: TokenError, *, because: bool = False) -> TokenError:
    """Raise an error while another one, that quotes a secret, is being handled."""
    try:
        try:
            Path("canary").read_bytes()
        except OSError as error:
            raise_alone(ours, because=error if because else None)
    except TokenError as caught:
        return caught
    raise AssertionError


def test_an_error_is_raised_alone() -> None:
    """Law G1: what was being handled is no context of it, whatever looks at the chain."""
    error = raised_alone(ConfigurationError("check the file"))
    assert error.__context__ is error.__cause__ is None
    assert error.__suppress_context__


def test_a_cause_is_kept_without_its_frames() -> None:
    """Law G1: the type and the message of a cause are enough, and it is told once."""
    error = raised_alone(ConfigurationError("check the file"), because=True)
    assert error.__context__ is None
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.__traceback__ is None


def test_an_error_that_is_raised_alone_keeps_the_cause_that_it_has() -> None:
    """It may have been told why before."""
    ours = raised(StoreError("no"), OSError("why"))
    assert isinstance(ours, StoreError)
    error = raised_alone(ours)
    assert str(error.__cause__) == "why"
    assert error.__context__ is None
