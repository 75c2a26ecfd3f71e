"""Reads what a token endpoint answers: leniently, the refresh token first, errors sorted by what helps."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aio_token._bound.token import made
from aio_token._credential import Rescued
from aio_token._errors import ConfigurationError, GrantRefused, ServerUnavailable
from aio_token._ground.backoff import LONGEST_RETRY_AFTER
from aio_token._ground.public import public
from aio_token._token import Token
from aio_token.oauth.dates import moment_of
from aio_token.oauth.dialect import PLAIN, Dialect
from aio_token.oauth.dpop import unfit
from aio_token.oauth.exchange import Reply
from aio_token.oauth.extra import bounded
from aio_token.oauth.hearing import REFRESH_LIFETIMES, hear
from aio_token.oauth.lifetime import (
    earliest,
    lifetime_of_jwt,
    lifetime_said,
    refresh_lifetime_said,
    rest_of_jwt,
    seconds,
)
from aio_token.oauth.remedies import (
    by_code,
    code_of,
    description_of,
    is_about_the_client,
    needs_a_person,
    remedy_for,
    standard_code,
)
from aio_token.oauth.server_text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_token._bound.key import ProofKey
    from aio_token._credential import Credential
    from aio_token._errors import TokenError

_LONGEST_SCOPE = 8_192  # characters
_OF_A_GATEWAY = frozenset({502, 503, 504})
_OF_THE_SERVER = frozenset({429, 503})  # of all statuses: what one account is told with them holds for the others


@public
class Answer:
    """What a server answered to a request made at `asked_at`, and read at `now` (both POSIX seconds).

    `to` and `address` are the server's name in messages and its address without the query; `grant_type` is what was
    asked for, "" if it was no token. `secrets` are the texts that were sent and that no message may repeat. `dialect`
    is the server's, and `ahead` the seconds by which its clock is ahead. `key` is what was proved, and `takes_bearer`
    whether a token that is not bound to it will do.
    """

    __slots__ = (
        "_address",
        "_asked_at",
        "_asked_at_there",
        "_dialect",
        "_grant_type",
        "_heard",
        "_key",
        "_members",
        "_retry_after",
        "_secrets",
        "_status",
        "_takes_bearer",
        "_to",
    )

    def __init__(  # noqa: PLR0913  an answer has as many sides
        self,
        *,
        to: str,
        address: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        asked_at: float,
        now: float,
        grant_type: str = "",
        secrets: tuple[str, ...] = (),
        dialect: Dialect = PLAIN,
        ahead: float = 0.0,
        key: ProofKey | None = None,
        takes_bearer: bool = True,
    ) -> None:
        self._to = to
        self._address = address
        self._grant_type = grant_type
        self._status = status
        self._dialect = dialect
        heard = hear(Reply(status=status, headers=headers, body=body), dialect)
        self._heard = heard
        self._members = heard.said
        self._asked_at = asked_at
        self._asked_at_there = asked_at + ahead
        self._retry_after = _retry_after(headers.get("Retry-After", ""), now + ahead)
        self._secrets = secrets
        self._key = key
        self._takes_bearer = takes_bearer

    def __repr__(self) -> str:
        return f"<Answer {self._status} of {self._to}>"

    @property
    def members(self) -> Mapping[str, Any]:
        """What the server said, by the standard's names; empty if it said nothing that can be read."""
        return MappingProxyType(self._members)

    @property
    def error(self) -> str | None:
        """The error code (RFC 6749 section 5.2), None if the answer carries none; 200 may carry one (law D1).

        It is the standard's, as far as the dialect has a server's own words for it.
        """
        declared, said = self._dialect.errors, description_of(self._members)
        return standard_code(declared if self._grant_type else {}, self._word, description=said, status=self._status)

    @property
    def is_of_a_gateway(self) -> bool:
        """Whether a gateway answered for a server that may well answer the next time (502, 503 or 504).

        One that says when to come again means it.
        """
        return self._status in _OF_A_GATEWAY and not self._retry_after

    def failure(self) -> TokenError | None:
        """Return the error that this answer is, typed by what helps (law D6), None if it is none."""
        verdict, defect = self._heard.verdict, self._heard.defect
        failure = self._refusal() if verdict is None else verdict.again()
        if defect is not None and failure is None:
            failure = defect.again()
        if failure is not None:
            self._say_what_it_is_about(failure)
        return failure

    def _refusal(self) -> TokenError | None:
        if self.error is None and self._is_success:
            return None
        kind, remedy = remedy_for(
            self._grant_type, self._code, self._status, self._address, has_proved=self._key is not None
        )
        message = f"{self._to} answered {self._said()}; {remedy}"
        if self._heard.defect is not None:
            message += f" ({self._heard.defect})"
        return self._later(message) if kind is ServerUnavailable else kind(message)

    def _say_what_it_is_about(self, failure: TokenError) -> None:
        if isinstance(failure, ServerUnavailable) and self._status in _OF_THE_SERVER:
            failure.about = "server"
        elif is_about_the_client(self._code):
            failure.about = "client"
        elif isinstance(failure, GrantRefused) and self._grant_type == "refresh_token":
            failure.about = "refresh token"
        else:
            failure.about = "grant"

    def credential(self, kept: Credential) -> Credential:
        """Return the credential that follows `kept`.

        Raises `Rescued` if there is no usable token but a refresh token, else what `failure` says, or
        `ServerUnavailable` for an answer without a token.
        """
        held = self._with_refresh_token(kept)
        if self._key is not None:
            held = replace(held, dpop_key=self._key)
        token = self._token(kept, held)
        if isinstance(token, Token):
            return replace(held.without_trouble(), token=token, obtained_at=self._asked_at, refused=None)
        if self._is_success and self._text("refresh_token"):
            raise Rescued(replace(held, refused=None), token)
        raise token

    @property
    def _is_success(self) -> bool:
        return 200 <= self._status < 300  # noqa: PLR2004  RFC 9110 section 15.3

    @property
    def _word(self) -> str | None:
        return code_of(self._member("error"))

    @property
    def _code(self) -> str:
        return (self.error or "").strip().lower()

    def _member(self, name: str) -> Any:  # noqa: ANN401  whatever the server put there
        return self._members.get(name)

    def _text(self, name: str) -> str | None:
        """Return a member that is text, and text that can be written: JSON can spell half a character."""
        value = self._member(name)
        if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
            return None
        return value or None

    def _said(self) -> str:
        given = (self._text("access_token") or "", self._text("refresh_token") or "")
        words = [quoted(text, (*self._secrets, *given)) for text in (self._word, description_of(self._members))]
        if by_code(self._code) is not None and self.error == self._word:
            words[0] = self._code  # whatever secret is a part of it
        said = ": ".join(word for word in words if word)
        return f"{self._status} ({said})" if said else f"{self._status}"

    def _token(self, kept: Credential, held: Credential) -> Token | TokenError:
        failure = self.failure()
        if failure is not None:
            return failure
        kind = self._member("token_type") or "Bearer"
        wrong_kind = unfit(kind, self._dialect, has_key=self._key is not None, takes_bearer=self._takes_bearer)
        if wrong_kind is not None:
            wrong = ConfigurationError(f"{self._to} gave a {wrong_kind}")
            wrong.about = "grant"
            return wrong
        if self._text("access_token") is None:
            return self._later(
                f"{self._to} answered {self._status} without a token; try again later, and check its address, "
                f"{self._address}, if it goes on"
            )
        try:
            return made(
                "Bearer" if self._dialect.bearer_types and self._dialect.is_bearer(kind) else kind,
                held.dpop_key,
                access_token=self._text("access_token") or "",
                expires_at=self._expires_at(held),
                scope=self._scope() or (kept.token.scope if kept.token else None),  # RFC 6749 section 6
                extra=self._extra(kept),
            )
        except ValueError as error:
            problem = str(error)
        return self._later(f"{self._to} gave a token that cannot be used: {problem}; try again later")

    def _extra(self, kept: Credential) -> Mapping[str, Any]:
        """Return what else came with the token, and what came before and is not mentioned (law D13)."""
        came = self._heard.beside
        before = kept.token.extra if kept.token is not None else {}
        stays = before.keys() - came.keys() - set(self._dialect.where("access_token"))
        return bounded({**came, **{name: value for name, value in before.items() if name in stays}})

    def _later(self, message: str) -> ServerUnavailable:
        unknown = self._status >= 500  # noqa: PLR2004  a gateway speaks for a server that may have acted
        later = ServerUnavailable(message, retry_after=self._retry_after, outcome_unknown=unknown)
        later.about = "grant"
        return later

    def _expires_at(self, held: Credential) -> float | None:
        """Return when the token ends, counted from before it was asked for (laws D3 and D4)."""
        said = lifetime_said(self._members, self._dialect.expires, self._asked_at_there)
        if said == 0 and held.refresh_token is None and needs_a_person(self._grant_type):
            said = None  # nothing could renew it: such servers mean that it does not end
        lifetime = earliest(said, lifetime_of_jwt(self._text("access_token") or ""))
        return None if lifetime is None else self._asked_at + lifetime

    def _scope(self) -> str | None:
        """Return what is granted, None if that is not said, or is too long to be kept at every save (law H2)."""
        scope, separator = self._member("scope"), self._dialect.scope_separator
        if isinstance(scope, list):
            scope, separator = " ".join(part for part in scope if isinstance(part, str)) or None, " "
        if not isinstance(scope, str) or len(scope) > _LONGEST_SCOPE:
            return None
        return scope if separator.isspace() else " ".join(scope.replace(separator, " ").split())

    def _with_refresh_token(self, kept: Credential) -> Credential:
        """Take the refresh token of the answer, or keep the one there is (law D2)."""
        came = self._text("refresh_token")
        held = replace(kept, refresh_token=came or kept.refresh_token)
        if came is not None:
            rest = rest_of_jwt(came)
            held = replace(held, refresh_not_before=None if rest is None else self._asked_at + rest)
        said = refresh_lifetime_said(
            self._members, self._dialect.refresh_expires, REFRESH_LIFETIMES, self._asked_at_there
        )
        if held.refresh_token is None or said == 0:  # 0 is Keycloak's "never"
            return replace(held, refresh_expires_at=None)
        if said is None and held.refresh_token == kept.refresh_token:
            return held
        lifetime = said or lifetime_of_jwt(held.refresh_token)
        return replace(held, refresh_expires_at=None if lifetime is None else self._asked_at + lifetime)


def _retry_after(text: str, now: float) -> float | None:
    """Read a Retry-After header (RFC 9110 section 10.2.3), capped: seconds, or a date by the server's clock."""
    wait = seconds(text)
    if wait is None and (moment := moment_of(text)) is not None:
        wait = moment - now
    return None if wait is None else max(0.0, min(wait, LONGEST_RETRY_AFTER))
