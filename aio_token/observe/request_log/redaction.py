"""Takes the secrets out of what a person is shown of a request: headers, addresses, forms, JSON and other text.

It hides what has the name of a secret, what has the shape of one, and what was hidden before in the same exchange,
since servers repeat what they were sent. It rather hides too much: a name in doubt is a secret's.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from aio_token._token import fingerprint
from aio_token.observe.request_log.redacted_json import shown_json
from aio_token.observe.request_log.shapes import CUT, HIDDEN
from aio_token.observe.request_log.texts import LONGEST, Texts

if TYPE_CHECKING:
    from collections.abc import Callable

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


class Redactor(Texts):
    """Redacts one exchange, request before response; with `only`, text that has no names is hidden, too."""

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

    def _redaction_of_header(self, name: str, *, hidden: bool) -> Callable[[str], str]:
        if name in {"authorization", "proxy-authorization"}:
            return self._authorization
        if name == "dpop":
            return self.hide  # a proof is good for a minute
        if name == "cookie":
            return lambda value: "; ".join(self._cookie(part) for part in value.split(";"))
        if name == "set-cookie":
            return self._set_cookie
        if name in _ADDRESSES:
            return lambda value: self._url(value, 0)
        return self.hide if hidden else lambda value: self._text(value, 0)

    def _authorization(self, value: str) -> str:
        scheme, _, rest = value.strip().partition(" ")
        rest = rest.strip()
        if scheme.lower() in {"bearer", "dpop"}:
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
