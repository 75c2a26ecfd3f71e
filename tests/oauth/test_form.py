"""The members of a request."""

from __future__ import annotations

from aio_token.oauth.form import Form, Request


def test_a_member_without_a_value_is_left_out() -> None:
    """RFC 6749 section 3.2: an empty parameter counts as none."""
    assert Form(scope=None, audience="", resource=()).members == []


def test_a_sequence_is_a_repeated_member() -> None:
    """RFC 8707 section 2: `resource` may come several times; one of it is like any other member."""
    form = Form(resource=["https://a.example", "https://b.example"], scope="a")
    assert form.members == [("resource", "https://a.example"), ("resource", "https://b.example"), ("scope", "a")]
    assert form.values("resource") == ["https://a.example", "https://b.example"]
    assert form.written_for("it") == "resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&scope=a"


def test_what_a_grant_says_comes_before_what_an_endpoint_adds() -> None:
    """No parameter is sent twice (RFC 6749 section 3.2)."""
    assert Form(scope="a").over(Form(scope="b", extra="x")).members == [("scope", "a"), ("extra", "x")]


def test_a_form_and_a_request_show_no_value() -> None:
    """Law G1: the reprs name the members and the receiver; what is open by its name is no secret."""
    form = Form(refresh_token="canary", scope="a")
    assert repr(form) == "<Form refresh_token scope>"
    assert form.secrets == ("canary",)
    request = Request(to="the server", url="https://id.example?key=canary", body="canary", headers={"A": "canary"})
    assert repr(request) == "<Request POST to the server>"
