"""What was asked for and what was granted, compared (law D13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token.events import ScopeMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._credential import Credential

_MOST_WORDS = 1_000  # of a granted scope (law H1)


def missing_scope(credential: Credential | None) -> str | None:
    """Return what was asked for and is not among what the server says that it granted (law D13), None for nothing.

    A server that says nothing granted what was asked (RFC 6749 section 5.1). Some write a word by its address or
    without it, and leave out the words that ask for another token once that has come.
    """
    token, issued_by = (credential.token, credential.issued_by) if credential is not None else (None, None)
    if credential is None or token is None or issued_by is None or not token.scope or not issued_by.scope:
        return None
    granted = token.scope.replace(",", " ").lower().split()[:_MOST_WORDS]
    answered = {"offline_access"} if credential.refresh_token else set()
    if "id_token" in token.extra:
        answered.add("openid")
    asked = dict.fromkeys(issued_by.scope.replace(",", " ").split())
    missing = [word for word in asked if word not in answered and not _is_among(granted, word.lower())]
    return " ".join(missing) or None


def tell_what_is_missing(
    credential: Credential | None, tell: Callable[..., object], *, before: str | None = None
) -> None:
    """Tell that the server granted less than was asked, unless the same was missing `before`."""
    missing = missing_scope(credential)
    if credential is not None and credential.token is not None and missing not in {None, before}:
        tell(ScopeMissing, missing=missing, granted=credential.token.scope)


def _is_among(granted: list[str], word: str) -> bool:
    if word.endswith("/.default"):  # Entra ID: all that the client was ever granted
        return True
    endings = (f"/{word}", f".{word}") if word in {"email", "profile"} else (f"/{word}",)  # Google: .../userinfo.email
    return any(one == word or one.endswith(endings) or word.endswith(f"/{one}") for one in granted)
