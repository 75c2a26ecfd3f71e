"""Where the endpoints of an authorization server are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError
from aio_token.oauth.arguments import judged
from aio_token.oauth.url import problem_with

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDPOINT = "_endpoint"


@judged
class Addresses:
    """The address of the token endpoint and of those beside it, by name; each is one that a secret may go to (law A2).

    `aliases` are where requests with a client certificate go instead, by the names that metadata has for them
    (RFC 8705 section 5); a browser has no certificate of the client's. None of the addresses is shown, since people
    write passwords into them.
    """

    __slots__ = ("_aliases", "_urls")

    def __init__(
        self,
        urls: Mapping[str, str | None],
        homes: Mapping[str, Mapping[str, str]],
        aliases: Mapping[str, str],
        *,
        plain_http: bool,
    ) -> None:
        self._aliases = {
            name.removesuffix(_ENDPOINT).replace("_", " "): url
            for name, url in aliases.items()
            if name.endswith(_ENDPOINT)
        }
        self._urls = {name: url for name, url in urls.items() if url is not None or name == "token"}
        for name, url in (*self._urls.items(), *self._aliases.items()):
            problem = problem_with(url, plain_http=plain_http)
            if problem is not None:
                message = f"the address of the {name} endpoint {problem}"
                raise ConfigurationError(message)
        for origin in (origin for origins in homes.values() for origin in origins.values()):
            problem = problem_with(origin, plain_http=plain_http)
            if problem is not None:
                message = f"a home in the dialect {problem}"
                raise ConfigurationError(message)

    def knows(self, name: str) -> bool:
        """Whether there is such an endpoint."""
        return name in self._urls

    def of(self, name: str) -> str:
        """Return the address of an endpoint. Raises `ConfigurationError` if none is known."""
        url = self._urls.get(name)
        if url is None:
            message = f"no address of the {name} endpoint is known; pass {name.replace(' ', '_')}_url"
            raise ConfigurationError(message)
        return url

    def asked_at(self, name: str) -> str:
        """Return where an endpoint is asked: at its alias, if there is one. Raises as `of` does."""
        return self._aliases.get(name) or self.of(name)
