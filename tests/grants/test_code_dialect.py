"""A browser's sign-in at a server that leaves the standard."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientSession

from aio_token import AuthorizationCodeGrant, PublicClient, TokenEndpoint
from aio_token.oauth import Dialect
from tests.support.token_server import GRANTED, says, token_server


async def test_a_browser_is_sent_as_the_server_reads_it() -> None:
    """Laws D0 and K3: PKCE unless the dialect leaves it out; names and scope as the server has them, twice."""
    asked: dict[str, str] = {}

    async def come(address: str) -> None:
        asked.clear()
        asked.update({name: values[0] for name, values in parse_qs(urlsplit(address).query).items()})
        back = {"state": asked["state"], "code": "c"}
        async with ClientSession() as session, session.get(asked["redirect_uri"], params=back):
            pass

    names = {"client_id": "client_key", "resource": None}
    for dialect in (Dialect(names=names, scope_separator=","), Dialect(names=names, scope_separator=",", pkce=False)):
        async with token_server(says(GRANTED)) as server:
            endpoint = TokenEndpoint(
                server.url, PublicClient("cli"), authorization_url=f"{server.url}/authorize", dialect=dialect
            )
            await AuthorizationCodeGrant(endpoint, scope="a b", resource="r", show=come).obtain(None)
        pkce = {"code_challenge", "code_challenge_method"} if dialect.pkce else set()
        assert asked.keys() == {"response_type", "client_key", "redirect_uri", "state", "scope", *pkce}
        assert (asked["client_key"], asked["scope"]) == ("cli", "a,b")
        (sent,) = server.received
        assert sent.form.keys() == {
            *("grant_type", "code", "redirect_uri", "client_key"),
            *(["code_verifier"] if dialect.pkce else []),
        }
