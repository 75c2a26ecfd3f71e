"""Which names are those of secrets: of headers, parameters, form fields and members of JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = re.compile(
    "token|secret|passw|passphrase|pwd|apikey|accesskey|privatekey|sharedkey|signingkey|encryptionkey|accountkey|authoriz"
    "|credential|cookie|signature|assertion|jwt|sessionid|sessionkey|bearer|verifier|devicecode|usercode|authcode|samlresponse"
    "|samlart|csrf|xsrf|connectionstring|recoverycode|otpcode|websocketprotocol"
)
_WORDS = {"auth", "otp", "pass", "pin", "pw", "session", "sid", "sig", "totp"}
_ABOUT = (  # what is told about a secret is none: token_type, authorization_endpoint
    "type",
    "types",
    "typehint",
    "endpoint",
    "supported",
    "expiresin",
    "expiresat",
    "count",
    "length",
    "limit",
    "method",
    "methods",
    "alg",
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LIKE_A_TOKEN = re.compile(r"(?=\S*\d)[\w\-+/=~.%:]{16,}|[\w\-+/=~%:]{32,}", re.ASCII)


def looks_like_a_token(text: str) -> bool:
    """Whether a text is long and random enough to be a secret."""
    return _LIKE_A_TOKEN.fullmatch(text) is not None


class SecretNames:
    """Knows the names, and any more that it is given."""

    __slots__ = ("_more",)

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._more = {_squashed(name) for name in more}

    def sure(self, name: str) -> bool:
        """Whether whatever has this name is a secret."""
        squashed = _squashed(name)
        if squashed in self._more:
            return True
        if squashed.endswith(_ABOUT):
            return False
        return _PARTS.search(squashed) is not None or not _WORDS.isdisjoint(_words(name))

    def likely(self, name: str) -> bool:
        """Whether it may be one: an `api_key`, but also a sort key; an authorization code, but also an error's."""
        words = _words(name)
        return words[-1:] in (["key"], ["code"], ["ticket"], ["hmac"]) and (words[-1] != "code" or len(words) == 1)

    def any(self, name: str) -> bool:
        """Whether it is one or may be one."""
        return self.sure(name) or self.likely(name)


def _squashed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
