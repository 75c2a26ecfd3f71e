"""What the kit's servers take for a proof of possession: RFC 9449's own examples, and nothing that differs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from aiohttp import ClientSession
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey, import_key

from aio_token import ClientCredentialsGrant, ClientSecretBasic, TokenEndpoint
from aio_token.oauth import DPoP, DPoPToken, ProofKey
from aio_token.testing import AuthorizationServer, ProtectedAPI, dpop
from aio_token.testing.dpop import BadProof, ProofCheck
from aio_token.testing.registered_client import SECRET

HEAD = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
TO_THE_TOKEN_ENDPOINT = (
    f"{HEAD}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuI"
    "iwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
TO_THE_API = (
    f"{HEAD}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90"
    "ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2o"
    "W9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
ITS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ITS_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
THEN = 1_562_262_616.0
URL = "https://api.example/orders"


def checks(at: float = THEN) -> ProofCheck:
    """Return what checks proofs at a moment that stands still."""
    return ProofCheck(lambda: at)


def test_the_example_of_a_token_request_counts() -> None:
    """The proof of RFC 9449 section 4.1 is taken, and its key has the thumbprint that section 6.1 gives."""
    assert checks().check(TO_THE_TOKEN_ENDPOINT, "POST", "https://server.example.com/token") == ITS_THUMBPRINT


def test_the_example_of_a_call_counts() -> None:
    """The proof of RFC 9449 section 7.1 is taken with its token, and with no other."""
    url = "https://resource.example.org/protectedresource"
    assert checks().check(TO_THE_API, "GET", url, access_token=ITS_TOKEN) == ITS_THUMBPRINT
    with pytest.raises(BadProof, match="another token"):
        checks().check(TO_THE_API, "GET", url, access_token="another")


def test_a_token_is_named_as_the_example_names_it() -> None:
    """Law K1: `ath` is that of RFC 9449 section 7.1, and our proof says the members of section 4.2 and no more."""
    key = ProofKey.new()
    bound = DPoPToken(access_token=ITS_TOKEN, key=key)
    assert bound.ath == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    headers = bound.headers("GET", "wss://API.example:443/orders?page=2#top", at=THEN, nonce="n")
    assert headers["Authorization"] == f"DPoP {ITS_TOKEN}"
    assert checks().check(headers["DPoP"], "GET", URL, access_token=ITS_TOKEN, nonces=["n"]) == key.thumbprint
    head, claims = (members(part) for part in headers["DPoP"].split(".")[:2])
    assert (head["typ"], head["alg"], set(head["jwk"])) == ("dpop+jwt", "ES256", {"kty", "crv", "x", "y"})
    assert len(claims.pop("jti")) > 16
    assert claims == {"htm": "GET", "htu": URL, "iat": int(THEN), "ath": bound.ath, "nonce": "n"}


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_a_proof_counts_with_each_algorithm(alg: str) -> None:
    """Each curve's key signs proofs that count, and is named as RFC 7638 names it."""
    key = ProofKey.new(alg)
    assert key.alg == alg
    assert checks().check(key.proof("GET", URL, at=THEN), "GET", URL) == key.thumbprint
    assert import_key(key.jwk()).thumbprint() == key.thumbprint


def test_the_example_of_a_thumbprint() -> None:
    """The kit names keys as RFC 7638 section 3.1 does."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    key = RSAKey.import_key({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    assert key.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def members(part: str) -> dict[str, Any]:
    """Return the members of a part of a JWT."""
    said: dict[str, Any] = json.loads(urlsafe_b64decode(f"{part}==="))
    return said


def signed(key: ECKey, *, typ: str = "dpop+jwt", private: bool = False, **claims: object) -> str:
    """Return a proof for a GET of the address, whatever is wrong with it."""
    header = {"typ": typ, "alg": "ES256", "jwk": key.as_dict(private=private)}
    whole = {"jti": "1", "htm": "GET", "htu": URL, "iat": THEN, **claims}
    return jwt.encode(header, {name: value for name, value in whole.items() if value is not None}, key)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"htm": "POST"}, "another method"),
        ({"htm": None}, "another method"),
        ({"htu": "https://api.example/"}, "another address"),
        ({"htu": "https://api.example/orders?page=2"}, "another address"),
        ({"htu": "http://api.example/orders"}, "another address"),
        ({"htu": "https://api.example:444/orders"}, "another address"),
        ({"htu": "https://[/"}, "another address"),
        ({"htu": None}, "another address"),
        ({"iat": THEN - 61}, "too old"),
        ({"iat": THEN + 11}, "to come"),
        ({"iat": "now"}, "too old"),
        ({"jti": ""}, "no name"),
        ({"jti": None}, "no name"),
        ({"typ": "JWT"}, "another kind"),
        ({"private": True}, "private key"),
    ],
)
def test_a_proof_of_something_else_does_not_count(claims: dict[str, Any], why: str) -> None:
    """RFC 9449 section 4.3: each member is compared."""
    with pytest.raises(BadProof, match=why) as caught:
        checks().check(signed(ECKey.generate_key("P-256"), **claims), "GET", URL)
    assert caught.value.error == "invalid_dpop_proof"


@pytest.mark.parametrize("proof", ["", "a.b.c", "é", f"{HEAD}.e30.AAAA", TO_THE_API.replace(".ey", ".eY", 1)])
def test_what_is_no_proof_does_not_count(proof: str) -> None:
    """Neither text of any kind nor a signature of another key."""
    with pytest.raises(BadProof, match="no JWT"):
        checks().check(proof, "GET", URL)


def test_a_signature_by_another_key_does_not_count() -> None:
    """The key in the header is the one that has signed."""
    mine, other = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    head, claims, signature = signed(mine).split(".")
    stranger = json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": other.as_dict(private=False)}).encode()
    with pytest.raises(BadProof, match="no JWT"):
        checks().check(f"{urlsafe_b64encode(stranger).rstrip(b'=').decode()}.{claims}.{signature}", "GET", URL)
    assert checks().check(f"{head}.{claims}.{signature}", "GET", URL) == mine.thumbprint()


def test_a_replayed_proof_does_not_count() -> None:
    """Each proof counts once."""
    once, proof = checks(), ProofKey.new().proof("GET", URL, at=THEN)
    once.check(proof, "GET", URL)
    with pytest.raises(BadProof, match="seen before"):
        once.check(proof, "GET", URL)


def test_old_proofs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs for long remembers a bounded number of them."""
    monkeypatch.setattr(dpop, "_REMEMBERED", 2)
    once, key = checks(), ProofKey.new()
    proofs = [key.proof("GET", URL, at=THEN) for _ in range(3)]
    for proof in (*proofs, proofs[0]):
        assert once.check(proof, "GET", URL) == key.thumbprint
    with pytest.raises(BadProof, match="seen before"):
        once.check(proofs[2], "GET", URL)


async def test_a_token_that_was_stolen_is_worth_nothing() -> None:
    """Without its key a bound token opens nothing: not as Bearer, nor with a proof that was seen or is a thief's."""
    async with AuthorizationServer(dpop=True) as server, ProtectedAPI(server) as api, ClientSession() as thief:
        endpoint = TokenEndpoint(server.token_url, ClientSecretBasic("bot", SECRET), dpop=DPoP())
        bound = (await ClientCredentialsGrant(endpoint).obtain(None)).token
        assert isinstance(bound, DPoPToken)
        seen = bound.headers("GET", api.url)
        thiefs = DPoPToken(access_token=bound.access_token, key=ProofKey.new()).headers("GET", api.url)
        for url, headers, status in (
            (api.url, seen, 200),
            (api.url, seen, 401),
            (api.url, thiefs, 401),
            (api.url, {"Authorization": f"Bearer {bound.access_token}"}, 401),
            (api.url, {"Authorization": f"DPoP {bound.access_token}"}, 401),
            (server.userinfo_url, bound.headers("GET", server.userinfo_url), 200),
            (server.userinfo_url, {"Authorization": f"Bearer {bound.access_token}"}, 401),
        ):
            async with thief.get(url, headers=headers) as response:
                assert response.status == status
                assert status == 200 or response.headers["WWW-Authenticate"].startswith("DPoP error=")
