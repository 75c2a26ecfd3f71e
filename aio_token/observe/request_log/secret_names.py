"""Which names are those of secrets: of headers, parameters, form fields and members of JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = re.compile(
    "token|secret|passw|passphrase|passcode|pwd|apikey|accesskey|privatekey|privkey|sharedkey|signingkey|encryptionkey"
    "|accountkey|masterkey|authoriz|credential|cookie|signature|assertion|jwt|sessionid|sessid|sessionkey|sessionstate"
    "|bearer|verifier|devicecode|usercode|authcode|mfacode|verificationcode|securitycode|accesscode|pincode|smscode"
    "|onetimecode|backupcode|recoverycode|otpcode|samlresponse|samlart|csrf|xsrf|connectionstring|websocketprotocol"
    "|mnemonic|seedphrase|magiclink|passkey"
)
_WORDS = {"auth", "cvc", "cvv", "otp", "otps", "pass", "pin", "psk", "pw", "sess", "session", "sid", "sig", "totp"}
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
_DOUBTFUL = {"code", "codes", "hmac", "key", "ticket"}
_LIKELY = {*_DOUBTFUL, "access", "nonce", "refresh", "state"}
_NO_ONE_TIME_CODES = {  # error_code, postal_code
    *("area", "country", "currency", "dialing", "error", "exit", "http", "lang", "language", "locale", "postal"),
    *("product", "reason", "region", "response", "result", "return", "sort", "status", "sub", "zip"),
}
_LONGEST = 100  # characters of a name that are looked at: its end, which says what it is
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")
_OPAQUE = re.compile(r"[\w\-+/=~.%:]+", re.ASCII)
_USER_CODE = re.compile(r"[A-Z]{3,5}-[A-Z]{3,5}")  # RFC 8628 section 6.1
_SHORT_CODE = re.compile(r"[A-Za-z0-9-]{4,16}")
_MIXED = 2  # digits
_LEAST_CODE = 1_000  # a number that has four digits


def looks_like_a_token(text: str) -> bool:
    """Whether a text is long and random enough to be a secret."""
    if len(text) < 16 or _OPAQUE.fullmatch(text) is None:  # noqa: PLR2004
        return False
    return has_digit(text) or (len(text) >= 32 and "." not in text)  # noqa: PLR2004


def looks_like_a_code(text: str) -> bool:
    """Whether a text may be a one-time code: short, half of it digits, as mixed as no word is, or a device's."""
    if _SHORT_CODE.fullmatch(text) is None:
        return False
    return (
        _USER_CODE.fullmatch(text) is not None
        or 2 * sum(letter.isdigit() for letter in text) >= len(text)
        or is_mixed(text)
    )


def has_digit(text: str) -> bool:
    """Whether one of the letters is a digit."""
    return any(letter.isdigit() for letter in text)


def is_mixed(text: str) -> bool:
    """Whether capitals, small letters and digits are mixed, as words and identifiers seldom are."""
    return has_digit(text) and text.lower() != text and text.upper() != text


PRIVATE_OF_JWK = frozenset({"d", "dp", "dq", "k", "oth", "p", "q", "qi"})  # RFC 7518 section 6


class SecretNames:
    """Knows the names, and any more that it is given."""

    __slots__ = ("_more",)

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._more: set[str] = set()
        self.add(more)

    def add(self, more: Iterable[str]) -> None:
        """Know more names from now on."""
        self._more |= {squashed(name) for name in more}

    def sure(self, name: str) -> bool:
        """Whether anything that has this name is a secret."""
        plain = squashed(name)
        if plain in self._more:
            return True
        if plain.endswith(_ABOUT):
            return False
        return _PARTS.search(plain) is not None or not _WORDS.isdisjoint(_words(name))

    def parameter(self, name: str) -> bool:
        """Whether a parameter or a header of this name is hidden: an authorization `code` and a `key` are, too."""
        return self.sure(name) or _last(name) in _DOUBTFUL

    def value(self, name: str, value: object) -> bool:
        """Whether a member is a secret: by its name, or by one that may be a secret's and what its value looks like."""
        if self.sure(name):
            return True
        if isinstance(value, int) and _last(name) in {"code", "codes"}:
            return value >= _LEAST_CODE
        if not isinstance(value, str) or _last(name) not in _LIKELY:
            return False
        return looks_like_a_token(value) or (_last(name) in _DOUBTFUL and looks_like_a_code(value))


def squashed(name: str) -> str:
    """Return a name as it is compared: `X-Api-Key`, `x_api_key` and `xApiKey` are one."""
    return _BETWEEN_WORDS.sub("", name[-_LONGEST:].lower())


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[-_LONGEST:])]


def _last(name: str) -> str:
    words = _words(name)
    if not words or (words[-1] == "code" and not _NO_ONE_TIME_CODES.isdisjoint(words)):
        return ""
    if words[-1] in {"access", "refresh"} and len(words) > 1:
        return ""
    return words[-1]
