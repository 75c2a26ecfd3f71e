"""Takes the secrets out of texts and addresses: what every redaction comes down to.

A server chooses what stands in a text and how long it is, so each is cut before it is looked at, and no pattern goes
over a letter twice (law H1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_plus

from aio_token.observe.request_log.budget import Budget
from aio_token.observe.request_log.secret_names import PRIVATE_OF_JWK, SecretNames, looks_like_a_token, squashed
from aio_token.observe.request_log.shapes import CUT, HIDDEN, without_keys, without_shapes
from aio_token.observe.request_log.structured import (
    end_of_block,
    end_of_brackets,
    end_of_line,
    without_elements,
    without_parts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aio_token.observe.request_log.structured import Held

LONGEST = 4_096  # characters that are shown of a header or an address

_MARGIN = 1_024  # characters beyond the cut that are looked at, since a secret that is cut in two is not known by half
_SHORTEST = 6  # characters; what is shorter is not looked for elsewhere, as it may be part of any word
_MOST = 64  # secrets that are looked for elsewhere
_DEEPEST = 4  # addresses within the parameters of addresses
_OF_ONE_TIME_LINKS = {"activate", "confirm", "invitation", "invite", "magic", "recovery", "reset", "unlock", "verify"}
_QUOTES = "\\\"'`"
_NAMING = {"field", "id", "key", "label", "name", "param", "parameter", "property", "type"}
_HEADINGS = {"dt", "td", "th"}
_NAMED = {"content", "data-value", "default", "val", "value"}

_CREDENTIALS = re.compile(
    r"\b((?i:bearer|basic|dpop|negotiate))(\s{1,8})(?=\S*[\dA-Z=_.~+/-])[\w.~+/-]{6,}=*(?![\w=\"'])", re.ASCII
)
_USERINFO = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_ADDRESS = re.compile(r"(?<![\w+.-])[A-Za-z][\w+.-]{1,30}://[^\s\"'<>\\]+", re.ASCII)
_TAG = re.compile(r"<[A-Za-z?][^<>]*+")
_ATTRIBUTE = re.compile(r"(?<![\w:.-])([\w:.-]++)(\s{0,8}=\s{0,8})(\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s\"'<>]++)")
_ELSEWHERE = ("'", '"', "{", "[", "&quot;", "&apos;", "&#")  # values that `_pairs` hides
_KEY = re.compile(r"^([ \t]*+)(?:-[ \t]++)?([\"']?)([\w.-]{1,64})\2[ \t]*+:(?!//)", re.MULTILINE)  # of a line of YAML
_NAME = re.compile(
    r"(?<![\w.\-\[\]])([\w.\-\[\]]++)\\{0,8}(?:[\"'`]|&(?:quot|apos|\#34|\#39);)?\s{0,8}[:=]{1,2}>?\s{0,8}"
    r"(?:[BRUbru]{1,2}(?=[\"']))?"  # b"..." and its like in Python
)
_VALUE = re.compile(
    r"""(\\{1,8})"(?:.*?)(?:(?<!\\)\1"|\Z)           # in quotes that are escaped
    | \"{3}.*?(?:\"{3}|\Z)                            # or in three
    | "(?:[^"\\]++|\\.)*+(?:"|\\?\Z) | '(?:[^'\\]++|\\.)*+(?:'|\\?\Z) | `[^`]*+(?:`|\Z)
    | &(?:quot|apos|\#34|\#39);.*?(?:(?<!\\)&(?:quot|apos|\#34|\#39);|\Z)
    | (?:[^\s&,;"'<>(){}\[\]\\]|[,;](?![\w.-]{1,64}[:=])(?=[^\s&,;"'<>(){}\[\]\\]))++""",
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[a-z]++")
_RUN = re.compile(r"[^\s\"'<>]++")


class Texts:
    """Redacts the texts of one exchange, and knows what it has hidden.

    `names` are those of more secrets than are known here. With `only`, the values of other headers, parameters and
    members than these are hidden. What was cut ends in `CUT`.
    """

    def __init__(
        self, names: Iterable[str] = (), only: Iterable[str] | None = None, budget: Budget | None = None
    ) -> None:
        self.names: SecretNames = SecretNames(names)
        self.budget: Budget = budget or Budget()
        self._only = None if only is None else {squashed(name) for name in only}
        self._seen: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

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

    def inner(self, text: str, longest: int) -> str:
        """Return a text that may be shown, within a header or member, without the secrets in it."""
        return self._bounded(text, longest, lambda window: self._text(window, 0))

    def _bounded(self, text: str, longest: int, redact: Callable[[str], str]) -> str:
        window = text[: longest + _MARGIN]
        if not self.budget.take(len(window)):
            return CUT
        shown = redact(window)
        if len(window) < len(text):
            shown = shown[:-_MARGIN][:longest] + CUT
        return shown if len(shown) <= longest + 1 else shown[:longest] + CUT

    def _text(self, text: str, depth: int) -> str:
        if len(text) < _SHORTEST:
            return text
        for secret in sorted(self._seen, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        text = without_parts(without_keys(text))
        text = _CREDENTIALS.sub(lambda found: f"{found[1]}{found[2]}{HIDDEN}", text)
        text = _ADDRESS.sub(lambda found: self._url(found[0], depth), text)
        text = _TAG.sub(self._tag, text)
        text = without_elements(text, self._holds_a_secret, self._spells_a_secret, self.hide)
        text = self._lines(text)
        text = self._pairs(text)
        text = _RUN.sub(lambda found: self._encoded(found[0], depth), text)
        return without_shapes(text)

    def _pairs(self, text: str) -> str:
        """Hide values of secrets in `name=value`, `"name": "value"` and the like, in quotes of any depth."""
        pieces, shown = [], 0
        private = PRIVATE_OF_JWK if '"kty' in text else ()
        for found in _NAME.finditer(text):
            name = found[1]
            if found.start() < shown or not (name in private or self.names.parameter(name)):
                continue
            if text.startswith(("{", "["), found.end()) and self.names.sure(name):
                end = end_of_brackets(text, found.end())
                pieces += [text[shown : found.end()], self.hide(text[found.end() : end])]
                shown = end
                continue
            value = _VALUE.match(text, found.end())
            if value is not None and (name in private or self._is_secret(name, value[0])):
                pieces += [text[shown : value.start()], self._within_quotes(value[0])]
                shown = value.end()
        return "".join([*pieces, text[shown:]])

    def _lines(self, text: str) -> str:
        """Hide what stands behind `password:` in a line, and the lines that are indented below it."""
        pieces, shown = [], 0
        for found in _KEY.finditer(text):
            name, begin = found[3], found.end()
            end = end_of_line(text, begin)
            line = text[begin:end].strip()
            if found.start() < shown or line.startswith(_ELSEWHERE) or not self.names.parameter(name):
                continue
            if self.names.sure(name):
                end = end_of_block(text, end, found[1])
            elif not self._is_secret(name, line):
                continue
            if value := text[begin:end].strip():
                pieces += [text[shown:begin], " ", self.hide(value)]
                shown = end
        return "".join([*pieces, text[shown:]])

    def _is_secret(self, name: str, value: str) -> bool:
        bare = value.strip(_QUOTES)
        return bool(bare) and self.names.value(name, bare)

    def _within_quotes(self, value: str) -> str:
        bare = value.strip(_QUOTES)
        edge = value[: value.find(bare)]
        return f"{edge}{self.hide(bare)}{edge}"

    def _holds_a_secret(self, tag: str, name: str, value: str) -> Held:
        """Tell of `<password>` or `<property name="password">`; the parts of a page have ids that say little."""
        if self.names.sure(name) or self._names_a_secret(tag, _NAMING - {"id"}):
            return "all"
        return "text" if self._is_secret(name, value) or self._names_a_secret(tag) else ""

    def _spells_a_secret(self, name: str, value: str) -> bool:
        """Whether `<key>password</key>` says what the next element is."""
        return name.lower() in (_NAMING | _HEADINGS) and self.names.parameter(value.strip())

    def _tag(self, found: re.Match[str]) -> str:
        """Hide the value in `<input name="csrf" value="...">`."""
        if not self._names_a_secret(found[0]):
            return found[0]
        return _ATTRIBUTE.sub(
            lambda each: f"{each[1]}{each[2]}{self._within_quotes(each[3])}" if each[1].lower() in _NAMED else each[0],
            found[0],
        )

    def _names_a_secret(self, tag: str, naming: set[str] = _NAMING) -> bool:
        attributes = ((each[1].lower(), each[3].strip(_QUOTES)) for each in _ATTRIBUTE.finditer(tag))
        return any(name in naming and self.names.parameter(value) for name, value in attributes)

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
        url, hash_mark, fragment = _USERINFO.sub(f"{HIDDEN}@", url).partition("#")
        path, mark, query = url.partition("?")
        route, inner_mark, inner = fragment.partition("?") if fragment.startswith(("/", "!")) else ("", "", fragment)
        query, inner = self._parameters(query, depth), self._parameters(inner, depth)
        return f"{self._path(path, depth)}{mark}{query}{hash_mark}{route}{inner_mark}{inner}"

    def _path(self, path: str, depth: int) -> str:
        for secret in self._seen:
            path = path.replace(secret, HIDDEN).replace(quote(secret, errors="replace"), HIDDEN)
        scheme, mark, rest = path.rpartition("://")
        parts = rest.split("/")
        for index, part in enumerate(parts):
            before, *parameters = part.split(";")  # `;jsessionid=...`
            if index > bool(mark) and self._leads_to_a_secret(parts[index - 1]) and looks_like_a_token(before):
                before = self.hide(before)  # /password-reset/...
            elif index or not mark:
                before = self._pairs(self._encoded(before, depth))
            parts[index] = ";".join([before, *(self._parameter(each, depth) for each in parameters)])
        return f"{scheme}{mark}{without_shapes('/'.join(parts))}"

    def _leads_to_a_secret(self, part: str) -> bool:
        return self.names.sure(part) or not _OF_ONE_TIME_LINKS.isdisjoint(_WORD.findall(part.lower()))

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


def _quoted(text: str) -> str:
    return quote(text, safe="/:?@*", errors="replace")


def _counts(name: str) -> bool:
    return name.lower().endswith("tokens")  # max_tokens, total_tokens
