"""How one server leaves the standard: how a request is written for it, and how its answers are read (law D0)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlencode

from aio_token._errors import ConfigurationError
from aio_token._ground.public import public
from aio_token._ground.value import Value, field, replace
from aio_token._token import Unpicklable
from aio_token.oauth.arguments import check_function, check_kind, check_several, check_text, judged
from aio_token.oauth.form import Form, Request
from aio_token.oauth.remedies import CODES, PASSES
from aio_token.oauth.strangers import called
from aio_token.oauth.url import moved, origin_of

if TYPE_CHECKING:
    from aio_token.oauth.exchange import Reply

_MAPPINGS = ("grant_types", "names", "homes", "places", "expires", "refresh_expires", "errors")
_UNITS = ("seconds", "minutes", "milliseconds", "moment")
_BOUND_TO_A_KEY = frozenset({"dpop", "mac", "pop"})


@public
@judged
class Dialect(Unpicklable, Value):
    """How a server leaves the standard, said once: `TokenEndpoint(url, client, dialect=Dialect(...))`.

    What is sent. `body` is how parameters are written: as a form, as a JSON object, or into the query of the address;
    `method` GET goes with the latter. `grant_types` are the server's names of grant types, and `names` those of
    parameters, by the standard ones; None leaves a parameter out. `scope_separator` stands between the words of a
    scope, both ways. `pkce` False leaves PKCE (RFC 7636) out where a server breaks on it. `homes` are the origins of
    servers that hold some of the accounts, by a member of what came beside a token or its code (`Token.extra`) and by
    its value, such as `{"location": {"eu": "https://accounts.example.eu"}}`: what is sent for such an account goes
    there. The table says where a secret may go, and never the answer.

    What comes. `places` are those of an answer's members, by their standard names: a name, or names with dots
    between, such as `data.access_token`, or several, of which the first counts that is there. What stands beside the
    access token is found without being named. `expires` and `refresh_expires` are the places of the tokens' ends and
    what they count: a moment is POSIX seconds or milliseconds, or a date. `bearer_types` are the server's words for
    Bearer. `errors` are the standard's codes (RFC 6749 section 5.2) for what the server says by a code of its own, by
    words of a description, or by the status of an answer that says nothing known.

    For the rest there are two functions, for requests to the token endpoint and their answers. `write` is given the
    request that is about to be sent and the form that it was made of, and returns the one to send, to the same server.
    `read` is given what the server said and its whole reply, and returns the members to go on with, or raises the
    `TokenError` that says what helps. Whatever else they raise ends in a `ConfigurationError`; a refresh token in the
    answer is kept all the same.

    Raises `ConfigurationError` for what cannot work.
    """

    body: Literal["form", "json", "query"] = "form"
    method: Literal["POST", "GET"] = "POST"
    grant_types: Mapping[str, str] = field(default_factory=dict, hash=False)
    names: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    scope_separator: str = " "
    pkce: bool = True
    homes: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    write: Callable[[Request, Form], Request] | None = None
    places: Mapping[str, str | Sequence[str]] = field(default_factory=dict, hash=False)
    expires: Mapping[str, Literal["seconds", "minutes", "milliseconds", "moment"]] = field(
        default_factory=dict, hash=False
    )
    refresh_expires: Mapping[str, Literal["seconds", "minutes", "milliseconds", "moment"]] = field(
        default_factory=dict, hash=False
    )
    bearer_types: Sequence[str] = field(default=(), hash=False)
    errors: Mapping[str | int, str] = field(default_factory=dict, hash=False)
    read: Callable[[Mapping[str, Any], Reply], Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        _check_one_of("body", self.body, ("form", "json", "query"))
        _check_one_of("method", self.method, ("POST", "GET"))
        if self.method == "GET" and self.body != "query":
            message = 'a GET has no body: say body="query" as well'
            raise ConfigurationError(message)
        check_text("scope_separator", self.scope_separator)
        check_kind("pkce", self.pkce, (bool,), "True or False")
        check_function("write", self.write, optional=True)
        check_function("read", self.read, optional=True)
        for name in _MAPPINGS:
            given = getattr(self, name)
            check_kind(name, given, (Mapping,), "a mapping")
            object.__setattr__(self, name, MappingProxyType(dict(given)))
        for name, origins in self.homes.items():
            check_kind(f"the home of {name!r}", origins, (Mapping,), "a mapping of origins by values")
        new_names = (name for name in self.names.values() if name is not None)
        for one in (*self.grant_types, *self.grant_types.values(), *self.names, *new_names, *self.places):
            check_text("a name in a dialect", one)
        for place in (
            *self.expires,
            *self.refresh_expires,
            *(one for name in self.places for one in self.where(name)),
        ):
            _check_place(place)
        for unit in (*self.expires.values(), *self.refresh_expires.values()):
            _check_one_of("the unit of an end", unit, _UNITS)
        _check_bearer_types(self.bearer_types)
        for said, code in self.errors.items():
            _check_said(said)
            _check_one_of("a standard error code", code, sorted(CODES))

    def where(self, name: str) -> tuple[str, ...]:
        """Return where a member of an answer may stand, as far as this says."""
        places = self.places.get(name, ())
        return (places,) if isinstance(places, str) else tuple(places)

    def at_home(self, url: str, extra: Mapping[str, Any]) -> str:
        """Return the address at the server that holds an account of which this came beside its token."""
        for name, origins in self.homes.items():
            home = origins.get(value) if isinstance(value := extra.get(name), str) else None
            if home is not None:
                return moved(url, home)
        return url

    def is_bearer(self, kind: str) -> bool:
        """Whether a token of this type is a bearer token."""
        return kind.lower() in {"bearer", *(one.lower() for one in self.bearer_types)}

    def without_functions(self) -> Dialect:
        """Return the dialect for endpoints beside the token endpoint, of whose answers the functions know nothing."""
        return replace(self, write=None, read=None)

    def spoken(self, form: Form) -> Form:
        """Return the members of a form by the server's names, with scope and grant type as it writes them."""
        members: dict[str, list[str]] = {}
        for name, value in self._renamed(form.members):
            members.setdefault(name, []).append(value)
        return Form(**members)

    def written(self, request: Request) -> Request:
        """Return the request, which carries a form with the client's proof, as the server reads it.

        Raises `ConfigurationError` if `write` fails or returns what cannot be sent.
        """
        if self == PLAIN:
            return request
        written = self._as_declared(request)
        return written if self.write is None else self._rewritten(written, Form(**_object_of(self._pairs(request))))

    def _as_declared(self, request: Request) -> Request:
        pairs = self._pairs(request)
        headers = {name: text for name, text in request.headers.items() if name.lower() != "content-type"}
        url, body = request.url, ""
        if self.body == "form":
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(pairs)
        elif self.body == "json":
            headers["Content-Type"], body = "application/json", json.dumps(_object_of(pairs))
        else:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}"
        return replace(request, method=self.method, url=url, headers=headers, body=body)

    def _pairs(self, request: Request) -> list[tuple[str, str]]:
        return self._renamed(parse_qsl(request.body, keep_blank_values=True))

    def _rewritten(self, request: Request, form: Form) -> Request:
        write = self.write
        assert write is not None  # noqa: S101  for type checkers
        new: object = called("the dialect's `write`", lambda: write(request, form))
        if not isinstance(new, Request) or not all(isinstance(one, str) for one in (new.method, new.url, new.body)):
            del new  # the frame of an exception would show it
            message = (
                "the dialect's `write` returned no Request; change the one that it is given by dataclasses.replace"
            )
            raise ConfigurationError(message)
        if origin_of(new.url) != origin_of(request.url):
            message = f"the dialect's `write` would send the request to another server than {request.to}; it may not"
            raise ConfigurationError(message)
        return replace(
            request,
            method=new.method,
            url=new.url,
            headers=new.headers,
            body=new.body,
            secrets=(*request.secrets, *new.secrets),
        )

    def _renamed(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        return [
            (new, self._value(name, value)) for name, value in pairs if (new := self.names.get(name, name)) is not None
        ]

    def _value(self, name: str, value: str) -> str:
        if name == "scope":
            return self.scope_separator.join(value.split())
        return self.grant_types.get(value, value) if name == "grant_type" else value


def _object_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Return the pairs as an object, with a list for a name that comes several times."""
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in several.items()}


def _check_one_of(name: str, value: object, allowed: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in allowed:
        message = f"{name} is one of {', '.join(map(repr, allowed))}"
        raise ConfigurationError(message)


def _check_place(place: object) -> None:
    check_text("a place in a dialect", place)
    if not all(str(place).split(".")):
        message = f"the place {place!r} in a dialect has a dot too many"
        raise ConfigurationError(message)


def _check_bearer_types(kinds: object) -> None:
    check_several("bearer_types", kinds)
    if isinstance(kinds, str) or not isinstance(kinds, Sequence):
        message = "bearer_types is a list of texts"
        raise TypeError(message)
    if _BOUND_TO_A_KEY & {kind.lower() for kind in kinds}:
        message = "bearer_types names a type whose tokens are worth nothing without a key, and are never sent as Bearer"
        raise ConfigurationError(message)


def _check_said(said: object) -> None:
    if isinstance(said, str):
        check_text("a word in errors", said)
    elif not isinstance(said, int) or isinstance(said, bool) or said in PASSES or not 400 <= said < 500:  # noqa: PLR2004
        message = (
            "remedies are by words, or by statuses from 400 to 499, but 408, 425 and 429, which pass by themselves"
        )
        raise ConfigurationError(message)


PLAIN = Dialect()
"""The standard."""


def check_dialect(value: object) -> None:
    """Refuse what is not a dialect."""
    if not isinstance(value, Dialect):
        message = "dialect is a Dialect, such as Dialect(body='json')"
        raise ConfigurationError(message)
