"""The authorization server of the testing kit: how clients prove who they are."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import encode_basic_auth
from authlib.oauth2.rfc7523 import client_secret_jwt_sign, private_key_jwt_sign
from joserfc.jwk import ECKey, OctKey

from aio_token.testing import AuthorizationServer, RegisteredClient
from tests.support.plain_client import ask

FORM = {"grant_type": "client_credentials"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ODD = "a b+c%41:e/f&g=é" * 3
KEY = ECKey.generate_key("P-256")


def odd_server(**registration: Any) -> AuthorizationServer:
    """Return a server with one client, whose name and secret need care."""
    client = RegisteredClient("odd client", **{"secret": ODD, **registration})
    return AuthorizationServer(clients={client.client_id: client})


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return a Basic header, encoded as RFC 6749 wants it."""
    return {"Authorization": encode_basic_auth(quote(client_id, safe=""), quote(secret, safe=""))}


def assertion(server: AuthorizationServer, **claims: object) -> dict[str, str]:
    """Return a form with a JWT of the client, signed with its secret."""
    key = OctKey.import_key(server.client.secret or "")
    jwt = client_secret_jwt_sign(key, server.client.client_id, server.token_url, claims=claims)
    return {**FORM, "client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt}


async def test_basic_is_percent_decoded() -> None:
    """Law D5: an encoded id and secret are decoded, a raw one is refused."""
    async with odd_server() as server:
        assert (await ask(server.token_url, FORM, basic("odd client", ODD)))[0] == 200
        raw = {"Authorization": encode_basic_auth("odd client", ODD)}
        status, answer = await ask(server.token_url, FORM, raw)
    assert (status, answer["error"]) == (401, "invalid_client")


async def test_post_takes_id_and_secret_from_the_form() -> None:
    """`client_secret_post` works, and a wrong secret or an unknown client does not."""
    async with odd_server() as server:
        form = {**FORM, "client_id": "odd client", "client_secret": ODD}
        assert (await ask(server.token_url, form))[0] == 200
        for wrong in ({"client_secret": "wrong"}, {"client_id": "nobody"}):
            assert (await ask(server.token_url, {**form, **wrong}))[1]["error"] == "invalid_client"


async def test_a_public_client_says_its_name() -> None:
    """`none` is for clients without a secret, and for grants that are not the client's own."""
    async with AuthorizationServer() as server:
        form = {"grant_type": "refresh_token", "client_id": "app"}
        token = server.sign_in(client_id="app")
        assert (await ask(server.token_url, {**form, "refresh_token": token}))[0] == 200
        assert (await ask(server.token_url, {**FORM, "client_id": "app"}))[1]["error"] == "invalid_client"
        refused = await ask(server.token_url, {**form, "client_id": "bot", "refresh_token": server.sign_in()})
    assert (refused[0], refused[1]["error"]) == (401, "invalid_client")


async def test_a_jwt_signed_with_the_secret() -> None:
    """`client_secret_jwt` works once: a JWT that comes again is refused."""
    async with odd_server() as server:
        form = assertion(server)
        assert (await ask(server.token_url, form))[0] == 200
        assert (await ask(server.token_url, form))[1]["error"] == "invalid_client"


async def test_a_jwt_signed_with_a_private_key() -> None:
    """`private_key_jwt` works for a client whose public key is known, and a JWT by another key does not."""
    async with odd_server(secret=None, public_key=KEY.as_dict(private=False)) as server:
        for key, status in ((KEY, 200), (ECKey.generate_key("P-256"), 400)):
            jwt = private_key_jwt_sign(key, "odd client", server.token_url, alg="ES256")
            form = {**FORM, "client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt}
            assert (await ask(server.token_url, form))[0] == status


async def test_a_jwt_has_to_be_for_this_server() -> None:
    """A JWT for another audience or one that has ended is refused; the issuer's address is an audience too."""
    async with odd_server() as server:
        for claims in ({"aud": "https://other.example"}, {"exp": int(time.time()) - 3_600}):
            status, answer = await ask(server.token_url, assertion(server, **claims))
            assert (status, answer["error"]) == (400, "invalid_client")
        assert (await ask(server.token_url, assertion(server, aud=server.issuer)))[0] == 200


async def test_a_client_without_a_key_has_no_jwt() -> None:
    """A JWT in the name of a public client is refused."""
    async with odd_server() as server:
        form = assertion(server, sub="app", iss="app")
        server.register(RegisteredClient("app"))
        assert (await ask(server.token_url, form))[1]["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("method", "taken"),
    [("client_secret_basic", "basic"), ("client_secret_post", "post"), ("client_secret_jwt", "jwt")],
)
async def test_a_client_may_be_held_to_one_method(method: str, taken: str) -> None:
    """A client that is registered for one method is refused with any other."""
    async with odd_server(auth_methods={method}) as server:
        answers = {
            "basic": await ask(server.token_url, FORM, basic("odd client", ODD)),
            "post": await ask(server.token_url, {**FORM, "client_id": "odd client", "client_secret": ODD}),
            "jwt": await ask(server.token_url, assertion(server)),
        }
    assert {name for name, (status, _) in answers.items() if status == 200} == {taken}
    assert {answer["error"] for status, answer in answers.values() if status != 200} == {"invalid_client"}


async def test_two_methods_at_once_are_refused() -> None:
    """RFC 6749 section 2.3: a client that authenticates twice is refused, even if both are right."""
    async with odd_server() as server:
        form = {**FORM, "client_id": "odd client", "client_secret": ODD}
        status, answer = await ask(server.token_url, form, basic("odd client", ODD))
    assert (status, answer["error"]) == (400, "invalid_request")


async def test_a_parameter_that_comes_twice_is_refused() -> None:
    """RFC 6749 section 3.2: parameters come once, but for those of which there may be several."""
    async with odd_server() as server:
        form = [*FORM.items(), ("scope", "read"), ("scope", "write")]
        status, answer = await ask(server.token_url, form, basic("odd client", ODD))
    assert (status, answer["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Basic /////w==", "Basic !", "Bearer x", "Basic " + "eA=="])
async def test_a_proof_that_cannot_be_read_is_refused(header: str) -> None:
    """Junk in the header is an invalid client, not a server error."""
    async with odd_server() as server:
        _, answer = await ask(server.token_url, FORM, {"Authorization": header})
    assert answer["error"] == "invalid_client"
