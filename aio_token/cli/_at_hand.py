"""A fresh token from the disk, without an event loop, a parser of options or anything of the network.

The everyday question, `aio-token token` with a good token stored, is asked before each request of a script and by each
`kubectl`, and most of what it used to cost was imports. It is answered here by the same functions that the rest uses:
they check the same permissions, formats and keys, and the same rules say what is fresh. Whatever is out of the
ordinary gets no answer here: the whole command line looks again, and says what there is to say.
"""

from __future__ import annotations

import os
import time

from aio_token._bound.token import DPoPToken
from aio_token._clock import SYSTEM_CLOCK
from aio_token._errors import TokenError
from aio_token._freshness import CachedToken, Question, Windows
from aio_token._ground import TYPE_CHECKING
from aio_token._lineage import served
from aio_token.cli._durations import duration
from aio_token.cli._encryption_key import KEYRING
from aio_token.cli._formats import FORMATS
from aio_token.cli._id_token import found_in
from aio_token.cli._profile import PROFILE_VARIABLE, is_name
from aio_token.cli._profile_files import chosen
from aio_token.cli._session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_token._token import Token

_MOST_JITTER = 1.0  # what is fresh with it is fresh with any


def answer(arguments: Sequence[str]) -> str | None:
    """Return what `token` prints, a line without its end; None if that is not for here."""
    asked = _understood(arguments)
    if asked is None:
        return None
    name, form, id_token, min_valid = asked
    try:
        token = _fresh(Session.load(name or os.environ.get(PROFILE_VARIABLE) or chosen()), min_valid)
        if token is not None and id_token:
            token = found_in(token)
            token = token if token.expires_at is None or token.expires_at >= time.time() + min_valid else None
    except TokenError:
        return None
    return None if token is None else FORMATS[form](token)


def _understood(arguments: Sequence[str]) -> tuple[str | None, str, bool, float] | None:
    """Read `token [PROFILE] [--format FORMAT] [--id-token] [--min-valid DURATION]`, as the whole parser reads it."""
    name, form, id_token, words = None, "raw", False, list(arguments[1:])
    min_valid: float | None = 0.0
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if word == "--id-token":
            id_token = True
        elif option == "--format" and (equals or words):
            form = value if equals else words.pop(0)
        elif option == "--min-valid" and (equals or words):
            min_valid = duration(value if equals else words.pop(0))
        elif name is None and is_name(word):
            name = word
        else:
            return None
    if arguments[:1] != ["token"] or form not in FORMATS or min_valid is None:
        return None
    return name, form, id_token, min_valid


def _fresh(session: Session, min_valid: float) -> Token | None:
    """Return the stored token if it needs no renewal for so many seconds, as the repository judges.

    Raises `TokenError`.
    """
    if session.profile.store == "encrypted" and session.profile.key in {None, KEYRING}:
        return None  # a keyring takes its own time, and threads that give up on it
    stored = session.read_credential()
    if stored is None or served(stored, session.profile.issued_by) is None:
        return None
    cached = CachedToken.of(stored, Windows(), SYSTEM_CLOCK, renewal_took=None, jitter=_MOST_JITTER)
    token = Question(min_valid_for=min_valid).fresh(cached)
    return None if isinstance(token, DPoPToken) else token
