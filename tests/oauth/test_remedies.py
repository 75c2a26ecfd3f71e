"""What helps against the answers that real servers give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aio_token import ConfigurationError, GrantRefused, ServerUnavailable, SignInRequired, TokenError
from aio_token.oauth.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS = "https://id.example/realms/typo/token"
REFRESH, CLIENT, CODE = "refresh_token", "client_credentials", "authorization_code"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
JWT, EXCHANGE = (f"urn:ietf:params:oauth:grant-type:{name}" for name in ("jwt-bearer", "token-exchange"))


def failure(grant_type: str, status: int, body: Mapping[str, object] | str) -> TokenError | None:
    """Return the error that an answer is."""
    text = body if isinstance(body, str) else json.dumps(body)
    to = "the token endpoint of https://id.example"
    return Answer(
        to=to,
        address=ADDRESS,
        grant_type=grant_type,
        status=status,
        headers={"Retry-After": "7"},
        body=text.encode(),
        asked_at=0.0,
        now=0.0,
    ).failure()


@pytest.mark.parametrize(
    ("grant_type", "status", "body", "kind", "remedy"),
    [
        (REFRESH, 400, {"error": "invalid_grant"}, GrantRefused, "sign in again"),
        (REFRESH, 400, "", GrantRefused, "sign in again"),  # Glewlwyd
        (REFRESH, 400, {"message": "Bad Request", "errors": [{"code": "invalid"}]}, GrantRefused, "sign in"),  # Strava
        (REFRESH, 200, {"ok": False, "error": "invalid_refresh_token"}, GrantRefused, "sign in again"),  # Slack
        (REFRESH, 400, {"error": "interaction_required"}, SignInRequired, "sign in again"),
        (REFRESH, 400, {"error": "odd"}, ConfigurationError, "check the parameters"),
        (REFRESH, 200, {"ok": False, "error": "bad_client_secret"}, ConfigurationError, "its secret"),  # Slack
        (CLIENT, 400, {"error": "scope_invalid"}, ConfigurationError, "ask for a scope"),  # Glewlwyd
        (CLIENT, 400, {"error": "invalid_dpop_proof"}, ConfigurationError, "pass dpop=DPoP()"),
        (REFRESH, 400, {"error": "use_dpop_nonce"}, ConfigurationError, "pass dpop=DPoP()"),
        (CLIENT, 400, {"error": "invalid_authorization_details"}, ConfigurationError, "ask for authorization details"),
        (CLIENT, 400, "", ConfigurationError, "check the parameters"),
        (CLIENT, 422, "<html>", ConfigurationError, "check the parameters"),
        (CLIENT, 408, "", ServerUnavailable, "try again later"),
        (CLIENT, 425, "", ServerUnavailable, "try again later"),
        (REFRESH, 429, {}, ServerUnavailable, "try again later"),
        (REFRESH, 503, "", ServerUnavailable, "try again later"),
        (REFRESH, 400, {"error": "temporarily_unavailable"}, ServerUnavailable, "try again later"),
        (CODE, 200, {"error": "bad_verification_code"}, GrantRefused, "sign in again"),  # GitHub
        (CODE, 200, {"error": "redirect_uri_mismatch"}, ConfigurationError, "redirect address"),  # GitHub
        (CODE, 200, {"error": "unverified_user_email"}, SignInRequired, "verify the e-mail address"),  # GitHub
        (DEVICE, 200, {"error": "incorrect_device_code"}, GrantRefused, "sign in again"),  # GitHub
        (DEVICE, 200, {"error": "device_flow_disabled"}, ConfigurationError, "enable the device flow"),  # GitHub
        (CODE, 200, {"ok": False, "error": "invalid_code"}, GrantRefused, "sign in again"),  # Slack
        (CODE, 200, {"ok": False, "error": "code_already_used"}, GrantRefused, "sign in again"),  # Slack
        (CODE, 200, {"ok": False, "error": "bad_redirect_uri"}, ConfigurationError, "redirect address"),  # Slack
        (REFRESH, 200, {"ok": False, "error": "invalid_client_id"}, ConfigurationError, "client's id"),  # Slack
        (CLIENT, 200, {"error": "odd"}, ServerUnavailable, "look this error up"),
    ],
)
def test_the_remedy_is_the_one_that_helps(
    grant_type: str, status: int, body: Mapping[str, object] | str, kind: type[TokenError], remedy: str
) -> None:
    """Law D11: a 4xx but 408, 425 and 429 is no "try later", and a refresh that is refused without a word is over."""
    error = failure(grant_type, status, body)
    assert type(error) is kind
    assert remedy in str(error)


@pytest.mark.parametrize("status", [404, 405, 410, 415])
def test_a_wrong_address_is_named(status: int) -> None:
    """Law D11: the sentence shows the address that was asked, with its path, so that a typing error is seen."""
    error = failure(REFRESH, status, "<h1>Not Found</h1>")
    assert type(error) is ConfigurationError
    assert str(error).endswith(f"answered {status}; check its address, {ADDRESS}")


@pytest.mark.parametrize("grant_type", [CLIENT, JWT, EXCHANGE])
@pytest.mark.parametrize("code", ["invalid_grant", "access_denied", "login_required"])
def test_a_grant_that_needs_no_person_never_says_sign_in(grant_type: str, code: str) -> None:
    """Law D11: whoever reads it has a configuration to look at, and no one to send anywhere."""
    error = failure(grant_type, 403, {"error": code, "error_description": "not for this audience"})
    assert type(error) is ConfigurationError
    assert "no person can help" in str(error)
    assert "sign in" not in str(error)


def test_a_server_that_may_be_asked_later_says_when() -> None:
    """Law D8: `Retry-After` counts whatever kind of trouble it is."""
    for body in ({"error": "server_error"}, "<html>"):
        error = failure(CLIENT, 500, body)
        assert isinstance(error, ServerUnavailable)
        assert error.retry_after == 7
