"""What helps against an error of an authorization server, by its code, else by its status (law D11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aio_token._errors import ConfigurationError, GrantRefused, ServerUnavailable, SignInRequired

if TYPE_CHECKING:
    from aio_token._errors import TokenError

    Remedy = tuple[type[TokenError], str]

_SIGN_IN = "sign in again"
_LATER = "try again later"
_LOOK_IT_UP = "look this error up in the server's documentation, as trying again may not help"
_CHECK_CLIENT = "check the client's id, its secret and its way to authenticate"
_CHECK_GRANT = "no person can help: check what the grant presents, and that the client may do so"
_REDIRECT_URI = "register the redirect address with the client, letter by letter"
ANOTHER_SCOPE = "ask for a scope that the client may have"
_REDIRECT = "configure the address that it redirects to, as redirects are not followed"

_BY_CODE: dict[str, Remedy] = {
    "invalid_grant": (GrantRefused, _SIGN_IN),
    "bad_refresh_token": (GrantRefused, _SIGN_IN),  # GitHub
    "invalid_refresh_token": (GrantRefused, _SIGN_IN),  # Slack
    "bad_verification_code": (GrantRefused, _SIGN_IN),  # GitHub
    "incorrect_device_code": (GrantRefused, _SIGN_IN),  # GitHub
    "code_already_used": (GrantRefused, _SIGN_IN),  # Slack
    "invalid_code": (GrantRefused, _SIGN_IN),  # Slack
    "access_denied": (SignInRequired, _SIGN_IN),
    "account_selection_required": (SignInRequired, _SIGN_IN),
    "consent_required": (SignInRequired, _SIGN_IN),
    "expired_token": (SignInRequired, _SIGN_IN),
    "interaction_required": (SignInRequired, _SIGN_IN),
    "login_required": (SignInRequired, _SIGN_IN),
    "mfa_required": (SignInRequired, _SIGN_IN),
    "invalid_client": (ConfigurationError, _CHECK_CLIENT),
    "incorrect_client_credentials": (ConfigurationError, _CHECK_CLIENT),  # GitHub
    "bad_client_secret": (ConfigurationError, _CHECK_CLIENT),  # Slack
    "invalid_client_id": (ConfigurationError, _CHECK_CLIENT),  # Slack
    "redirect_uri_mismatch": (ConfigurationError, _REDIRECT_URI),  # GitHub
    "bad_redirect_uri": (ConfigurationError, _REDIRECT_URI),  # Slack
    "device_flow_disabled": (ConfigurationError, "enable the device flow for the client"),  # GitHub
    "unverified_user_email": (SignInRequired, "verify the e-mail address there, then sign in again"),  # GitHub
    "unauthorized_client": (ConfigurationError, f"{_CHECK_CLIENT}, and that it may use this grant"),
    "invalid_scope": (ConfigurationError, ANOTHER_SCOPE),
    "scope_invalid": (ConfigurationError, ANOTHER_SCOPE),  # Glewlwyd
    "invalid_target": (ConfigurationError, "ask for an audience or resource that the client may have"),
    "invalid_authorization_details": (ConfigurationError, "ask for authorization details that the client may have"),
    "unsupported_grant_type": (ConfigurationError, "use a grant that the server offers"),
    "unsupported_response_type": (ConfigurationError, "register the client for the authorization code"),
    "unsupported_token_type": (ConfigurationError, "the server does not revoke tokens of this type"),
    "invalid_request_uri": (SignInRequired, "the request was not used in time; sign in again"),  # RFC 9126
    "invalid_request": (ConfigurationError, "check the parameters that are sent"),
    "invalid_dpop_proof": (ConfigurationError, "check this machine's clock, and that the server knows the DPoP `alg`"),
    "use_dpop_nonce": (ServerUnavailable, _LATER),  # one that never takes the nonce that it gave
    "server_error": (ServerUnavailable, _LATER),
    "temporarily_unavailable": (ServerUnavailable, _LATER),
}
_WITHOUT_A_PERSON = frozenset(
    {
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    }
)
_OF_THE_CLIENT = frozenset({"invalid_client", "incorrect_client_credentials", "bad_client_secret", "invalid_client_id"})
CODES = frozenset({*_BY_CODE, "authorization_pending", "slow_down"})
"""What a dialect may say that a server's own word means."""

_OF_THE_PROOF = frozenset({"invalid_dpop_proof", "use_dpop_nonce"})
_NO_TEXT = "an error that is not text"
_CODES = ("code", "error", "type", "error_code", "status")  # of an error that is an object
_DESCRIPTIONS = ("message", "error_description", "description")
_LOOKED_AT = 2_048  # characters of a description (law H1)
PASSES = frozenset({408, 425, 429})
"""The 4xx that waiting helps against."""
_OF_THE_ADDRESS = frozenset({404, 405, 410, 415})


def by_code(code: str) -> Remedy | None:
    """Return what helps against an error of this code, None if it is not known."""
    return _BY_CODE.get(code)


def by_word(code: str) -> Remedy:
    """Return what helps against an error of this code where no status says more; it may be any server's own."""
    return _BY_CODE.get(code, (ServerUnavailable, _LOOK_IT_UP))


def is_about_the_client(code: str) -> bool:
    """Whether an error of this code says that the server does not know the client, whatever it asks for."""
    return code in _OF_THE_CLIENT


def by_status(status: int, address: str) -> Remedy:
    """Return what helps against an answer of this status that says nothing better."""
    if status in PASSES or status < 300 or status >= 500:  # noqa: PLR2004  RFC 9110 section 15
        return ServerUnavailable, _LATER
    if status < 400:  # noqa: PLR2004  redirects
        return ConfigurationError, _REDIRECT
    if status in {401, 403}:
        return ConfigurationError, _CHECK_CLIENT
    if status in _OF_THE_ADDRESS:
        return ConfigurationError, f"check its address, {address}"
    return ConfigurationError, "check the parameters that are sent"


def code_of(error: object) -> str | None:
    """Return the code that an answer's `error` is, None for none; some servers put a number there, or an object."""
    if isinstance(error, Mapping):
        words = [word for name in _CODES if (word := code_of(_no_object(error.get(name)))) is not None]
        known = (word for word in words if word.lower() in _BY_CODE)
        return next(known, words[0] if words else _NO_TEXT) if error else None
    if not error or error == "0":
        return None
    return str(error) if isinstance(error, str | int) and not isinstance(error, bool) else _NO_TEXT


def _no_object(value: object) -> object:
    return None if isinstance(value, Mapping) else value


def description_of(members: Mapping[str, Any]) -> str:
    """Return a server's own words beside an error's code, "" for none."""
    error = members.get("error")
    inner = [error.get(name) for name in _DESCRIPTIONS] if isinstance(error, Mapping) else []
    said = (members.get("error_description"), *inner, members.get("message"))
    return next((text for text in said if isinstance(text, str)), "")


def needs_a_person(grant_type: str) -> bool:
    """Whether a person has to help when this grant is refused."""
    return grant_type not in _WITHOUT_A_PERSON


def standard_code(declared: Mapping[str | int, str], word: str | None, *, description: str, status: int) -> str | None:
    """Return the standard's code for what a server says by a word of its own, or by words of a description.

    The status of an answer that says nothing known counts last. What is not declared is its own code.
    """
    words = {said.lower(): code for said, code in declared.items() if isinstance(said, str)}
    own = (word or "").strip().lower()
    if own in words:
        return words[own]
    said = description[:_LOOKED_AT].lower() if word is not None or status >= 400 else ""  # noqa: PLR2004  RFC 9110 section 15
    found = next((code for words_of_it, code in words.items() if words_of_it in said), None)
    if found is not None or own in _BY_CODE:
        return found or word
    return declared.get(status, word)


def remedy_for(grant_type: str, code: str, status: int, address: str, *, has_proved: bool = False) -> Remedy:
    """Return what helps a grant of this type, "" for a request that is no grant's.

    A refresh that is refused without a word is a session that has ended (Strava, Glewlwyd). Who needs no person for a
    token is not sent to sign in. Who `has_proved` no key is told that the server wants that.
    """
    known = by_code(code)
    if code in _OF_THE_PROOF and not has_proved:
        return ConfigurationError, "the server wants a key to be proved; pass dpop=DPoP() to the TokenEndpoint"
    if known is None and grant_type == "refresh_token" and status == 400 and not code:  # noqa: PLR2004  Bad Request
        known = GrantRefused, _SIGN_IN
    if known is not None and issubclass(known[0], SignInRequired) and not needs_a_person(grant_type):
        return ConfigurationError, _CHECK_GRANT
    if known is None and code and status < 300:  # noqa: PLR2004  of servers that answer 200 to whatever fails
        return by_word(code)
    return known or by_status(status, address)
