"""Which authorization server of a resource is believed: a hostile resource names its own (law L1)."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError
from aio_token.oauth.private import Names, is_private, looking_up
from aio_token.oauth.provider import addresses_in
from aio_token.oauth.server_text import quoted
from aio_token.oauth.url import host_of, origin_of, problem_with
from aio_token.resources._metadata import servers_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from typing import Any

    from aio_token.oauth.provider import Provider
    from aio_token.oauth.transport import Transport
    from aio_token.resources._metadata import SoughtResource

    Agree = Callable[[str], bool | Awaitable[bool]]


class Surroundings:
    """Where the resource is: one that is on a private address may name servers on such addresses."""

    def __init__(self, sought: SoughtResource, transport: Transport, *, plain_http: bool) -> None:
        self._sought = sought
        self._plain_http = plain_http
        self._names = Names()
        self._given = transport
        self.transport: Transport = looking_up(self._names, sought.url, transport)

    @property
    def are_private(self) -> bool:
        """Whether the resource is on a private address; known once it has been asked."""
        return is_private(host_of(self._sought.url)) or self._names.were_private

    def problem_with(self, server: str) -> str | None:
        """Tell what keeps an authorization server from being asked, None if nothing does."""
        problem = problem_with(server, plain_http=self._plain_http)
        if problem is not None:
            return problem
        if not self._plain_http and self._sought.url.lower().startswith("https:") > server.lower().startswith("https:"):
            return "is not https, though the resource is; say send_secrets_over_plain_http=True if it shall be so"
        if is_private(host_of(server)) and not self.are_private:
            return "is on a private address, which only a resource on one may name"
        return None

    def demand_public(self, provider: Provider) -> None:
        """Raise `ConfigurationError` if an endpoint of the server is on a private address, unless the resource is."""
        for name, url in () if self.are_private else addresses_in(provider.metadata):
            if is_private(host_of(url)):
                message = (
                    f"the {quoted(name)} of {provider.issuer} is on a private address, which only the server of a "
                    "resource on one may name"
                )
                raise ConfigurationError(message)

    def transport_to(self, server: str) -> Transport:
        """Return what the server is reached with: not at a private address, unless the resource is on one."""
        return self._given if self.are_private else looking_up(Names(public_only=True), server, self._given)


async def chosen(
    sought: SoughtResource,
    metadata: Mapping[str, Any],
    around: Surroundings,
    known: Collection[str],
    agree: Agree | None,
) -> str:
    """Return the first authorization server that the resource names and that is believed.

    That is one of those `known`, or one that a person agrees to. A resource that names none is served by the first that
    is known. Raises `ConfigurationError`.
    """
    named = servers_in(metadata)
    if not named and "authorization_servers" not in metadata:
        named = [*known]
    usable = [server for server in named if around.problem_with(server) is None]
    expected = {server.rstrip("/") for server in known}
    for server in usable:
        if server.rstrip("/") in expected:
            return server
    if agree is not None:
        for server in usable:
            if await _agrees(agree, server):
                return server
    raise ConfigurationError(_why_none(sought.shown, named, usable, around))


async def _agrees(agree: Agree, server: str) -> bool:
    answer = agree(server)
    return (await answer if isawaitable(answer) else answer) is True


def _why_none(resource: str, named: list[str], usable: list[str], around: Surroundings) -> str:
    if usable:
        return (
            f"the resource {resource} wants tokens of {', '.join(usable)[:_MOST_SHOWN]}, which no one here has named; "
            f"if that is right, pass servers=[{usable[0]!r}]"
        )
    if named:
        return f"the resource {resource} names {origin_of(named[0])}, which {around.problem_with(named[0])}"
    return f"the resource {resource} names no authorization server; pass the right one as servers=[...]"


_MOST_SHOWN = 300  # characters of what a stranger has written
