"""A world in which every authorization server leaves the standard in every way, and every endpoint says how.

    python -m pytest -p tests.support.odd_world tests/core

As a plugin of pytest it keeps the tests of the laws that must hold behind a dialect, and leaves the tests themselves as
they are: their servers are told what was meant, and what they answer is written as the odd server writes it. What comes
in the standard's form, from a client that knows no dialect, is answered in the standard's form.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from aio_token import TokenEndpoint
from aio_token.oauth import Dialect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

BEHIND_A_DIALECT = re.compile(r"Laws? (?:[^:]*\b)?(?:D\d+|E1|C\d+|F\d+)\b")

NAMES = {
    "grant_type": "kind",
    "client_id": "app_key",
    "client_secret": "app_secret",
    "refresh_token": "renewal",
    "scope": "wants",
    "username": "who",
}
KINDS = {"refresh_token": "again", "client_credentials": "for_myself", "password": "by_name"}
CODES = ("invalid_grant", "invalid_client", "server_error", "slow_down", "access_denied")
WORDS = {code: f"e17:{code}" for code in CODES}
PLACES = {"access_token": "key", "refresh_token": "renewal", "scope": "allowed", "token_type": "token_type"}
ODD = Dialect(
    body="json",
    grant_types=KINDS,
    names=NAMES,
    scope_separator=",",
    places={
        **{name: f"data.{odd}" for name, odd in PLACES.items()},
        "error": ("problem.word", "error"),
        "error_description": "problem.text",
    },
    expires={"data.life": "milliseconds"},
    refresh_expires={"data.renewal_life": "milliseconds"},
    bearer_types=["odd"],
    errors={odd: code for code, odd in WORDS.items()},
    read=lambda members, _reply: members,
    write=lambda request, _form: request,
)


def meant(members: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the form that an odd request stands for."""
    names = {odd: name for name, odd in NAMES.items()}
    kinds = {odd: kind for kind, odd in KINDS.items()}
    form: list[tuple[str, str]] = []
    for odd, given in members.items():
        for value in given if isinstance(given, list) else [given]:
            name, text = names.get(odd, odd), str(value)
            form.append((name, kinds.get(text, text) if name == "grant_type" else text))
    return [(name, value.replace(",", " ") if name == "scope" else value) for name, value in form]


def in_other_words(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as the odd server writes it."""
    answer = dict(answer)
    if "error" in answer:
        code, text = answer.pop("error"), answer.pop("error_description", None)
        return {**answer, "problem": {"word": WORDS.get(code, code) if isinstance(code, str) else code, "text": text}}
    data = {odd: answer.pop(name) for name, odd in PLACES.items() if name in answer}
    if str(data.get("token_type")).lower() == "bearer":
        data["token_type"] = "odd"
    if isinstance(data.get("allowed"), str):
        data["allowed"] = data["allowed"].replace(" ", ",")
    for name, odd in (("expires_in", "life"), ("refresh_expires_in", "renewal_life")):
        if isinstance(answer.get(name), int | float):
            data[odd] = answer.pop(name) * 1_000
    return {**answer, "data": data} if data else answer


@web.middleware
async def odd(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Let a handler that knows the standard alone serve the odd client."""
    if request.content_type != "application/json" or request.method != "POST":
        return await handler(request)
    members = await request.json()
    if not isinstance(members, dict) or not {"kind", "app_key", "renewal", "token"} & members.keys():
        return await handler(request)
    request._post = MultiDictProxy(MultiDict(meant(members)))
    response = await handler(request)
    if "kind" in members and isinstance(response, web.Response) and isinstance(response.body, bytes):
        try:
            said = json.loads(response.body)
        except ValueError:
            return response
        if isinstance(said, dict):
            response.body = json.dumps(in_other_words(said)).encode()
    return response


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of these laws, but for those that answer without a server."""
    kept = [
        item
        for item in items
        if BEHIND_A_DIALECT.match(getattr(item, "obj", odd).__doc__ or "")
        and "faked" not in getattr(item, "fixturenames", ())
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_configure() -> None:
    """Let every endpoint speak it, and every server understand it."""
    construct: Any = TokenEndpoint.__init__
    serve: Any = web.Application.__init__

    def endpoint(self: TokenEndpoint, *given: Any, **named: Any) -> None:
        construct(self, *given, **{"dialect": ODD, **named})

    def application(self: web.Application, *given: Any, **named: Any) -> None:
        serve(self, *given, **{**named, "middlewares": [odd, *named.get("middlewares", ())]})

    TokenEndpoint.__init__ = endpoint  # type: ignore[method-assign]
    web.Application.__init__ = application  # type: ignore[method-assign]
