"""A server of docs/servers.md on loopback: it answers as its own documentation says, and refuses what that does.

No more than the page needs: a token endpoint, an API, metadata and a page to agree at, where its section asks for them.
The first access token of each server is dead, so that every section renews once.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from joserfc.jwk import ECKey, RSAKey

    Form = Mapping[str, str]
    Refusal = tuple[int, dict[str, Any]]

INVALID_GRANT: Refusal = (400, {"error": "invalid_grant", "error_description": "the refresh token is not known"})
INVALID_CLIENT: Refusal = (401, {"error": "invalid_client"})


def nothing(_request: web.Request, _form: Form) -> Refusal | None:
    """Demand nothing."""
    return None


@dataclass(kw_only=True)
class OddServer:
    """One server: where it is, what it demands, how it says things, and what it has issued.

    Places are host and path. `granted` stands beside the tokens, and `over` is its word for a session that has ended.
    `dead` and `challenge` are what its API answers to a dead token, and `member` is the token that the API takes.
    """

    token: str
    api: str
    issuer: str = ""
    authorization: str = ""
    revocation: str = ""
    granted: dict[str, Any]
    demands: Callable[[web.Request, Form], Refusal | None] = nothing
    over: Refusal = INVALID_GRANT
    dead: Refusal
    challenge: str = ""
    header: str = "Authorization"
    prefix: str = "Bearer "
    user_agent: str = ""
    rotates: bool = True
    member: str = "access_token"
    nest: str = ""  # what is asked for in the address puts a person's token into this member
    offline: str = ""  # a parameter of the address without which there is no refresh token
    issued: int = 0
    dead_before: int = 2  # the number of the first access token that counts
    refresh: str = ""
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is."""
        return tuple(filter(None, (self.token, self.api, self.issuer, self.authorization, self.revocation)))

    async def answer(self, request: web.Request) -> web.StreamResponse | None:
        """Answer a request that is for this server, None for any other."""
        place = f"{request.host}{request.path}"
        if place == self.token:
            return await self._token(request)
        if self.issuer and place == f"{self.issuer.removesuffix('/')}/.well-known/openid-configuration":
            return self._metadata()
        if self.authorization and place == self.authorization:
            return self._page(request)
        if self.revocation and place == self.revocation:
            return self._end_of_all()
        return self._api(request) if place.startswith(self.api) else None

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form: dict[str, str] = (
            await request.json()
            if request.content_type == "application/json"
            else {name: str(value) for name, value in (await request.post()).items()}
        )
        kind = form.get("grant_type")
        refusal = self.demands(request, form)
        if refusal is None and kind == "refresh_token" and form["refresh_token"] != self._expected():
            refusal = self.over
        if refusal is not None:
            return web.json_response(refusal[1], status=refusal[0])
        self.issued += 1
        tokens = {**self.granted, "access_token": f"access_token-{self.issued}"}
        if self.member in tokens:
            tokens[self.member] = f"{self.member}-{self.issued}"
        signs_in = kind == "authorization_code" and (not self.offline or self.offline in self.asked)
        if signs_in or (kind == "refresh_token" and self.rotates):
            self.refresh = tokens["refresh_token"] = f"refresh-{self.issued}"
        if kind == "authorization_code" and self.nest:
            tokens = {**self.granted, "access_token": "of-the-bot", self.nest: {**tokens, "token_type": "user"}}
        return web.json_response(tokens)

    def _expected(self) -> str:
        return self.refresh or os.environ["REFRESH_TOKEN"]

    def _metadata(self) -> web.StreamResponse:
        places = {"token": self.token, "authorization": self.authorization, "revocation": self.revocation}
        said = {f"{name}_endpoint": f"https://{place}" for name, place in places.items() if place}
        return web.json_response({"issuer": f"https://{self.issuer}", **said})

    def _page(self, request: web.Request) -> web.StreamResponse:
        """Be a person who agrees."""
        self.asked = dict(request.query)
        back = urlencode({"code": "a-code", "state": self.asked["state"]})
        there = self.asked.get("redirect_uri", "https://app.example/registered")
        return web.Response(status=302, headers={"Location": f"{there}?{back}"})

    def _end_of_all(self) -> web.StreamResponse:
        """Revoke all tokens when one is, as the servers of the page do that have such an endpoint."""
        self.refresh, self.dead_before = "none", self.issued + 1
        return web.json_response({})

    def _api(self, request: web.Request) -> web.StreamResponse:
        alive = {f"{self.prefix}{self.member}-{number}" for number in range(self.dead_before, self.issued + 1)}
        if request.headers.get(self.header) in alive and request.headers["User-Agent"].startswith(self.user_agent):
            return web.json_response({"ok": True})
        headers = {"WWW-Authenticate": self.challenge} if self.challenge else None
        return web.json_response(self.dead[1], status=self.dead[0], headers=headers)


def header_of(user: str, password: str) -> str:
    """Return the header of a client with these."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def secret_in_the_header(request: web.Request, _form: Form) -> Refusal | None:
    """Demand id and secret in the header."""
    right = header_of("app", quote_plus(os.environ["CLIENT_SECRET"]))
    return None if request.headers.get("Authorization") == right else INVALID_CLIENT


def secret_in_the_body(_request: web.Request, form: Form) -> Refusal | None:
    """Demand id and secret in the body."""
    return None if form.get("client_secret") == os.environ["CLIENT_SECRET"] else INVALID_CLIENT


def assertion_for(place: str, key: RSAKey | ECKey, alg: str, form: Form) -> dict[str, Any] | None:
    """Return the header of a client's JWT, None unless it is signed with the key and meant for the token endpoint."""
    try:
        assertion = jwt.decode(form.get("client_assertion", ""), key, algorithms=[alg])
    except (JoseError, ValueError):
        return None
    return assertion.header if assertion.claims.get("aud") == f"https://{place}" else None
