"""Programs that give a token to a shell, each set up with one that it keeps, by its own way to get it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from aio_token.stores import new_key
from aio_token.testing import AuthorizationServer, CertificateAuthority

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import ExitStack

DAY = 86_400
PATIENCE = 120  # seconds for a command, on a machine that is busy
TENANT = "11111111-1111-1111-1111-111111111111"


@dataclass(frozen=True)
class Program:
    """A command that prints a token, and the environment that it has."""

    command: list[str]
    environment: dict[str, str]


class Issuer(AuthorizationServer):
    """A server whose answers bring a signed ID token as well, and whose metadata say what strict clients look for."""

    def __post_init__(self) -> None:
        """Make its key."""
        super().__post_init__()
        self._key = ECKey.generate_key("P-256", {"kid": "key", "use": "sig", "alg": "ES256"})

    def describe(self) -> None:
        """Say what is known once it runs."""
        members = {"iss": self.issuer, "sub": "ada", "aud": self.client.client_id, "exp": int(time.time()) + DAY}
        self.extra = {"id_token": jwt.encode({"alg": "ES256", "kid": "key"}, members, self._key)}
        self.metadata = {
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["ES256"],
            "scopes_supported": ["openid", "offline_access"],
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoints, and that of the key."""
        return [*super().routes(), web.get("/keys", self._keys, name="keys")]

    async def _keys(self, request: web.Request) -> web.Response:  # noqa: ARG002  it is the same for all
        return web.json_response({"keys": [self._key.as_dict(private=False)]})


class Place:
    """A folder, a server over http and one over https, and what is to be ended afterwards."""

    def __init__(self, folder: Path, server: Issuer, secure: AuthorizationServer, running: ExitStack) -> None:
        self.folder = folder
        self.server = server
        self.secure = secure
        self.running = running
        self.client_id = server.client.client_id
        self.secret = server.client.secret or ""

    def environment(self, **more: str) -> dict[str, str]:
        """Return a small environment: nothing of this one makes a program slower, or tells it of another account."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        return {**kept, "HOME": str(self.folder), **more}

    async def told(self, command: list[str], environment: dict[str, str]) -> str:
        """Run a command, and return what it prints."""
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout


async def ours_plain(place: Place) -> Program:
    """Sign `aio-token` in, and keep the token in clear."""
    return await _ours(place, "plain", "--store", "plain")


async def ours_encrypted(place: Place) -> Program:
    """Sign `aio-token` in, and keep the token encrypted, with a key in a file."""
    key = place.folder / "key"
    key.write_text(new_key(), encoding="utf-8")
    key.chmod(0o600)
    return await _ours(place, "encrypted", "--key-file", str(key))


async def _ours(place: Place, name: str, *kept: str) -> Program:
    aio_token = str(Path(sys.executable).with_name("aio-token"))
    environment = place.environment(CLIENT_SECRET=place.secret)
    who = ["--service-account", "--client-id", place.client_id, "--client-secret-from", "env:CLIENT_SECRET"]
    await place.told([aio_token, "login", name, "--issuer", place.server.issuer, *who, *kept], environment)
    return Program([aio_token, "token", name], environment)


async def gh(place: Place) -> Program:
    """Write the file of hosts: a sign-in would ask GitHub."""
    told = place.server.issue()["access_token"]
    (place.folder / "hosts.yml").write_text(f"github.com:\n    user: ada\n    oauth_token: {told}\n", encoding="utf-8")
    return Program(["gh", "auth", "token"], place.environment(GH_CONFIG_DIR=str(place.folder)))


async def gcloud(place: Place) -> Program:
    """Give `gcloud` a refresh token, and have it fetch its token here."""
    environment = place.environment(
        CLOUDSDK_CONFIG=str(place.folder / "gcloud"),
        CLOUDSDK_AUTH_TOKEN_HOST=place.server.token_url,
        CLOUDSDK_AUTH_CLIENT_ID=place.client_id,
        CLOUDSDK_AUTH_CLIENT_SECRET=place.secret,
        CLOUDSDK_CORE_DISABLE_PROMPTS="1",
        CLOUDSDK_CORE_DISABLE_USAGE_REPORTING="1",
    )
    await place.told(["gcloud", "auth", "activate-refresh-token", "ada", place.server.sign_in()], environment)
    return Program(["gcloud", "auth", "print-access-token"], environment)


async def aws(place: Place) -> Program:
    """Give `aws` keys, with which it computes a token for a cluster; no other command of it prints one."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
    return Program(["aws", "eks", "get-token", "--cluster-name", "demo"], place.environment(**keys))


async def oidc_token(place: Place) -> Program:
    """Start an agent, and hand it a refresh token."""
    socket = str(place.folder / "agent")
    environment = place.environment(OIDC_SOCK=socket, OIDC_ENCRYPTION_PW="password")
    (place.folder / ".oidc-agent").mkdir()
    await asyncio.to_thread(_start_agent, place, socket, environment)
    scope = "openid offline_access"
    who = ["--iss", place.server.issuer, "--client-id", place.client_id, "--client-secret", place.secret]
    how = ["--manual", "--flow=refresh", "--rt", place.server.sign_in(scope=scope), f"--scope={scope}", "--pw-env"]
    back = ["--redirect-uri", "http://localhost:8080", "--confirm-yes"]
    await place.told(["oidc-gen", *who, *how, *back, "demo"], environment)
    return Program(["oidc-token", "demo"], environment)


def _start_agent(place: Place, socket: str, environment: dict[str, str]) -> None:
    command = ["oidc-agent", "--console", "--socket-path", socket]
    agent = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    place.running.callback(agent.wait)
    place.running.callback(agent.terminate)
    give_up = time.monotonic() + PATIENCE
    while not Path(socket).exists():
        assert agent.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.02)


async def az(place: Place) -> Program:
    """Describe a cloud to `az` whose directory is here, and a service principal that has signed in."""
    folder, server = place.folder / "azure", place.secure
    folder.mkdir()
    environment = place.environment(
        AZURE_CONFIG_DIR=str(folder),
        AZURE_CORE_COLLECT_TELEMETRY="false",
        AZURE_CORE_INSTANCE_DISCOVERY="false",
        REQUESTS_CA_BUNDLE=str(place.folder / "authority.pem"),
    )
    ends = ("active-directory", "active-directory-resource-id", "resource-manager", "management")
    addresses = [part for end in ends for part in (f"--endpoint-{end}", server.url)]
    register = ["az", "cloud", "register", "--name", "here", "--skip-endpoint-discovery", *addresses]
    await place.told(register, environment)
    await place.told(["az", "cloud", "set", "--name", "here"], environment)
    user = {"name": server.client.client_id, "type": "servicePrincipal"}
    account = {"id": "1", "name": "demo", "state": "Enabled", "user": user, "isDefault": True, "tenantId": TENANT}
    whole = {**account, "environmentName": "here", "homeTenantId": TENANT, "managedByTenants": []}
    secret = {"client_id": server.client.client_id, "tenant": TENANT, "client_secret": server.client.secret}
    (folder / "azureProfile.json").write_text(json.dumps({"subscriptions": [whole]}), encoding="utf-8")
    (folder / "service_principal_entries.json").write_text(json.dumps([secret]), encoding="utf-8")
    return Program(["az", "account", "get-access-token", "--query", "accessToken", "--output", "tsv"], environment)


async def kubelogin(place: Place) -> Program:
    """Have `kubelogin` sign a client in, with an ID token in the answer, which is what it keeps."""
    who = ["--oidc-client-id", place.client_id, "--oidc-client-secret", place.secret]
    where = ["--oidc-issuer-url", place.server.issuer, "--token-cache-dir", str(place.folder / "kubelogin")]
    return Program(["kubelogin", "get-token", *where, *who, "--grant-type", "client-credentials"], place.environment())


OURS: dict[str, Callable[[Place], Awaitable[Program]]] = {
    "aio-token, in clear": ours_plain,
    "aio-token, encrypted": ours_encrypted,
}
PROGRAMS: dict[str, Callable[[Place], Awaitable[Program]]] = {
    "gh": gh,
    "gcloud": gcloud,
    "aws": aws,
    "oidc-token": oidc_token,
    "az": az,
    "kubelogin": kubelogin,
}


def installed(program: str) -> bool:
    """Whether it is on the PATH."""
    return shutil.which(program) is not None


async def prepared(folder: Path, running: ExitStack) -> dict[str, Program]:
    """Set up what is here; each has printed the same text twice then, and has asked no server the second time."""
    made = {}
    secure = CertificateAuthority(folder).server_context()
    async with (
        Issuer(lifetime=DAY) as server,
        AuthorizationServer(lifetime=DAY, path=f"/{TENANT}/v2.0", ssl_context=secure) as https,
    ):
        server.describe()
        place = Place(folder, server, https, running)
        chosen = OURS | {name: setup for name, setup in PROGRAMS.items() if installed(name)}
        for name, setup in chosen.items():
            program = made[name] = await setup(place)
            first = await place.told(program.command, program.environment)
            asked = server.requests + https.requests
            again = await place.told(program.command, program.environment)
            assert first
            assert name == "aws" or first == again, name  # that one is computed, and has the time in it
            assert server.requests + https.requests == asked, name
    return made
