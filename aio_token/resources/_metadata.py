"""Where a resource's metadata is looked for, and whose it has to be (RFC 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aio_token._errors import ConfigurationError
from aio_token.oauth.arguments import judged
from aio_token.oauth.published import published, shown_whole
from aio_token.oauth.url import origin_of, problem_with, same_address, without_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.oauth.transport import Transport

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_MOST_SERVERS = 16  # of a list that a stranger has written
_MOST_WORDS = 100  # of a scope, the same
_LONGEST = 2_048  # characters of a name or a scope


@judged
class SoughtResource:
    """What is looked for: the metadata of a resource, by the address that it has to give itself.

    Raises `ConfigurationError` for an address that no token may be sent to. Nothing of it is shown then (law A2).
    """

    def __init__(self, url: str, *, plain_http: bool) -> None:
        problem = problem_with(url, plain_http=plain_http)
        if problem is not None:
            message = f"the resource's address {problem}"
            raise ConfigurationError(message)
        self.url: str = url
        self._plain_http = plain_http

    def demand_own(self, metadata_url: str) -> str:
        """Return the address of metadata if it is at the resource's own origin. Raises `ConfigurationError`."""
        problem = problem_with(metadata_url, plain_http=self._plain_http)
        if problem is None and origin_of(metadata_url) != origin_of(self.url):
            problem = f"is at another origin, {origin_of(metadata_url)}, which cannot speak for it"
        if problem is not None:
            message = f"the address of the metadata of {self.shown} {problem}"
            raise ConfigurationError(message)
        return metadata_url

    @property
    def shown(self) -> str:
        """What messages call it."""
        return without_query(self.url)

    async def found(self, metadata_url: str | None, transport: Transport) -> dict[str, Any]:
        """Return the metadata, which says itself that it is this resource's (RFC 9728 section 3.3).

        Raises `ConfigurationError` if there is none, or only another's, and `ServerUnavailable`.
        """
        origin, parts = origin_of(self.url), urlsplit(self.url)
        query = f"?{parts.query}" if parts.query else ""
        usual = (f"{origin}{_WELL_KNOWN}{parts.path.rstrip('/')}{query}", f"{origin}{_WELL_KNOWN}")
        addresses = dict.fromkeys(usual if metadata_url is None else (metadata_url, *usual))
        remedy = "check its address, or make a TokenEndpoint for its authorization server yourself"
        return await published(f"the resource {self.shown}", addresses, transport, self._judged, remedy)

    def _judged(self, metadata: dict[str, Any], at: str) -> dict[str, Any] | ConfigurationError:
        named = metadata.get("resource")
        if same_address(named, self.url):
            methods = metadata.get("bearer_methods_supported")
            if isinstance(methods, list) and methods and "header" not in methods:
                return ConfigurationError(f"{self.shown} takes no token in a header, and one goes nowhere else")
            return metadata
        shown = shown_whole(named)
        if not shown:
            return ConfigurationError(f"the metadata of {self.shown} does not say of which resource it is, at {at}")
        message = f"the metadata of {self.shown} is that of another resource, {shown!r}; pass that one if it is right"
        return ConfigurationError(message)


def servers_in(metadata: Mapping[str, Any]) -> list[str]:
    """Return the authorization servers that a resource names; what no address can look like is left out."""
    named = metadata.get("authorization_servers")
    servers = named[:_MOST_SERVERS] if isinstance(named, list) else []
    return [one for one in servers if isinstance(one, str) and len(one) <= _LONGEST and _is_plain(one)]


def scope_from(metadata: Mapping[str, Any], challenged: str | None) -> str | None:
    """Return the scope to ask for: that of a challenge, else all that the resource names; None for neither."""
    named = metadata.get("scopes_supported")
    words = named[:_MOST_WORDS] if isinstance(named, list) else []
    if challenged and len(challenged) <= _LONGEST:
        words = challenged.split()
    return " ".join(word for word in words if isinstance(word, str) and _is_plain(word)) or None


def _is_plain(text: str) -> bool:
    """Whether a text is printable ASCII without a space, in which no name looks like another one."""
    return bool(text) and len(text) <= _LONGEST and text.isascii() and text.isprintable() and " " not in text
