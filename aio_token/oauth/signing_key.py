"""A private key that signs JWTs, and what their header says of it (RFC 7515 section 4.1)."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any, Literal

from aio_token._errors import ConfigurationError, raise_alone
from aio_token.oauth.secret import Revealed, reveal

if TYPE_CHECKING:
    from joserfc.jwk import Key as JoseKey

KeyText = str | bytes | Mapping[str, Any]
"""A private key as PEM or JWK (its JSON, or a mapping)."""
Key = KeyText | Callable[[], KeyText | Awaitable[KeyText]]
"""A private key, or a function, asynchronous or not, that returns it."""
Certificate = str | bytes | Callable[[], str | bytes | Awaitable[str | bytes]]
"""A certificate as PEM, or a function, asynchronous or not, that returns it; the first one counts if there are more."""

_OF_THE_KEY = ("kid", "x5t", "x5t#S256")
"""What a JWT's header says of its key (RFC 7515 section 4.1), and a JWK too (RFC 7517 section 4)."""
_KEY_TYPES: dict[str, Literal["RSA", "EC", "OKP"]] = {
    "RS": "RSA",
    "PS": "RSA",
    "ES": "EC",
    "Ed": "OKP",
}  # by the first letters of `alg`
_FEWEST_BITS = 2_048  # of an RSA key (RFC 7518 section 3.3)
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


async def private_key(given: Key, alg: str, name: str) -> JoseKey:
    """Read a private key for this algorithm; `name` is what messages call it.

    Raises `ConfigurationError` if there is no such algorithm, or if the key does not fit it.
    """
    from joserfc.jwk import import_key  # noqa: PLC0415  slow to import, needed by few

    held = Revealed(given)
    del given  # the frame of an exception would show it
    kind = _KEY_TYPES.get(alg[:2])
    if kind is None:
        message = f"{alg!r} is no algorithm for a private key; pass alg='RS256', 'PS256', 'ES256' or 'Ed25519'"
        raise ConfigurationError(message)
    text: Revealed[KeyText] = await reveal(held.value, name, kinds=(str, bytes, Mapping))
    try:
        if isinstance(text.value, str | bytes) and text.value.lstrip()[:1] in {"{", b"{"}:
            text.value = json.loads(text.value)
        key = import_key(dict(text.value) if isinstance(text.value, Mapping) else text.value, kind)
        if not key.is_private:
            raise ValueError  # noqa: TRY301  as if it could not be read
        raw: Any = key.raw_value
        if kind == "RSA" and raw.key_size < _FEWEST_BITS:
            raise ValueError  # noqa: TRY301
    except Exception:  # noqa: BLE001  whatever the parser raises may quote the key
        bits = f" of {_FEWEST_BITS} bits at least" if kind == "RSA" else ""
        message = f"{name} cannot be used: {alg} needs an unencrypted private {kind} key{bits}, as PEM or JWK"
        raise_alone(ConfigurationError(message))
    return key


async def header_for(
    key: Revealed[JoseKey], kid: str | None, header: Mapping[str, Any], certificate: Certificate | None, whose: str
) -> dict[str, Any]:
    """Return the header of a JWT; what is not said is as the certificate or the key's JWK has it.

    `whose` the two are is for messages. Raises `ConfigurationError` for a certificate that is not the key's.
    """
    own = {name: text for name in _OF_THE_KEY if (text := key.value.get(name))}
    pem = await revealed_certificate(certificate, whose)
    thumbprints = {} if pem is None else _thumbprints(pem, key, whose)
    return {**own, **thumbprints, **header, **({"kid": kid} if kid else {})}


async def revealed_certificate(certificate: Certificate | None, whose: str) -> bytes | None:
    """Return the first certificate alone, as there may be more in the text, and a key as well."""
    if certificate is None:
        return None
    name = f"the certificate of {whose}"
    held: Revealed[str | bytes] = await reveal(certificate, name, kinds=(str, bytes))
    text = Revealed(held.value.encode() if isinstance(held.value, str) else held.value)
    first = text.value.partition(_BEGIN)[2].partition(_END)[0]
    if not first:
        message = f"{name} cannot be used: it is a PEM text, which begins with {_BEGIN.decode()}"
        raise ConfigurationError(message)
    return _BEGIN + first + _END


def _thumbprints(pem: bytes, key: Revealed[JoseKey], whose: str) -> dict[str, str]:
    """Return what servers know a certificate by: some by the old one, AD FS among them (RFC 7515 section 4.1.7)."""
    try:
        is_of_the_key = type(key.value).import_key(pem).thumbprint() == key.value.thumbprint()
        der = b64decode(pem.removeprefix(_BEGIN).removesuffix(_END))
    except Exception as error:  # noqa: BLE001  whatever the parser raises
        message = f"the certificate of {whose} cannot be read, or is of another kind of key"
        raise_alone(ConfigurationError(message), because=error)
    if not is_of_the_key:
        message = f"the certificate of {whose} is not that of its private key"
        raise ConfigurationError(message)
    digests = {"x5t": sha1(der, usedforsecurity=False), "x5t#S256": sha256(der)}
    return {name: urlsafe_b64encode(found.digest()).rstrip(b"=").decode() for name, found in digests.items()}
