"""Takes the secrets out of what a person is shown of a request: headers, addresses, forms, JSON and other text.

It hides what has the name of a secret, what has the shape of one, and what was hidden before in the same exchange,
since servers repeat what they were sent. It rather hides too much: a name in doubt is a secret's.

Servers also choose what stands in a text and how long it is, so each is cut before it is looked at, and no pattern goes
over a letter twice.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_plus

from aio_token._token import fingerprint
from aio_token.observe.request_log.budget import Budget
from aio_token.observe.request_log.redacted_json import shown_json
from aio_token.observe.request_log.secret_names import SecretNames, looks_like_a_token, squashed
from aio_token.observe.request_log.shapes import CUT, HIDDEN, without_keys, without_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST = 4_096  # characters that are shown of a header or an address

_MARGIN = 1_024  # characters beyond the cut that are looked at, since a secret that is cut in two is not known by half
_SHORTEST = 6  # characters; what is shorter is not looked for elsewhere, as it may be part of any word
_MOST = 64  # secrets that are looked for elsewhere
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
_QUOTES = "\\\"'"
_NAMING = {"field", "id", "key", "label", "name", "param", "parameter", "property"}
_NAMED = {"content", "data-value", "default", "val", "value"}

_PART = re.compile(  # of a multipart body
    r"((?i:content-disposition:)[^\r\n]{0,500}\r?\n(?:[^\r\n]{1,500}\r?\n){0,8}\r?\n).*?(?=\r?\n--|\Z)", re.DOTALL
)
_CREDENTIALS = re.compile(
    r"\b((?i:bearer|basic|dpop|negotiate))(\s{1,8})(?=\S*[\dA-Z=_.~+/-])[\w.~+/-]{6,}=*(?![\w=\"'])", re.ASCII
)
_USERINFO = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_ADDRESS = re.compile(r"(?<![\w+.-])[A-Za-z][\w+.-]{1,30}://[^\s\"'<>\\]+", re.ASCII)
_TAG = re.compile(r"<[A-Za-z?][^<>]*+")
_ATTRIBUTE = re.compile(r"(?<![\w:.-])([\w:.-]++)(\s{0,8}=\s{0,8})(\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s\"'<>]++)")
_ELEMENT = re.compile(
    r"(<(?:[\w.-]{1,64}:)?([\w.-]{1,64})(?:\s[^<>]*)?>\s{0,8})(<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<]++)", re.DOTALL
)
_LINE = re.compile(r"^([ \t]*+(?:-[ \t]++)?([\w.-]{1,64})[ \t]*+:[ \t]*+)([^\s\"'{\[].*)$", re.MULTILINE)
_NAME = re.compile(r"(?<![\w.\-\[\]])([\w.\-\[\]]++)\\{0,8}[\"']?\s{0,8}[:=]{1,2}>?\s{0,8}")
_VALUE = re.compile(
    r"""(\\{1,8})"(?:.*?)(?:(?<!\\)\1"|\Z)           # in quotes that are escaped
    | "(?:[^"\\]++|\\.)*+(?:"|\\?\Z) | '(?:[^'\\]++|\\.)*+(?:'|\\?\Z)
    | [^\s&,;"'<>(){}\[\]\\]++""",
    re.VERBOSE | re.DOTALL,
)
_RUN = re.compile(r"[^\s\"'<>]++")


class Redactor:
    """Redacts one exchange, request before response.

    `names` are those of more secrets than are known here. With `only`, the values of other headers, parameters and
    members than these are hidden, and so is text that has no names. What was cut ends in `CUT`.
    """

    def __init__(
        self, names: Iterable[str] = (), only: Iterable[str] | None = None, budget: Budget | None = None
    ) -> None:
        self.names = SecretNames(names)
        self.budget = budget or Budget()
        self._only = None if only is None else {squashed(name) for name in only}
        self._seen: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def header(self, name: str, value: str) -> str:
        """Return a header's value; a bearer token is named by its fingerprint, as in events."""
        if not self.shows(name):
            return HIDDEN if value else ""
        known = name.lower()
        redact = self._redaction_of_header(known, hidden=self.names.parameter(name))
        return self._bounded(value, LONGEST, redact)

    def learn(self, name: str, value: str) -> None:
        """Know a header's secret from now on, although the header is not shown."""
        if self.names.parameter(name):
            self._bounded(value, LONGEST, self._redaction_of_header(name.lower(), hidden=True))

    def url(self, url: str) -> str:
        """Return an address without user, password and secret parameters, those of its fragment included."""
        return self._bounded(url, LONGEST, lambda text: self._url(text, 0))

    def form(self, text: str, longest: int = LONGEST) -> str:
        """Return parameters joined by `&`, as in a query or an `application/x-www-form-urlencoded` body."""
        return self._bounded(text, longest, lambda window: self._parameters(window, 0))

    def json(self, text: str, longest: int = LONGEST) -> str:
        """Return JSON, indented. Raises ValueError if it is none, or too large to be read."""
        return shown_json(text, self, longest) if self.budget.take(0) else CUT

    def text(self, text: str, longest: int = LONGEST) -> str:
        """Return any other text."""
        if self._only is not None:
            return HIDDEN if text else ""
        return self.inner(text, longest)

    def inner(self, text: str, longest: int) -> str:
        """Return a text that may be shown, within a header or member, without the secrets in it."""
        return self._bounded(text, longest, lambda window: self._text(window, 0))

    def hides(self, name: str, value: object) -> bool:
        """Whether the value of a member of JSON is hidden; an object or array is if all below it is a secret."""
        if isinstance(value, dict | list):
            return self.names.sure(name)
        if not self.shows(name):
            return True
        if value is None or value == "" or isinstance(value, bool):
            return False
        return self.names.value(name, value) and not (isinstance(value, int | float) and _counts(name))

    def shows(self, name: str) -> bool:
        """Whether values of this name may be shown at all."""
        return self._only is None or squashed(name) in self._only

    def hide(self, secret: str) -> str:
        """Return what stands for a secret, and know it from now on."""
        secret = secret.strip('"')
        if len(secret) >= _SHORTEST and len(self._seen) < _MOST:
            self._seen[secret[:LONGEST]] = None
        return HIDDEN if secret else ""

    def _bounded(self, text: str, longest: int, redact: Callable[[str], str]) -> str:
        window = text[: longest + _MARGIN]
        if not self.budget.take(len(window)):
            return CUT
        shown = redact(window)
        if len(window) < len(text):
            shown = shown[:-_MARGIN][:longest] + CUT
        return shown if len(shown) <= longest + 1 else shown[:longest] + CUT

    def _redaction_of_header(self, name: str, *, hidden: bool) -> Callable[[str], str]:
        if name in {"authorization", "proxy-authorization"}:
            return self._authorization
        if name == "cookie":
            return lambda value: "; ".join(self._cookie(part) for part in value.split(";"))
        if name == "set-cookie":
            return self._set_cookie
        if name in _ADDRESSES:
            return lambda value: self._url(value, 0)
        return self.hide if hidden else lambda value: self._text(value, 0)

    def _text(self, text: str, depth: int) -> str:
        if len(text) < _SHORTEST:
            return text
        for secret in sorted(self._seen, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        text = _PART.sub(rf"\1{HIDDEN}", without_keys(text))
        text = _CREDENTIALS.sub(lambda found: f"{found[1]}{found[2]}{HIDDEN}", text)
        text = _ADDRESS.sub(lambda found: self._url(found[0], depth), text)
        text = _TAG.sub(self._tag, text)
        text = _ELEMENT.sub(self._named_value, text)
        text = _LINE.sub(self._named_value, text)
        text = self._pairs(text)
        text = _RUN.sub(lambda found: self._encoded(found[0], depth), text)
        return without_shapes(text)

    def _pairs(self, text: str) -> str:
        """Hide values of secrets in `name=value`, `"name": "value"` and the like, in quotes of any depth."""
        pieces, shown = [], 0
        for found in _NAME.finditer(text):
            if found.start() < shown or not self.names.parameter(found[1]):
                continue
            value = _VALUE.match(text, found.end())
            if value is not None and self._is_secret(found[1], value[0]):
                pieces += [text[shown : value.start()], self._within_quotes(value[0])]
                shown = value.end()
        return "".join([*pieces, text[shown:]])

    def _named_value(self, found: re.Match[str]) -> str:
        before, name, value = found[1], found[2], found[3]
        if not self._is_secret(name, value):
            return found[0]
        return before + self._within_quotes(value)

    def _is_secret(self, name: str, value: str) -> bool:
        bare = value.strip(_QUOTES)
        return bool(bare) and self.names.value(name, bare)

    def _within_quotes(self, value: str) -> str:
        bare = value.strip(_QUOTES)
        edge = value[: value.find(bare)]
        return f"{edge}{self.hide(bare)}{edge}"

    def _tag(self, found: re.Match[str]) -> str:
        """Hide the value in `<input name="csrf" value="...">`."""
        attributes = {each[1].lower(): each[3].strip("\"'") for each in _ATTRIBUTE.finditer(found[0])}
        if not any(self.names.parameter(attributes.get(name, "")) for name in _NAMING):
            return found[0]
        return _ATTRIBUTE.sub(
            lambda each: f"{each[1]}{each[2]}{self._within_quotes(each[3])}" if each[1].lower() in _NAMED else each[0],
            found[0],
        )

    def _encoded(self, run: str, depth: int) -> str:
        """Redact a run of letters that is percent-encoded, as JSON in a header may be."""
        if "%" not in run or "://" in run:
            return run
        plain = unquote(run, errors="replace")
        if plain == run:
            return run
        shown = self._text(plain, depth + 1) if depth < _DEEPEST else HIDDEN
        return run if shown == plain else _quoted(shown)

    def _url(self, url: str, depth: int) -> str:
        url = _USERINFO.sub(f"{HIDDEN}@", url)
        path, mark, query = url.partition("?")
        path, hash_mark, fragment = (path, "", "") if mark else url.partition("#")
        query, query_hash, query_fragment = query.partition("#")
        parts = (self._parameters(part, depth) for part in (query, fragment or query_fragment))
        return f"{self._path(path, depth)}{mark}{next(parts)}{hash_mark or query_hash}{next(parts)}"

    def _path(self, path: str, depth: int) -> str:
        for secret in self._seen:
            path = path.replace(secret, HIDDEN).replace(quote(secret, errors="replace"), HIDDEN)
        scheme, mark, rest = path.rpartition("://")
        parts = rest.split("/")
        for index, part in enumerate(parts):
            before, *parameters = part.split(";")  # `;jsessionid=...`
            if index > bool(mark) and self.names.sure(parts[index - 1]) and looks_like_a_token(before):
                before = self.hide(before)  # /password-reset/...
            parts[index] = ";".join([before, *(self._parameter(each, depth) for each in parameters)])
        return f"{scheme}{mark}{without_shapes('/'.join(parts))}"

    def _parameters(self, text: str, depth: int) -> str:
        return "&".join(self._parameter(part, depth) for part in text.split("&"))

    def _parameter(self, part: str, depth: int) -> str:
        if not part:
            return ""
        name, equals, value = part.partition("=")
        plain_name = unquote_plus(name, errors="replace")
        plain = unquote_plus(value, errors="replace") if value else plain_name
        if depth == _DEEPEST or self.budget.spent:
            return HIDDEN
        name = self._encoded(name, depth) if value else name
        if not self.shows(plain_name):
            return f"{name}={HIDDEN}" if value else part if equals else HIDDEN
        if value and (self.names.parameter(plain_name) or self.names.value(plain_name, plain)):
            self.hide(plain)
            return f"{name}={self.hide(value)}"
        shown = self._text(plain, depth + 1)
        if shown == plain:
            return f"{name}{equals}{value}"
        return f"{name}={_quoted(shown)}" if value else _quoted(shown)

    def _authorization(self, value: str) -> str:
        scheme, _, rest = value.strip().partition(" ")
        rest = rest.strip()
        if scheme.lower() == "bearer":
            return f"{scheme} {self.hide(rest)} ({fingerprint(rest)})"
        if scheme.lower() == "basic":
            self.hide(_password(rest))
        return f"{scheme} {self.hide(rest)}" if scheme.lower() in _NAMED_SCHEMES and rest else self.hide(value.strip())

    def _set_cookie(self, value: str) -> str:
        cookie, *attributes = value.split(";")
        shown = [part.strip() for part in attributes if part.partition("=")[0].strip().lower() in _COOKIE_ATTRIBUTES]
        return "; ".join([self._cookie(cookie), *shown])

    def _cookie(self, cookie: str) -> str:
        name, equals, value = cookie.strip().partition("=")
        return f"{name}={self.hide(value.strip())}" if equals else self.hide(name)


def _quoted(text: str) -> str:
    return quote(text, safe="/:?@*", errors="replace")


def _counts(name: str) -> bool:
    return name.lower().endswith("tokens")  # max_tokens, total_tokens


def _password(text: str) -> str:
    try:
        plain = base64.b64decode(text).decode()
    except ValueError:
        return ""
    return plain.partition(":")[2]


class Candour(Redactor):
    """Hides nothing, as its user has asked to see it all; same interface, same limits."""

    def header(self, name: str, value: str) -> str:  # noqa: ARG002
        """Return the value as it is."""
        return self.inner(value, LONGEST)

    def url(self, url: str) -> str:
        """Return the address as it is."""
        return self.inner(url, LONGEST)

    def form(self, text: str, longest: int = LONGEST) -> str:
        """Return the parameters as they are."""
        return self.inner(text, longest)

    def text(self, text: str, longest: int = LONGEST) -> str:
        """Return the text as it is."""
        return self.inner(text, longest)

    def hides(self, name: str, value: object) -> bool:  # noqa: ARG002
        """Hide no member."""
        return False

    def inner(self, text: str, longest: int) -> str:
        """Return the text, cut."""
        return self._bounded(text, longest, str)
