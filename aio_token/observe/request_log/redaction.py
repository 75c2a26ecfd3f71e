"""Takes the secrets out of what a person is shown of a request: headers, addresses, forms, JSON and other text.

It hides what has the name of a secret, what has the shape of one, and what was hidden before in the same exchange, for
servers repeat what they were sent. It rather hides too much: a name in doubt is a secret's.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus

from aio_token._token import fingerprint
from aio_token.observe.request_log.redacted_json import redacted_json
from aio_token.observe.request_log.secret_names import SecretNames, looks_like_a_token

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "***"

_SHORTEST = 6  # characters; what is shorter is not looked for elsewhere, as it may be part of any word
_DEEPEST = 4  # addresses within the parameters of addresses
_NAMED_SCHEMES = {"basic", "digest", "dpop", "hawk", "negotiate", "ntlm", "token", "aws4-hmac-sha256"}
_COOKIE_ATTRIBUTES = {
    "domain",
    "expires",
    "httponly",
    "max-age",
    "partitioned",
    "path",
    "priority",
    "samesite",
    "secure",
}
_ADDRESSES = {"content-location", "location", "origin", "referer"}
_SHAPES = re.compile(
    r"""eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*         # a JSON Web Token
    | \bgh[a-z]_\w{16,} | \bgithub_pat_\w{16,}    # GitHub's
    | \bxox[a-z]-[\w-]{8,}                        # Slack's
    | \b[rsp]k_(?:live|test)_\w{8,} | \bsk-[\w-]{16,}
    | (?<!\d)\d{6,}:[\w-]{30,}                         # Telegram's, which stand in the path
    """,
    re.VERBOSE | re.ASCII,
)
_CREDENTIALS = re.compile(
    r"\b((?i:bearer|basic|dpop|negotiate))(\s+)(?=\S*[\dA-Z=_.~+/-])[\w.~+/-]{6,}=*(?![\w=\"'])", re.ASCII
)
_USERINFO = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]{1,15}://[^\s\"'<>\\]+", re.ASCII)
_ELEMENT = re.compile(r"(<(?:[\w.-]{1,64}:)?([\w.-]{1,64})(?:\s[^<>]*)?>)([^<]+)")
_LINE = re.compile(r"^([ \t]*(?:-[ \t]+)?([\w.-]{1,64})[ \t]*:[ \t]*)([^\s\"'{\[].*)$", re.MULTILINE)
_PAIR = re.compile(
    r"""(([A-Za-z_][\w.\-\[\]]{0,63})\\*["']?\s{0,8}[:=]\s{0,8})   # a name, and what is between
    ( (\\*)"(?:[^"\\]|\\.)*(?:"|$) | '(?:[^'\\]|\\.)*(?:'|$) | [^\s&,;"'<>(){}\[\]\\]+ )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)


class Redactor:
    """Redacts one exchange, request before response; `names` are those of more secrets than everybody has."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = SecretNames(names)
        self._seen: set[str] = set()

    def __repr__(self) -> str:
        return "<Redactor>"

    def header(self, name: str, value: str) -> str:
        """Return a header's value; a bearer token is named by its fingerprint, as in events."""
        known = name.lower()
        if known in {"authorization", "proxy-authorization"}:
            return self._authorization(value)
        if known == "cookie":
            return "; ".join(self._cookie(part) for part in value.split(";"))
        if known == "set-cookie":
            cookie, *attributes = value.split(";")
            shown = [
                part.strip() for part in attributes if part.partition("=")[0].strip().lower() in _COOKIE_ATTRIBUTES
            ]
            return "; ".join([self._cookie(cookie), *shown])
        if known in _ADDRESSES:
            return self.url(value)
        return self._hide(value) if self._names.sure(name) or self._names.likely(name) else self.text(value)

    def url(self, url: str) -> str:
        """Return an address without user, password and secret parameters, those of its fragment included."""
        return self._url(url, 0)

    def form(self, text: str) -> str:
        """Return parameters joined by `&`, as in a query or an `application/x-www-form-urlencoded` body."""
        return self._parameters(text, 0)

    def json(self, text: str) -> str:
        """Return JSON, indented. Raises ValueError if it is none."""
        return redacted_json(text, self._names, self._hide, self.text)

    def text(self, text: str) -> str:
        """Return any other text."""
        return self._text(text, 0)

    def _text(self, text: str, depth: int) -> str:
        for secret in sorted(self._seen, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        text = _SHAPES.sub(HIDDEN, text)
        text = _CREDENTIALS.sub(lambda found: f"{found[1]}{found[2]}{HIDDEN}", text)
        text = _ADDRESS.sub(lambda found: self._url(found[0], depth), text)
        text = _ELEMENT.sub(self._pair, text)
        text = _LINE.sub(self._pair, text)
        return _PAIR.sub(self._pair, text)

    def _pair(self, found: re.Match[str]) -> str:
        before, name, value = found[1], found[2], found[3]
        bare = value.strip("\\\"'")
        if not bare or not (self._names.sure(name) or (self._names.likely(name) and looks_like_a_token(bare))):
            return found[0]
        edge = value[: len(value) - len(value.lstrip("\\\"'"))]
        return f"{before}{edge}{self._hide(bare)}{edge}"

    def _url(self, url: str, depth: int) -> str:
        url = _USERINFO.sub(f"{HIDDEN}@", url)
        path, mark, query = url.partition("?")
        path, hash_mark, fragment = (path, "", "") if mark else url.partition("#")
        query, query_hash, query_fragment = query.partition("#")
        for secret in self._seen:
            path = path.replace(secret, HIDDEN).replace(quote(secret, errors="replace"), HIDDEN)
        parts = (self._parameters(part, depth) for part in (query, fragment or query_fragment))
        return f"{_SHAPES.sub(HIDDEN, path)}{mark}{next(parts)}{hash_mark or query_hash}{next(parts)}"

    def _parameters(self, text: str, depth: int) -> str:
        return "&".join(self._parameter(part, depth) for part in text.split("&"))

    def _parameter(self, part: str, depth: int) -> str:
        name, equals, value = part.partition("=")
        if value and self._names.any(unquote_plus(name, errors="replace")):
            self._remember(unquote_plus(value, errors="replace"))
            return f"{name}={self._hide(value)}"
        plain = unquote_plus(value or name, errors="replace")
        if depth == _DEEPEST:
            return HIDDEN
        shown = self._text(plain, depth + 1)
        if shown == plain:
            return part
        shown = quote(shown, safe="/:?@*", errors="replace")
        return f"{name}={shown}" if equals and value else shown

    def _authorization(self, value: str) -> str:
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            return f"{scheme} {self._hide(rest.strip())} ({fingerprint(rest.strip())})"
        if scheme.lower() == "basic":
            self._remember_basic(rest.strip())
        if scheme.lower() in _NAMED_SCHEMES and rest:
            return f"{scheme} {self._hide(rest.strip())}"
        return self._hide(value.strip())

    def _cookie(self, cookie: str) -> str:
        name, equals, value = cookie.strip().partition("=")
        return f"{name}={self._hide(value.strip())}" if equals else self._hide(name)

    def _hide(self, secret: str) -> str:
        self._remember(secret.strip('"'))
        return HIDDEN if secret else ""

    def _remember(self, secret: str) -> None:
        if len(secret) >= _SHORTEST:
            self._seen.add(secret)

    def _remember_basic(self, text: str) -> None:
        try:
            plain = base64.b64decode(text).decode()
        except ValueError:
            return
        self._remember(plain.partition(":")[2])


class Candour(Redactor):
    """Hides nothing, for who asked to see it all; same interface."""

    def header(self, name: str, value: str) -> str:  # noqa: ARG002
        return value

    def url(self, url: str) -> str:
        return url

    def form(self, text: str) -> str:
        return text

    def json(self, text: str) -> str:
        return redacted_json(text, None, str, str)

    def text(self, text: str) -> str:
        return text
