"""Where an issuer's metadata is looked for, and whose it has to be (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aio_token._errors import ConfigurationError
from aio_token.oauth.arguments import judged
from aio_token.oauth.published import published, shown_whole
from aio_token.oauth.url import origin_of, problem_with, without_query

if TYPE_CHECKING:
    from aio_token.oauth.transport import Transport

_MARK = "/.well-known/"
_OAUTH, _OPENID = "oauth-authorization-server", "openid-configuration"
_LONGEST = 8_190  # characters of a name: no address is longer (law H1)


@judged
class Sought:
    """What is looked for: the metadata of an issuer, by the name that it has to give itself.

    `metadata_url` is where it is, if that is known. An issuer with the well-known part in it is such an address too, as
    people copy it: then the name is what it is derived from, with a slash at its end or without.

    Raises `ConfigurationError` for addresses that cannot be asked. Nothing of them is shown then (law A2).
    """

    def __init__(self, issuer: str, metadata_url: str | None, *, plain_http: bool) -> None:
        _check("the issuer's address", issuer, plain_http=plain_http)
        derived = _issuer_of(issuer) if metadata_url is None else None
        if derived is None:
            _check_name(issuer, is_found=metadata_url is not None)
        self.names: tuple[str, ...] = (issuer,) if derived is None else (derived, f"{derived}/")
        self.shown: str = without_query(issuer) if derived is not None else issuer
        self.addresses: tuple[str, ...] = _addresses(issuer) if derived is None else (issuer,)
        if metadata_url is not None:
            _check("metadata_url", metadata_url, plain_http=plain_http)
            if not plain_http and _is_https(issuer) and not _is_https(metadata_url):
                message = "metadata_url is not https, though the issuer is; say send_secrets_over_plain_http=True"
                raise ConfigurationError(message)
            self.addresses = (metadata_url,)

    def name_in(self, metadata: dict[str, Any]) -> str | None:
        """Return the issuer's name if the metadata is its own, None if it is another's (RFC 8414 section 3.3)."""
        named = metadata.get("issuer")
        return next((name for name in self.names if named == name or fits(named, name)), None)

    async def found(self, transport: Transport) -> tuple[str, dict[str, Any]]:
        """Return the issuer's name and its metadata.

        Raises `ConfigurationError` if there is none, or only another's, and `ServerUnavailable`.
        """
        remedy = "check its address, pass metadata_url= if it is elsewhere, or make a TokenEndpoint yourself"
        return await published(f"the issuer {self.shown}", self.addresses, transport, self._judged, remedy)

    def _judged(self, metadata: dict[str, Any], at: str) -> tuple[str, dict[str, Any]] | ConfigurationError:
        name = self.name_in(metadata)
        return self._of_another(metadata.get("issuer"), at) if name is None else (name, metadata)

    def _of_another(self, other: object, at: str) -> ConfigurationError:
        shown = shown_whole(other)
        told = f"the metadata of {self.shown} is for another issuer, {shown!r}"
        if not shown:
            return ConfigurationError(f"the metadata of {self.shown} does not say for which issuer it is, at {at}")
        if shown.rstrip("/") in {name.rstrip("/") for name in self.names}:
            return ConfigurationError(f"{told}; pass that one: the slash at the end is a part of the name")
        is_usual = problem_with(shown, plain_http=True) is None and at in _addresses(shown)
        where = "" if is_usual else f", with metadata_url={at!r}"
        return ConfigurationError(f"{told}; pass that one, letter by letter{where}, if it is the right one")


def fits(template: object, name: str) -> bool:
    """Whether a name is what a template stands for, such as `https://login.example/{tenantid}/v2.0`.

    Entra ID names itself so where a client of several tenants asks. A placeholder is a whole part of the path.
    """
    if not isinstance(template, str) or len(template) > _LONGEST or "{" not in template:
        return False
    patterns, parts = template.split("/"), name.split("/")
    return (
        patterns[:3] == parts[:3]  # scheme and host
        and len(patterns) == len(parts)
        and all(_stands_for(pattern, part) for pattern, part in zip(patterns, parts, strict=True))
    )


def is_template(name: object) -> bool:
    """Whether an issuer's name has a placeholder in it, so that no issuer is called so."""
    return isinstance(name, str) and any(_is_placeholder(part) for part in name[:_LONGEST].split("/"))


def _stands_for(pattern: str, part: str) -> bool:
    return pattern == part or (_is_placeholder(pattern) and bool(part))


def _is_placeholder(part: str) -> bool:
    return part.startswith("{") and part.endswith("}")


def _check(what: str, url: str, *, plain_http: bool) -> None:
    problem = problem_with(url, plain_http=plain_http)
    if problem is not None:
        message = f"{what} {problem}"
        raise ConfigurationError(message)


def _check_name(issuer: str, *, is_found: bool) -> None:
    if "?" in issuer:
        message = "the issuer's address has a query, which RFC 8414 (section 2) forbids"
        raise ConfigurationError(message)
    if is_template(issuer) and not is_found:
        message = (
            f"the issuer's name {issuer} has a placeholder in it: put your own tenant there, or pass metadata_url="
        )
        raise ConfigurationError(message)


def _is_https(url: str) -> bool:
    return url.lower().startswith("https:")


def _issuer_of(address: str) -> str | None:
    """Return the issuer that an address of metadata is derived from, None if it is no such address."""
    issuer, mark, rest = address.partition("?")[0].partition(_MARK)
    kind, _, path = rest.partition("/")
    if not mark or kind not in {_OAUTH, _OPENID}:
        return None
    return f"{issuer}/{path}".rstrip("/")


def _addresses(issuer: str) -> tuple[str, ...]:
    """Return where the metadata may be, the usual places first, each once.

    RFC 8414 puts the well-known part before the path, OpenID Connect Discovery behind it, and servers mix the two.
    """
    path = urlsplit(issuer).path.rstrip("/")
    before, behind = f"{origin_of(issuer)}{_MARK}", f"{issuer.rstrip('/')}{_MARK}"
    found = (f"{before}{_OAUTH}{path}", f"{behind}{_OPENID}", f"{before}{_OPENID}{path}", f"{behind}{_OAUTH}")
    return tuple(dict.fromkeys(found))
