"""What the library says to programmers, said to a person at a command line: flags instead of arguments."""

from __future__ import annotations

import re

HERE = {
    " or pass check_permissions=False; else": "; else",
    ", run this as that user, or pass check_permissions=False": ", or run this as that user",
    "check the address and `ssl`": "check the address, or sign in with --ca-file FILE to trust it",
    "check `proxy`": "check HTTPS_PROXY and --proxy",
    "HTTPS_PROXY and ALL_PROXY in the environment, and for SOCKS, pass connector= instead": "HTTPS_PROXY and ALL_PROXY",
    "pass dpop=DPoP() to the TokenEndpoint": "sign in with --dpop",
    "check the address, `ssl` and the proxy": "check the address and the proxy",
    " (NO_PROXY, or a Transport without `proxy`)": " (NO_PROXY)",
    " (NO_PROXY, or a session without `proxy`)": " (NO_PROXY)",
    "if it was moved here, give Encrypted() its old path as identity=": (
        "was HOME or XDG_STATE_HOME another one at the sign-in? Another name is given by: aio-token profiles rename"
    ),
    "this store was given no codec= to read it with": "the profile keeps its token in clear; sign in again",
    "as new_key() makes it": "as aio-token new-key makes it",
    "KeyringKey.create() makes one": "sign in again to make one",
    "; say send_secrets_over_plain_http=True if it shall be so": "",
    "use https, or say send_secrets_over_plain_http=True": "use https",
    "or push_authorization=False if the server takes others as well": "or sign in with --device",
    "pass metadata_url= if it is elsewhere, or make a TokenEndpoint yourself": (
        "pass --metadata-url if it is elsewhere, or --token-url if there is none"
    ),
    ", or pass metadata_url=": ", or pass --metadata-url",
    ", with metadata_url=": ", with --metadata-url ",
    ", and make a TokenEndpoint yourself if it shall be so": "",
    "; check `certificate`": "; aio-token shows none",
    "knows the DPoP `alg`": "takes proofs signed with ES256",
    ", or pass check_server=False": "",
    "make it once, with create_table() or the statement in `schema`": "the program makes it, by create_table",
    "table= takes": "--table takes",
    "; for SOCKS, pass connector= instead": "",
    "proxy is the address": "--proxy is the address",
    "pass alg='RS256', 'PS256', 'ES256' or 'Ed25519'": "--client-key-alg is RS256, PS256, ES256 or Ed25519",
    " needs an unencrypted private": ", which --client-key-alg may change, needs an unencrypted private",
    "say them by a client authentication instead": "pass --client-id and --client-secret-from instead",
    "check the client's id, its secret and its way to authenticate": (
        "check --client-id, the client's secret or key, and --client-auth"
    ),
    "pass password=": "it has a password; write it without one: openssl pkey -in FILE -out NEW",
    "; use https addresses, or leave the certificate out": "; sign in at an https issuer, or without --certificate",
    "free the port or use another": "free the port, or pass another --port",
    "give them in the URL, or to the client": "give them in the URL",
    "or give a client of its Sentinel": "or its Sentinels, by redis+sentinel://",
}
"""What is said in the library, and here."""

_ADDRESSES = {
    "authorization_url": "--authorization-url",
    "device_authorization_url": "--device-url",
    "pushed_authorization_request_url": "--push-url",
    "revocation_url": "--revocation-url",
}
_ADDRESS = re.compile(rf"\bpass ({'|'.join(_ADDRESSES)})\b")
_STORE = re.compile(r"\b(Redis|Postgres)TokenStores?\(([^()]*)\)(?:\.of\((?:'[^']*'|\"[^\"]*\")\))?")


def spoken(text: str) -> str:
    """Return a sentence of the library's in the words of the command line."""
    for there, here in HERE.items():
        text = text.replace(there, here)
    text = _ADDRESS.sub(lambda found: f"pass {_ADDRESSES[found[1]]}", text)
    return _STORE.sub(_store, text)


def _store(found: re.Match[str]) -> str:
    kind, place = found[1].replace("Postgres", "PostgreSQL"), found[2].replace("'", "").replace("=", " ")
    return f"the store on {kind} ({place})"
