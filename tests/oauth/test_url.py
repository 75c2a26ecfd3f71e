"""Which addresses a secret may be sent to."""

from __future__ import annotations

import pytest

from aio_token.oauth.url import is_loopback, origin_of, problem_with, same_address, sent_on


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_loopback_literals_are_this_machine(host: str) -> None:
    """Law A2: what goes to these never leaves the machine."""
    assert is_loopback(host)
    assert problem_with(f"http://[{host}]:80/t" if ":" in host else f"http://{host}/t", plain_http=False) is None


@pytest.mark.parametrize(
    "host",
    [None, "", "localhost.", "localhost.localdomain", "localhost.example", "127.0.0.1.example", "128.0.0.1", "127.1"],
)
def test_other_hosts_are_not_this_machine(host: str | None) -> None:
    """Law A2: look-alikes and names that another may answer for are other machines."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://id.example/token", "is not https"),
        ("ftp://id.example/token", "not an https URL"),
        ("id.example/token", "not an https URL"),
        ("https:///token", "is not a"),
        ("", "not an https URL"),
        ("https://id.example:port/token", "not a URL"),
        ("https://id.example/" + "a" * 9_000, "not an https URL"),
        (None, "not a URL"),
        ("https://bot:canary@id.example/token", "password"),
        ("https://id.example/token#part", "fragment"),
    ],
)
def test_an_address_that_no_secret_may_go_to_is_named_without_being_shown(url: str, problem: str) -> None:
    """Law A2: the sentence says what is wrong and repeats no part of the address."""
    said = problem_with(url, plain_http=False) or ""
    assert problem in said
    assert "canary" not in said


def test_plain_http_can_be_asked_for() -> None:
    """Law A2: an explicit argument allows http to another machine, and nothing else."""
    assert problem_with("http://id.example/token", plain_http=True) is None
    assert problem_with("http://bot:canary@id.example/token", plain_http=True) is not None


def test_an_origin_shows_neither_path_nor_query() -> None:
    """Messages name the server alone."""
    assert origin_of("https://id.example:8443/token?key=canary") == "https://id.example:8443"
    assert origin_of("id.example/canary") == "an unusable address"


@pytest.mark.parametrize(
    "one",
    [
        "//api.example/a",
        "/a",
        "api.example/a",
        "https:///a",
        "https://api.example:port/a",
        "https://api.example/a#",
        "https://user@api.example/a",
        "https://user:canary@api.example/a",
        "https://api.example/a?b",
        "http://api.example/a",
        "",
        None,
        7,
    ],
)
def test_another_address_is_another(one: object) -> None:
    """Law L1: whatever a stranger calls itself by, it is no error of another kind."""
    assert not same_address(one, "https://api.example/a")
    assert same_address("https://API.example:443/a", "https://api.example/a")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "https://id.example/b"),
        ("https://ID.example:443/b", "https://id.example/b"),
        ("https://id.example:8443/b", None),
        ("http://id.example:443/b", None),
        ("https://user@id.example/b", None),
        ("//other.example/b", None),
        ("file:///b", None),
        ("", None),
    ],
)
def test_a_redirect_stays_at_its_origin_however_that_is_spelled(location: str, target: str | None) -> None:
    """Law A1: the usual port may be said or not; another port, scheme, host or a user's name is elsewhere."""
    assert sent_on("https://id.example/a", location) == target
