"""The forms that a token is printed in."""

from __future__ import annotations

import json
import os
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token._token import Token

VARIABLE = "ACCESS_TOKEN"
_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


def _raw(token: Token) -> str:
    return token.access_token


def _header(token: Token) -> str:
    return f"Authorization: {token.authorization}"


def _env(token: Token) -> str:
    return f"export {VARIABLE}={shlex.quote(token.access_token)}"


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
    escaped = token.authorization.replace("\\", "\\\\").replace('"', '\\"')
    return f'header = "Authorization: {escaped}"'


def _exec_credential(token: Token) -> str:
    """Write what kubectl's exec plugins answer (client.authentication.k8s.io), in the version that it asks for."""
    status: dict[str, object] = {"token": token.access_token}
    if token.expires_at is not None:
        ends = datetime.fromtimestamp(int(token.expires_at), UTC)
        status["expirationTimestamp"] = f"{ends:%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps({"apiVersion": _exec_version(), "kind": "ExecCredential", "status": status})


def _exec_version() -> str:
    try:
        asked = json.loads(os.environ.get("KUBERNETES_EXEC_INFO", ""))["apiVersion"]
    except (ValueError, TypeError, KeyError):
        asked = None
    return asked if asked in _EXEC_VERSIONS else _EXEC_VERSIONS[0]


FORMATS: dict[str, Callable[[Token], str]] = {
    "raw": _raw,
    "header": _header,
    "env": _env,
    "json": _json,
    "curl": _curl,
    "exec-credential": _exec_credential,
}
"""How each format is written, a line without its end."""
