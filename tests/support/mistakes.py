"""Mistakes that people make, each as they make it: what is done, and what the message has to say and to advise."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aio_token import (
    AuthorizationCodeGrant,
    BearerMiddleware,
    ClientCredentialsGrant,
    ClientSecretBasic,
    DeviceGrant,
    Encrypted,
    FileTokenStore,
    Limits,
    PasswordGrant,
    Provider,
    RefreshTokenGrant,
    StaticToken,
    TokenEndpoint,
    TokenRepository,
)
from aio_token.oauth import DPoP, Transport
from aio_token.stores import EnvironmentKey, new_key
from aio_token.testing import Broken, RateLimited, Silent
from tests.support.daemon import free_port
from tests.support.disk import Disk, Halt
from tests.support.mute_server import mute

if TYPE_CHECKING:
    from pathlib import Path

    from aio_token.testing import AuthorizationServer

KEY, OTHER_KEY, NO_KEY = "MISTAKES_KEY", "MISTAKES_OTHER_KEY", "MISTAKES_NO_KEY"


@dataclass
class Place:
    """Where a mistake is made: a server, a folder, the address of a database, and an environment with two keys."""

    server: AuthorizationServer
    folder: Path
    database: str = ""

    def endpoint(self, url: str | None = None, client: Any = None, **options: Any) -> TokenEndpoint:
        """Make an endpoint of the server's, or a wrong one."""
        known = self.server.client
        client = client or ClientSecretBasic(known.client_id, known.secret or "")
        return TokenEndpoint(url or self.server.token_url, client, **options)

    def account(self, *arguments: Any, **options: Any) -> TokenRepository:
        """Make a service account over such an endpoint."""
        return TokenRepository(ClientCredentialsGrant(self.endpoint(*arguments, **options)))

    def stored(self, name: str, *, client: Any = None, **options: Any) -> TokenRepository:
        """Make the repository of a person whose credential is in a file."""
        return TokenRepository(
            RefreshTokenGrant(self.endpoint(client=client)), FileTokenStore(self.folder / name, **options)
        )

    async def keep(self, name: str, **options: Any) -> Path:
        """Sign a person in, and return the file that has the credential then."""
        store = FileTokenStore(self.folder / name, **options)
        grant = RefreshTokenGrant(self.endpoint(), first=self.server.sign_in())
        async with TokenRepository(grant, store) as tokens:
            await tokens.token()
        return self.folder / name


Deed = Callable[[Place], Awaitable[object]]


@dataclass(frozen=True)
class Mistake:
    """What is done, what the message says of it, and what it advises: parts of its text."""

    name: str
    deed: Deed
    says: str
    advises: str


def _answer(status: int, body: object = b"<html>Hello</html>") -> Deed:
    async def deed(place: Place) -> object:
        place.server.inject(Broken(status=status, body=body))
        return await place.account().token()

    return deed


def _plainly(call: Callable[[Place], object]) -> Deed:
    async def deed(place: Place) -> object:
        return call(place)

    return deed


def _wrong(thing: object) -> Any:
    """Keep it from a type checker, which would have told the person."""
    return thing


def _halting(step: str, **limits: float) -> Deed:
    async def deed(place: Place) -> object:
        disk, path = Disk(), await place.keep(f"{step}.json")
        disk.before = halt = Halt(step)
        grant = RefreshTokenGrant(place.endpoint())
        try:
            async with TokenRepository(grant, disk.store(path), limits=Limits(**limits)) as tokens:
                return await tokens.renew()
        finally:
            halt.release()

    return deed


async def _locked(place: Place) -> object:
    path = await place.keep("locked.json")
    async with FileTokenStore(path).exclusive():
        grant = RefreshTokenGrant(place.endpoint())
        return await TokenRepository(grant, FileTokenStore(path), limits=Limits(lock=0.2)).renew()


async def _hanging(place: Place) -> object:
    async with mute() as (silent, _):
        return await place.account(f"https://{silent}/token", transport=Transport(connect_timeout=0.3)).token()


async def _silence(place: Place) -> object:
    place.server.inject(Silent(), times=1)
    return await place.account(transport=Transport(timeout=1.0)).token()


async def _too_often(place: Place) -> object:
    place.server.inject(RateLimited(retry_after=30), times=1)
    return await place.account().token()


async def _mode(place: Place) -> object:
    (await place.keep("open.json")).chmod(0o666)
    return await place.stored("open.json").token()


async def _folder(place: Place) -> object:
    (place.folder / "open").mkdir()
    (place.folder / "open").chmod(0o777)
    return await place.stored("open/token.json").token()


async def _directory(place: Place) -> object:
    (place.folder / "token.json").mkdir()
    return await place.stored("token.json").token()


async def _wrong_key(place: Place) -> object:
    await place.keep("a.token", codec=Encrypted(EnvironmentKey(KEY)))
    return await place.stored("a.token", codec=Encrypted(EnvironmentKey(OTHER_KEY))).token()


async def _no_key(place: Place) -> object:
    await place.keep("a.token", codec=Encrypted(EnvironmentKey(KEY)))
    return await place.stored("a.token", codec=Encrypted(EnvironmentKey(NO_KEY))).token()


async def _no_such_key(place: Place) -> object:
    await place.keep("a.token", codec=Encrypted(EnvironmentKey(KEY)))
    os.environ[OTHER_KEY] = "a password"
    return await place.stored("a.token", codec=Encrypted(EnvironmentKey(OTHER_KEY))).token()


async def _clear(place: Place) -> object:
    await place.keep("a.json")
    return await place.stored("a.json", codec=Encrypted(EnvironmentKey(KEY))).token()


async def _encrypted(place: Place) -> object:
    await place.keep("a.token", codec=Encrypted(EnvironmentKey(KEY)))
    return await place.stored("a.token").token()


async def _other_client(place: Place) -> object:
    await place.keep("a.json")
    return await place.stored("a.json", client=ClientSecretBasic("other", "secret")).token()


def _sign_in(grant: Callable[[TokenEndpoint], Any]) -> Deed:
    async def deed(place: Place) -> object:
        return await TokenRepository(RefreshTokenGrant(place.endpoint())).sign_in(grant(place.endpoint()))

    return deed


def _origin(origin: Any) -> Deed:
    return _plainly(lambda place: BearerMiddleware(place.account(), origin))


def keys() -> dict[str, str]:
    """Return an environment for these mistakes."""
    return {KEY: new_key(), OTHER_KEY: new_key()}


MISTAKES = (
    # The server answered, and did not like it
    Mistake(
        "a wrong secret",
        lambda place: place.account(client=ClientSecretBasic("bot", "wrong")).token(),
        "answered 401 (invalid_client",
        "check the client's id, its secret",
    ),
    Mistake(
        "a refresh token that was refused",
        lambda place: TokenRepository(RefreshTokenGrant(place.endpoint(), first="old")).token(),
        "answered 400 (invalid_grant",
        "sign in again",
    ),
    Mistake(
        "a wrong password",
        lambda place: TokenRepository(PasswordGrant(place.endpoint(), "ada", "wrong")).token(),
        "answered 400 (invalid_grant",
        "",
    ),
    Mistake(
        "a scope that the client may not have",
        _answer(400, {"error": "invalid_scope", "error_description": "AADSTS70011: The scope is not valid."}),
        "answered 400 (invalid_scope: AADSTS70011",
        "ask for a scope that the client may have",
    ),
    Mistake("a wrong path", lambda place: place.account(f"{place.server.url}/wrong").token(), "answered 404", "/wrong"),
    Mistake("a page that takes no POST", _answer(405), "answered 405", "check its address"),
    Mistake("an address that has moved", _answer(302), "answered 302", "configure the address that it redirects to"),
    Mistake("a sign-in page", _answer(200), "answered 200", "check its address"),
    Mistake(
        "a code that has been used, at a server that answers 200",
        _answer(200, {"error": "bad_verification_code", "error_description": "The code passed is incorrect."}),
        "answered 200 (bad_verification_code: The code",
        "check what the grant presents",
    ),
    Mistake(
        "an error that the standard does not know, with 200",
        _answer(200, {"ok": False, "error": "team_not_found"}),
        "answered 200 (team_not_found)",
        "look this error up",
    ),
    Mistake("a gateway without a server", _answer(502), "answered 502", "try again later"),
    Mistake("too many requests", _too_often, "answered 429", "try again later"),
    Mistake(
        "tokens of another type",
        _answer(200, {"access_token": "abc", "token_type": "mac"}),
        "not of type Bearer",
        "register the client for bearer tokens",
    ),
    Mistake(
        "a key that the server binds nothing to",
        lambda place: place.account(dpop=DPoP()).token(),
        "gave a bearer token though a key was proved",
        "have it bind the client's tokens (DPoP)",
    ),
    # There was no answer
    Mistake(
        "a name that there is not",
        lambda place: place.account("https://no-such-host.invalid/token").token(),
        "cannot be reached: its name is not known",
        "check the address and the network",
    ),
    Mistake(
        "a closed port",
        lambda place: place.account(f"http://127.0.0.1:{free_port()}/token").token(),
        "cannot be reached: it refuses connections",
        "check the port",
    ),
    Mistake(
        "https to a port of http",
        lambda place: place.account(place.server.token_url.replace("http:", "https:")).token(),
        "cannot be reached: TLS is not spoken there",
        "check the address, its port",
    ),
    Mistake(
        "a closed proxy",
        lambda place: place.account(
            "https://id.example/token", transport=Transport(proxy=f"http://127.0.0.1:{free_port()}")
        ).token(),
        "the proxy on the way to",
        "try again later",
    ),
    Mistake(
        "a way that takes no connection",
        _hanging,
        "cannot be reached: no connection within 0.3 seconds",
        "check the address and what stands between",
    ),
    Mistake("a server that is silent", _silence, "did not answer within 1 seconds", "whether it acted is unknown"),
    # Before anything was sent
    Mistake(
        "plain http",
        _plainly(lambda place: place.endpoint("http://id.example/token")),
        "is not https",
        "use https",
    ),
    Mistake(
        "no scheme", _plainly(lambda place: place.endpoint("id.example/token")), "is not an https URL", "like https://"
    ),
    Mistake(
        "an issuer with another ending",
        lambda place: Provider.discover(f"{place.server.issuer}/"),
        "is for another issuer",
        "pass that one",
    ),
    Mistake(
        "an issuer of a wrong path",
        lambda place: Provider.discover(f"{place.server.url}/wrong"),
        "publishes no metadata",
        "check its address",
    ),
    Mistake(
        "a secret that is not set",
        _plainly(lambda _: ClientSecretBasic("bot", _wrong(None))),
        "is missing, empty or of the wrong type",
        "is the variable set",
    ),
    Mistake(
        "a secret's file that is not there",
        lambda place: place.account(client=ClientSecretBasic("bot", (place.folder / "none").read_text)).token(),
        "cannot be read (FileNotFoundError)",
        "see the cause",
    ),
    Mistake(
        "a client for an endpoint",
        _plainly(lambda place: ClientCredentialsGrant(_wrong(ClientSecretBasic("a", "b")))),
        "a grant asks a TokenEndpoint, not a ClientSecretBasic",
        "make one by Provider.discover",
    ),
    Mistake(
        "an endpoint for a grant",
        _plainly(lambda place: TokenRepository(_wrong(place.endpoint()))),
        "takes a grant, such as",
        "RefreshTokenGrant(endpoint)",
    ),
    Mistake(
        "a path for a store",
        _plainly(lambda place: TokenRepository(ClientCredentialsGrant(place.endpoint()), _wrong("token.json"))),
        "is one such as FileTokenStore(path), not a str",
        "FileTokenStore(path)",
    ),
    Mistake(
        "an id for a client",
        _plainly(lambda place: place.endpoint(client="bot")),
        "says how it proves who it is",
        "ClientSecretBasic(client_id, secret)",
    ),
    Mistake(
        "a grant for a source",
        _plainly(lambda place: BearerMiddleware(_wrong(ClientCredentialsGrant(place.endpoint())), "https://a.example")),
        "takes a source of tokens, such as",
        "TokenRepository(grant)",
    ),
    Mistake(
        "a list of scopes",
        _plainly(lambda place: ClientCredentialsGrant(place.endpoint(), scope=_wrong(["a", "b"]))),
        "scope is one text",
        'scope="a b"',
    ),
    Mistake(
        "no origin", _plainly(lambda place: BearerMiddleware(place.account())), "name at least one origin", "such as"
    ),
    Mistake("an origin with a path", _origin("https://a.example/v1"), "is not an origin", "write it like"),
    Mistake("an origin without a scheme", _origin("a.example"), "is not an origin", "write it like"),
    Mistake("an origin in clear", _origin("http://a.example"), "would send the token in clear", "use https"),
    Mistake("a wildcard", _origin("https://*.example"), "can never match, since there are no wildcards", "name each"),
    Mistake(
        "a token with its type",
        _plainly(lambda _: StaticToken("Bearer abc")),
        "holds characters that cannot stand in a header",
        "pass the token alone, without its type",
    ),
    Mistake(
        "a device flow without an address",
        _sign_in(DeviceGrant),
        "no address of the device authorization endpoint",
        "device_authorization_url",
    ),
    Mistake(
        "a browser without an address",
        _sign_in(AuthorizationCodeGrant),
        "no address of the authorization endpoint",
        "authorization_url",
    ),
    # The store
    Mistake(
        "nothing stored",
        lambda place: place.stored("none.json").token(),
        "there is no refresh token; sign in",
        "sign in",
    ),
    Mistake(
        "another client's file",
        _other_client,
        "was issued by another token endpoint or to another client",
        "use another store, or sign out first",
    ),
    Mistake("a file for all", _mode, "may be read or written by other users", "chmod 600"),
    Mistake("a folder for all", _folder, "other users may write to the directory", "chmod go-w"),
    Mistake("a folder of that name", _directory, "is a directory; name a file in it, or move it out of the way", "mv "),
    Mistake(
        "a disk that does not write",
        _halting("replace", save=0.3),
        "did not take the credential within 0.3 s",
        "see to its storage",
    ),
    Mistake(
        "a disk that does not read",
        _halting("_inspect", load=0.3),
        "could not be read within 0.3 s",
        "see to its storage",
    ),
    Mistake("a lock that is not let go", _locked, "has been locked by another process for", "try later"),
    Mistake("a wrong key", _wrong_key, "no key of", "it asks for the one with the id"),
    Mistake("a missing key", _no_key, "its key is not there", "is not set"),
    Mistake("a password for a key", _no_such_key, "does not hold a key", "as new_key() makes it"),
    Mistake("a file in clear", _clear, "it is not encrypted, so", "move it away, or encrypt it once by hand"),
    Mistake("a file that is encrypted", _encrypted, "it is encrypted, and this store was given no codec", "codec="),
)
