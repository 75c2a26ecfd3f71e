"""Has Authlib's client half put a proof on a request, and lets none of its errors show the secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aio_token._errors import ConfigurationError, raise_alone
from aio_token.oauth.secret import Revealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_token.oauth.form import Request


def percent_encoded(text: str) -> str:
    """Write it as the RFC wants it, which Authlib leaves out; every server tried takes %20 for a space (law D5)."""
    return quote(text, safe="")


def in_utf_8(text: str) -> str:
    """Let Authlib, which writes Latin-1, write UTF-8 (RFC 7617 section 2.1)."""
    return text.encode().decode("latin-1")


def prepared(
    request: Request,
    method: object,
    client_id: str,
    secret: Revealed[Any] | None = None,
    *,
    write: Callable[[str], str] | None = None,
) -> Request:
    """Let Authlib put the proof on the request."""
    from authlib.oauth2.auth import ClientAuth  # noqa: PLC0415  slow to import, and not needed to serve from a store

    secret = secret or Revealed("")
    done = Revealed(("", dict(request.headers), request.body))
    try:
        client = ClientAuth(client_id, secret.value, method)
        if write is not None:
            client.client_id, client.client_secret = write(client_id), write(secret.value)
        done.value = client.prepare(  # type: ignore[no-untyped-call]  # types-authlib leaves it out
            request.method, request.url, *done.value[1:]
        )
    except Exception as error:  # noqa: BLE001  whatever a library raises may quote the secret
        message = f"the client {client_id!r} cannot be authenticated with what it was given ({type(error).__name__})"
        raise_alone(ConfigurationError(message))
    _, headers, body = done.value
    sent = (secret.value, *headers.get("Authorization", "").split()[1:])
    secrets = (*request.secrets, *(text for text in sent if isinstance(text, str)))
    return replace(request, headers=headers, body=body, secrets=secrets)
