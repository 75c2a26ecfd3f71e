"""What constructors refuse: one sentence at once, which shows nothing of what was given."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from aio_token import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    DeviceGrant,
    JWTBearerGrant,
    PasswordGrant,
    PrivateKeyJWT,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    StaticToken,
    TokenEndpoint,
    TokenExchangeGrant,
)
from aio_token.grants import SignedJWT
from aio_token.oauth import ClientSecretJWT, Form
from tests.support.exposure import exposure

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-5ecret"
ADDRESS = "https://id.example/token"
ENDPOINT = TokenEndpoint(ADDRESS, PublicClient("bot"))
ANY: Any = CANARY  # what a type checker would have refused


def code(**options: Any) -> AuthorizationCodeGrant:
    """Make a grant with what is given."""
    return AuthorizationCodeGrant(ENDPOINT, **options)


def jwt(**options: Any) -> SignedJWT:
    """Make an assertion with what is given."""
    return SignedJWT(**{"key": CANARY, "issuer": "i", "audience": "a", **options})


def exchange(subject: Any, **options: Any) -> TokenExchangeGrant:
    """Make a grant with what is given."""
    return TokenExchangeGrant(ENDPOINT, subject, **options)


OTHER_TYPES: list[tuple[Callable[[], object], str]] = [
    (lambda: TokenEndpoint(ADDRESS, PublicClient("bot"), issuer=7), "^issuer is a text"),  # type: ignore[arg-type]
    (lambda: TokenEndpoint(ADDRESS, PublicClient("bot"), parameters=ANY), "^parameters are texts by their names"),
    (lambda: TokenEndpoint(ADDRESS, PublicClient("bot"), parameters={7: CANARY}), "names and values of"),  # type: ignore[dict-item]
    (lambda: TokenEndpoint(ADDRESS, PublicClient("bot"), parameters={"a": None}), "names and values"),  # type: ignore[dict-item]
    (lambda: TokenEndpoint(ADDRESS, PublicClient("bot"), parameters={"a": 7}), "^the parameter 'a' is"),  # type: ignore[dict-item]
    (lambda: PublicClient(7), "^the client's id is a text"),  # type: ignore[arg-type]
    (lambda: PrivateKeyJWT("bot", CANARY, alg=7), "^alg is a text"),  # type: ignore[arg-type]
    (lambda: ClientSecretJWT("bot", CANARY, header="x5t"), "^header is a mapping"),  # type: ignore[arg-type]
    (lambda: ClientSecretJWT("bot", CANARY, audience=7), "^audience is a text"),  # type: ignore[arg-type]
    (lambda: ClientCredentialsGrant(ENDPOINT, scope=["a", "b"]), '^scope is one text .* scope="a b", not a '),  # type: ignore[arg-type]
    (lambda: RefreshTokenGrant(ENDPOINT, scope=["a"]), "^scope is one text"),  # type: ignore[arg-type]
    (lambda: PasswordGrant(ENDPOINT, "ann", CANARY, scope=("a",)), "^scope is one text"),  # type: ignore[arg-type]
    (lambda: DeviceGrant(ENDPOINT, scope={"a"}), "^scope is one text"),  # type: ignore[arg-type]
    (lambda: code(scope=["a"]), "^scope is one text"),
    (lambda: ClientCredentialsGrant(ENDPOINT, audience=7), "^audience is a text, or a list of texts$"),  # type: ignore[arg-type]
    (lambda: ClientCredentialsGrant(ENDPOINT, resource=[7]), "^resource is a text, or a list of texts$"),  # type: ignore[list-item]
    (lambda: PasswordGrant(ENDPOINT, 7, CANARY), "^username is a text"),  # type: ignore[arg-type]
    (lambda: DeviceGrant(ENDPOINT, show=ANY), "^show is a function"),
    (lambda: DeviceGrant(ENDPOINT, wait=None), "^wait is a function, not None$"),  # type: ignore[arg-type]
    (lambda: code(browser=CANARY), "^browser is a function"),
    (lambda: code(show=None), "^show is a function, not None$"),
    (lambda: code(parameters=[("a", CANARY)]), "^parameters are texts by their names"),
    (lambda: exchange(CANARY, subject_token_type=7), "^subject_token_type is a text"),
    (lambda: exchange(CANARY, actor_token=CANARY, actor_token_type=7), "^actor_token_type is a text"),
    (lambda: jwt(issuer=7), "^issuer is a text"),
    (lambda: jwt(kid=7), "^kid is a text"),
    (lambda: jwt(claims=[CANARY]), "^claims is a mapping of values by their names, not a list$"),
    (lambda: Form(password=CANARY, max_age=7), "^the member 'max_age' of a form is a text, or"),  # type: ignore[arg-type]
]
HOPELESS: list[tuple[Callable[[], object], str]] = [
    (lambda: TokenEndpoint(ADDRESS, ANY), r"pass ClientSecretBasic\(client_id, secret\), or PublicClient\(client_id\)"),
    (lambda: TokenEndpoint(ADDRESS, ClientSecretBasic), "^the client of .* not the class ClientSecretBasic$"),  # type: ignore[arg-type]
    (lambda: TokenEndpoint(ADDRESS, None), "^the client of .*, not None$"),  # type: ignore[arg-type]
    (lambda: TokenEndpoint(123, PublicClient("bot")), "^the address of the token endpoint is not a URL; write it"),  # type: ignore[arg-type]
    (lambda: TokenEndpoint(URL(ADDRESS), PublicClient("bot")), "is not a URL; "),  # type: ignore[arg-type]
    (lambda: TokenEndpoint(None, PublicClient("bot")), "is not a URL; "),  # type: ignore[arg-type]
    (lambda: TokenEndpoint(ADDRESS, PublicClient("bot"), transport=ANY), r"such as Transport\(timeout=10\)"),
    (lambda: ClientCredentialsGrant(ClientSecretBasic("bot", CANARY)), "^a grant asks a TokenEndpoint, not a "),  # type: ignore[arg-type]
    (lambda: ClientCredentialsGrant(ANY), "^a grant asks a TokenEndpoint"),
    (lambda: ClientCredentialsGrant(TokenEndpoint), "^a grant asks a TokenEndpoint, not the class"),  # type: ignore[arg-type]
    (lambda: RefreshTokenGrant(ClientCredentialsGrant(ENDPOINT)), "^a grant asks a TokenEndpoint"),  # type: ignore[arg-type]
    (lambda: PasswordGrant(ClientSession, "ann", CANARY), "^a grant asks a TokenEndpoint"),  # type: ignore[arg-type]
    (lambda: DeviceGrant(ANY), "^a grant asks a TokenEndpoint"),
    (lambda: AuthorizationCodeGrant(ANY), "^a grant asks a TokenEndpoint"),
    (lambda: JWTBearerGrant(ANY, CANARY), "^a grant asks a TokenEndpoint"),
    (lambda: TokenExchangeGrant(ANY, CANARY), "^a grant asks a TokenEndpoint"),
    (lambda: code(timeout="5"), "^timeout is a positive number of seconds, not a str$"),
    (lambda: code(port="8080"), "not a str$"),
    (lambda: code(port=True), "not True$"),
    (lambda: jwt(lifetime="60"), "^lifetime is a positive number of seconds, not a "),
    (lambda: PublicClient(""), "^the client's id is empty$"),
    (lambda: ClientSecretBasic("bot", ""), "^the secret of the client 'bot' is missing, .* is the variable set"),
    (lambda: ClientSecretPost("bot", None), "^the secret of the client 'bot' is missing"),  # type: ignore[arg-type]
    (lambda: ClientSecretJWT("bot", CANARY.encode()), "^the secret of the client 'bot' is missing"),  # type: ignore[arg-type]
    (lambda: PrivateKeyJWT("bot", None), "^the private key of the client 'bot' is missing"),  # type: ignore[arg-type]
    (lambda: PrivateKeyJWT("bot", CANARY, alg=""), "^alg is empty$"),
    (lambda: PrivateKeyJWT("bot", CANARY, header={"kid": "a"}), "^the header member 'kid' is written by the library"),
    (lambda: ClientSecretJWT("bot", CANARY, lifetime=0), "^lifetime is"),
    (lambda: jwt(header={"alg": "none", "typ": "x"}), "^the header member 'alg' is written by the library"),
    (lambda: jwt(key=None), "^the private key is missing"),
    (lambda: jwt(lifetime=-1), "^lifetime is a positive number of seconds, not -1$"),
    (lambda: jwt(audience=""), "^audience is empty$"),
    (lambda: JWTBearerGrant(ENDPOINT, None), "^the assertion is missing"),  # type: ignore[arg-type]
    (lambda: exchange(None), "^the subject token is missing"),
    (lambda: exchange(CANARY, actor_token=CANARY.encode()), "^the actor token is missing"),
    (lambda: PasswordGrant(ENDPOINT, "ann", None), "^the password is missing"),  # type: ignore[arg-type]
    (lambda: PasswordGrant(ENDPOINT, "", CANARY), "^username is empty$"),
    (lambda: RefreshTokenGrant(ENDPOINT, first=CANARY.encode()), "^the first refresh token is missing"),  # type: ignore[arg-type]
    (lambda: RefreshTokenGrant(ENDPOINT, first=""), "^the first refresh token is missing"),
    (lambda: code(timeout=0), "^timeout is a positive number of seconds, not 0$"),
    (lambda: code(port=-1), r"^port is a number from 0 \(any that is free\) to 65535, not -1$"),
    (lambda: code(port=65_536), "not 65536$"),
    (lambda: code(path="callback"), "^path begins with a slash"),
    (lambda: code(path=""), "^path is empty$"),
]


@pytest.mark.parametrize(("make", "says_so"), OTHER_TYPES)
def test_a_text_or_a_function_of_another_type_is_refused_at_once(make: Callable[[], object], says_so: str) -> None:
    """Law G1: a TypeError that says what to pass; neither it nor a frame shows a secret that stood in a wrong place."""
    with pytest.raises(TypeError, match=says_so) as caught:
        make()
    assert CANARY not in exposure(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("make", "says_so"), HOPELESS)
def test_what_cannot_work_is_refused_at_once(make: Callable[[], object], says_so: str) -> None:
    """Law G1: a `ConfigurationError` before any request, of one sentence, that shows no secret, nor do its frames."""
    with pytest.raises(ConfigurationError, match=says_so) as caught:
        make()
    assert CANARY not in exposure(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "name",
    [
        "grant_type",
        "client_id",
        "client_secret",
        "refresh_token",
        "code",
        "redirect_uri",
        "client_assertion",
        "password",
    ],
)
def test_an_endpoint_adds_no_parameter_that_a_grant_or_a_client_says(name: str) -> None:
    """No parameter is sent twice (RFC 6749 section 3.2), and none is overruled in silence."""
    with pytest.raises(ConfigurationError, match=f"'{name}' is written by the library; choose the grant") as caught:
        TokenEndpoint(ADDRESS, PublicClient("bot"), parameters={name: CANARY})
    assert CANARY not in exposure(caught.value)


@pytest.mark.parametrize("name", ["state", "redirect_uri", "response_type", "client_id", "code_challenge", "scope"])
def test_a_sign_in_adds_no_parameter_that_it_says_itself(name: str) -> None:
    """What protects a sign-in is made anew for each, and the rest has arguments of its own."""
    with pytest.raises(ConfigurationError, match=f"'{name}' is written by the library; scope=") as caught:
        code(parameters={"audience": "api", name: CANARY})
    assert CANARY not in exposure(caught.value)


async def test_an_issuer_is_judged_before_it_is_asked() -> None:
    """Law G1: what is no address is refused before anything is sent, and not shown."""
    with pytest.raises(ConfigurationError, match=r"^the issuer's address is not a URL; write it") as caught:
        await Provider.discover(CANARY.encode())  # type: ignore[arg-type]
    assert CANARY not in exposure(caught.value)
    with pytest.raises(ConfigurationError, match=r"^transport is a Transport"):
        await Provider.discover("https://id.example", transport=ANY)


def test_what_fits_is_taken() -> None:
    """Texts, lists, functions and sources pass, and whatever name a server wants that the library does not use."""
    parameters = {"body": "x", "uri": "x", "tenant": ["a", "b"], "audience": "api"}
    TokenEndpoint(ADDRESS, ClientSecretBasic("bot", lambda: CANARY), parameters=parameters)
    code(parameters=parameters, resource=("https://a.example", "https://b.example"), port=65_535)
    exchange(StaticToken(CANARY), actor_token=lambda: CANARY)


def test_a_constructor_says_what_it_takes() -> None:
    """Editors and documentation see the arguments of a constructor that is judged."""
    assert list(inspect.signature(ClientSecretBasic).parameters) == ["client_id", "secret", "encoded", "empty"]
    assert "transport" in inspect.signature(TokenEndpoint).parameters
