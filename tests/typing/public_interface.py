"""The public interface as its users spell it; each line is right for every strict type checker."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from aiohttp import ClientResponse, ClientSession

from aio_token import (
    Accounts,
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    Credential,
    DeviceGrant,
    FileTokenStore,
    Grant,
    MemoryTokenStore,
    PasswordGrant,
    PrivateKeyJWT,
    Provider,
    PublicClient,
    RefreshTokenGrant,
    Rejection,
    Slot,
    StaticToken,
    Status,
    Token,
    TokenEndpoint,
    TokenError,
    TokenRepository,
    TokenSource,
    TokenStore,
    UnknownAccount,
    Windows,
    Wish,
)
from aio_token.grants import WebSignIn
from aio_token.oauth import DPoP, DPoPToken, ProofKey
from aio_token.stores import DirectoryTokenStores, MemoryTokenStores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from aio_token.grants import DevicePrompt, Interactive, IssuedBy
    from aio_token.stores import TokenStores


def clients_take_secrets_and_functions_alike() -> list[TokenEndpoint]:
    """A secret is a text, or a function, asynchronous or not, that returns one."""

    async def from_a_vault() -> str:
        return "secret"

    clients = (
        ClientSecretBasic("bot", "secret"),
        ClientSecretBasic("bot", lambda: "secret"),
        ClientSecretBasic("bot", from_a_vault),
        PublicClient("cli"),
        PrivateKeyJWT("signer", {"kty": "EC"}, alg="ES256"),
    )
    return [TokenEndpoint("https://id.example/token", client) for client in clients]


def our_own_parts_fit_the_seams(endpoint: TokenEndpoint) -> None:
    """Each of ours is what its protocol says."""
    grants: list[Grant] = [
        RefreshTokenGrant(endpoint),
        ClientCredentialsGrant(endpoint, scope="a b", resource=["https://api.example"]),
        PasswordGrant(endpoint, "alice", "secret"),
        DeviceGrant(endpoint, scope="a b", show=print),
    ]
    stores: list[TokenStore] = [MemoryTokenStore(), FileTokenStore("token.json")]
    sources: list[TokenSource] = [StaticToken("token"), TokenRepository(grants[0], stores[0], windows=Windows())]
    BearerMiddleware(sources[0], "https://api.example", "https://files.example", required=False)
    BearerMiddleware(sources[0], "https://api.example", renew_on={401, 403}, header="X-Token", prefix="", step_up={"a"})
    BearerMiddleware(sources[0], "https://api.example", renew_on=lambda response: response.status == 404)


async def _asked(token: Token) -> int:
    return len(token.authorization)


async def _says_so(response: ClientResponse) -> bool:
    return "error" in await response.text()


async def accounts_are_repositories_by_name(endpoint: TokenEndpoint, stores: TokenStores) -> None:
    """A function makes each one's grant; what is by name comes out as such."""
    accounts = Accounts(lambda name: RefreshTokenGrant(endpoint, first=f"of {name}"), stores)
    async with accounts as entered, entered.keep_fresh(active=60, sweep=60):
        assert_type(entered, Accounts)
        alice = accounts["alice"]
        assert_type(alice, TokenRepository)
        assert_type(alice.narrowed(scope="mail", resource=["https://mail.example"]), TokenRepository)
        assert_type([name async for name in accounts.names()], list[str])
        assert_type(await accounts.status("alice"), Status)
        assert_type([status async for status in accounts.statuses()], list[Status])
        assert_type(await accounts.sign_out_all(), dict[str, TokenError])
        assert_type(await accounts.import_from("bob", FileTokenStore("bob.json")), bool)
    assert_type(str(UnknownAccount("sign in")), str)
    all_of_ours: list[TokenStores] = [MemoryTokenStores(), DirectoryTokenStores("accounts")]
    assert_type(all_of_ours[0].of("alice"), TokenStore)


class TheirGrant:
    """A grant of another author."""

    @property
    def issued_by(self) -> IssuedBy | None:
        """Take any credential."""
        return None

    async def obtain(self, credential: Credential | None, wish: Wish) -> Credential:
        """Return what is there."""
        return credential or Credential(token=Token(access_token="token"))


class TheirStore:
    """A store of another author."""

    may_lose = False

    async def load(self) -> Credential | None:
        """Return nothing."""
        return None

    def exclusive(self) -> AbstractAsyncContextManager[Slot]:
        """Exclude no one."""
        raise NotImplementedError


async def what_comes_out() -> None:
    """Tokens are tokens, wherever they come from."""
    tokens = TokenRepository(TheirGrant(), TheirStore())
    async with tokens as entered, ClientSession(middlewares=(BearerMiddleware(tokens, "https://api.example"),)):
        assert_type(entered, TokenRepository)
        token = await tokens.token(rejected=None, min_valid_for=30)
        assert_type(token, Token)
        assert_type(token.authorization, str)
        assert_type(token.expires_at, float | None)
        assert_type(await tokens.authorized(_asked), int)
        async with ClientSession() as session:
            BearerMiddleware(tokens, "https://api.example", renew_on=_says_so).attach(session)
    provider = await Provider.discover("https://id.example/realms/demo")
    assert_type(provider.token_endpoint(PublicClient("cli")), TokenEndpoint)
    assert_type(await tokens.sign_in(TheirGrant()), Token)
    web_sign_in = WebSignIn(provider.token_endpoint(PublicClient("app")), "https://app.example/callback")
    begun = await web_sign_in.begin(Wish(acr_values="gold"))
    assert_type(begun.address, str)
    assert_type(begun.state, str)
    assert_type(await web_sign_in.finish("code=a&state=b", begun.state), Grant)
    assert_type(await web_sign_in.finish({"code": "a"}, None), Grant)
    bound = TokenEndpoint("https://id.example/token", PublicClient("app"), dpop=DPoP(alg="ES384", required=False))
    assert_type(bound.dpop, DPoP | None)
    assert_type(DPoPToken(access_token="a", key=ProofKey.new()).headers("GET", "https://a")["DPoP"], str)
    person: Interactive = DeviceGrant(provider.token_endpoint(PublicClient("tv")))
    assert_type(await person.invite(Wish()), Grant)


async def a_bot_shows_the_code(prompt: DevicePrompt) -> None:
    """What a person is shown may take an await to show."""
    assert_type(prompt.user_code, str)
    assert_type(prompt.verification_uri_complete, str | None)
    DeviceGrant(TokenEndpoint("https://id.example/token", PublicClient("cli")), show=a_bot_shows_the_code)


async def tokens_one_after_another(source: TokenSource) -> AsyncIterator[str]:
    """A source is all that an API client needs to know of."""
    token = await source.token()
    yield token.authorization
    yield (await source.token(rejected=Rejection(token=token))).authorization
