"""How a token is written for its reader: a shell, curl, kubectl, a program."""

from __future__ import annotations

import json
import os
import shlex

from aio_token._ground import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._token import Token

TOKEN_VARIABLE = "ACCESS_TOKEN"
"""The environment variable that holds the token for other programs."""
_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


def _raw(token: Token) -> str:
    return token.access_token


def _header(token: Token) -> str:
    return f"Authorization: {token.authorization}"


def _env(token: Token) -> str:
    return f"export {TOKEN_VARIABLE}={shlex.quote(token.access_token)}"


def _fish(token: Token) -> str:
    """Quote as fish does: within single quotes it reads a backslash before a quote and before itself."""
    quoted = _escaped(token.access_token, "'")
    return f"set -gx {TOKEN_VARIABLE} '{quoted}'"


def _powershell(token: Token) -> str:
    """Quote as PowerShell does: within single quotes a quote is doubled, and nothing else means anything."""
    quoted = token.access_token.replace("'", "''")
    return f"$env:{TOKEN_VARIABLE} = '{quoted}'"


def _json(token: Token) -> str:
    return json.dumps(
        {
            "access_token": token.access_token,
            "token_type": "Bearer",
            "expires_at": None if token.expires_at is None else int(token.expires_at),
            "scope": token.scope,
        }
    )


def _curl(token: Token) -> str:
    """Write a line of a curl configuration: a header among curl's arguments would be in every process listing."""
    quoted = _escaped(token.authorization, '"')
    return f'header = "Authorization: {quoted}"'


def _exec_credential(token: Token) -> str:
    """Write what kubectl expects of an exec plugin (client.authentication.k8s.io), in the version that it asks for."""
    status: dict[str, object] = {"token": token.access_token}
    if token.expires_at is not None:
        from datetime import UTC, datetime

        ends = datetime.fromtimestamp(int(token.expires_at), UTC)
        status["expirationTimestamp"] = f"{ends:%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps({"apiVersion": _exec_version(), "kind": "ExecCredential", "status": status})


def _exec_version() -> str:
    try:
        version = json.loads(os.environ.get("KUBERNETES_EXEC_INFO", ""))["apiVersion"]
    except (ValueError, TypeError, KeyError):
        version = None
    return version if version in _EXEC_VERSIONS else _EXEC_VERSIONS[0]


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, f"\\{quote}")


FORMATS: dict[str, Callable[[Token], str]] = {
    "raw": _raw,
    "header": _header,
    "env": _env,
    "fish": _fish,
    "powershell": _powershell,
    "json": _json,
    "curl": _curl,
    "exec-credential": _exec_credential,
}
"""How each format is written, a line without its end."""
