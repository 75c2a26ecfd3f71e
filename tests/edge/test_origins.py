"""Which servers a token may go to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aio_token import ConfigurationError
from aio_token._edge.origins import allowed_origins


def may_go(origin: str, url: str) -> bool:
    """Whether a token for the origin may go to the URL, which is asked as the middleware does.

    The URL of a request has no user and password: aiohttp makes a header of them.
    """
    target = URL(url).with_user(None)
    return target.raw_authority in allowed_origins([origin], plain_http=True).get(target.scheme, ())


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://api.example", "https://api.example/me?x=1#y"),
        ("https://API.Example", "https://api.EXAMPLE/me"),
        ("HTTPS://api.example/", "https://api.example:443/me"),
        ("https://api.example:443", "https://api.example/me"),
        ("https://api.example:8443", "https://api.example:8443/me"),
        ("https://api.example", "https://somebody@api.example/me"),
        ("https://api.example", "wss://api.example/live"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/live"),
        ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example", "https://BÜCHER.example/"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]:443/"),
    ],
)
def test_one_origin_has_several_spellings(origin: str, url: str) -> None:
    """Law A1: case, default port, IDN, IPv6 and a WebSocket's scheme make no other origin."""
    assert may_go(origin, url)


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://api.example", "http://api.example/"),
        ("https://api.example", "ws://api.example/"),
        ("http://api.example", "https://api.example/"),
        ("https://api.example", "https://api.example:8443/"),
        ("https://api.example:8443", "https://api.example/"),
        ("https://api.example", "https://evil.api.example/"),
        ("https://api.example", "https://example/"),
        ("https://api.example", "https://api.example.evil/"),
        ("https://api.example", "https://evilapi.example/"),
        ("https://api.example", "https://api.example./"),
        ("https://api.example.", "https://api.example/"),
        ("https://api.example", "https://api.example@evil.example/"),
        ("https://api.example", "https://api.example:443@evil.example/"),
        ("https://api.example", "https://evil.example/https://api.example"),
        ("https://api.example", "https://evil.example/?https://api.example"),
        ("https://api.example", "https://evil.example#@api.example/"),
        ("https://api.example", "https://аpi.example/"),  # noqa: RUF001  a Cyrillic letter is the point
        ("https://bücher.example", "https://bucher.example/"),
        ("http://127.0.0.1", "http://localhost/"),
        ("http://[::1]", "http://127.0.0.1/"),
    ],
)
def test_what_looks_alike_is_another_origin(origin: str, url: str) -> None:
    """Law A1: scheme, port, sub-domain, suffix, trailing dot, userinfo and look-alike letters."""
    assert not may_go(origin, url)


@given(st.text(min_size=1).filter(lambda text: text.lower() != "api.example"))
def test_no_other_host_is_the_origin(host: str) -> None:
    """Law A1: whatever text stands where the host should be, a token for `api.example` goes to no other host."""
    try:
        target = URL(f"https://{host}/")
    except ValueError:
        return
    allowed = target.raw_authority in allowed_origins(["https://api.example"], plain_http=False)["https"]
    assert not allowed or target.host == "api.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.example",
        "api.example:8443",
        "//api.example",
        "https://",
        "https:///me",
        "https:api.example",
        "https://api.example/v1",
        "https://api.example?key=1",
        "https://api.example/#x",
        "https://somebody@api.example",
        "https://api.example:99999",
        "wss://api.example",
        "ftp://api.example",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """Law A1: scheme and host, a port perhaps, and nothing else."""
    with pytest.raises(ConfigurationError, match="is not an origin; write it like"):
        allowed_origins([text], plain_http=True)


def test_at_least_one_origin_is_named() -> None:
    """Law A1: there is no "everywhere"."""
    with pytest.raises(ConfigurationError, match="name at least one origin"):
        allowed_origins([], plain_http=False)


def test_several_origins_and_parsed_urls_are_taken() -> None:
    """Text and `URL` mean the same; each origin comes with its WebSocket's."""
    allowed = allowed_origins(["https://a.example", URL("https://b.example:8443")], plain_http=False)
    assert allowed["https"] == allowed["wss"] == {"a.example", "a.example:443", "b.example:8443"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost", "LOCALHOST"])
def test_http_stays_on_this_machine(host: str) -> None:
    """Law A2: loopback needs no https."""
    assert len(allowed_origins([f"http://{host}:8080"], plain_http=False)) == 2


@pytest.mark.parametrize(
    "host",
    ["api.example", "localhost.evil.example", "localhost.", "127.0.0.1.evil.example", "10.0.0.1", "[::]"],
)
def test_http_to_another_machine_has_to_be_asked_for(host: str) -> None:
    """Law A2: it takes an explicit argument to send a token in clear."""
    with pytest.raises(ConfigurationError, match="would send the token in clear; use https"):
        allowed_origins([f"http://{host}"], plain_http=False)
    assert allowed_origins([f"http://{host}"], plain_http=True)


@pytest.mark.parametrize(
    "text",
    [
        "https://bot:canary@api.example",
        "https://canary@api.example/v1",
        "https://api.example?key=canary",
        "https://api.example/#canary",
        "//bot:canary@api.example",
        "bot:canary@api.example",
        "https:bot:canary@api.example",
        "api.example?key=canary",
        "bot:canary@api.example:port",
        "https://bot:canary@api.example:port",
        "http://bot:canary@api.example",
    ],
)
def test_a_message_shows_no_part_where_secrets_are_put(text: str) -> None:
    """Law G1: user, password, query and fragment never get into an error."""
    with pytest.raises(ConfigurationError) as caught:
        allowed_origins([text], plain_http=False)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_message_shows_what_was_meant() -> None:
    """Where a host is found, the reader sees which of several origins is wrong."""
    with pytest.raises(ConfigurationError, match=r"^https://api\.example/v1 is not"):
        allowed_origins(["https://ok.example", "https://bot:x@api.example/v1?y"], plain_http=False)
