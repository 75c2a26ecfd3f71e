"""What a browser brings back from the authorization server (RFC 6749 section 4.1.2), judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_token._errors import ConfigurationError, ServerUnavailable
from aio_token._token import Unpicklable
from aio_token.oauth.remedies import by_word
from aio_token.oauth.server_text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token.oauth.endpoint import TokenEndpoint

_OF_THE_PROTOCOL = frozenset(
    {
        "access_token",
        "code",
        "error",
        "error_description",
        "error_uri",
        "expires_in",
        "id_token",
        "iss",
        "refresh_token",
        "scope",
        "session_state",
        "state",
        "token_type",
    }
)


class Callback(Unpicklable):
    """An authorization response; an object, so that no frame shows the code."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, str]) -> None:
        self._members = dict(members)

    def __repr__(self) -> str:
        return f"<Callback {len(self._members)} members>"

    def __getitem__(self, name: str) -> str:
        """Return a member, "" if there is none."""
        return self._members.get(name, "")

    @property
    def extra(self) -> dict[str, str]:
        """What a server says here besides the protocol, such as a realm or the address of an account's server."""
        return {name: value for name, value in self._members.items() if name not in _OF_THE_PROTOCOL}

    def judge(self, endpoint: TokenEndpoint) -> None:
        """Raise what the answer says instead of a code, or that it is another issuer's (RFC 9207 section 2.4).

        Raises `SignInRequired`, `ConfigurationError` or `ServerUnavailable`, by what helps.
        """
        issuer, named = endpoint.issuer, self["iss"]
        if named != issuer if named and issuer else endpoint.names_issuer:
            whose = issuer or "the issuer"
            message = f"the answer does not come from {whose}; check at which issuer the client is registered"
            raise ConfigurationError(message)
        error = self["error"]
        if error:
            kind, remedy = by_word(error)
            said = ": ".join(filter(None, (quoted(error), quoted(self["error_description"]))))
            message = f"the authorization endpoint answered {said}; {remedy}"
            raise kind(message)
        if not self["code"]:
            message = "the authorization endpoint sent neither a code nor an error; try again later"
            raise ServerUnavailable(message)
