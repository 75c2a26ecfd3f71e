"""Which addresses a secret may be sent to."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from yarl import URL

_LONGEST = 8_190  # characters, as many as a line of a request has at most (law H1)


def is_loopback(host: str | None) -> bool:
    """Whether what is sent to the host stays on this machine; no name is looked up."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def problem_with(url: object, *, plain_http: bool) -> str | None:
    """Tell what keeps a secret from being sent to this address, None if nothing does (law A2).

    The answer is the end of a sentence about the address. It shows no part of it: people write passwords into
    addresses, and would find them in a log.
    """
    parts = _parts(url) if isinstance(url, str) else None
    if parts is None:
        return "is not a URL; write it as text, like https://id.example/path"
    if parts.scheme not in {"http", "https"} or not parts.host:
        return "is not an https URL; write it like https://id.example/path, with its scheme"
    if parts.scheme == "http" and not plain_http and not is_loopback(parts.host):
        return "is not https; use https, or say send_secrets_over_plain_http=True"
    if parts.user is not None or parts.password is not None:
        return "holds a user name or a password; say them by a client authentication instead"
    if "#" in str(url):
        return "has a fragment, which RFC 6749 (section 3.2) forbids"
    return None


def _parts(url: str) -> URL | None:
    try:
        parts = URL(url if len(url) <= _LONGEST else "")
        _host, _port = parts.host, parts.port  # read late, and refused late
    except ValueError:
        return None
    return parts


def origin_of(url: str) -> str:
    """Name the server of an address in messages, without path and query, which may hold secrets."""
    try:
        return str(URL(url[:_LONGEST]).origin())
    except ValueError:
        return "an unusable address"


def sent_on(url: str, location: str) -> str | None:
    """Return the address that a redirect leads to, None if it leaves the origin or is no address (law A1)."""
    try:
        target = URL(url).join(URL(location[:_LONGEST])).with_fragment(None)
        there, here = str(target.origin()), str(URL(url).origin())  # as URLs, those with their usual port differ
        stays = bool(location) and there == here and target.user is None is target.password
    except ValueError:
        return None
    return str(target) if stays else None


def moved(url: str, origin: str) -> str:
    """Return the address at another origin."""
    home = urlsplit(origin)
    return urlsplit(url)._replace(scheme=home.scheme, netloc=home.netloc).geturl()


def without_query(url: str) -> str:
    """Show an address with its path, and without what may hold a secret: query, fragment, user name and password."""
    return f"{origin_of(url)}{URL(url[:_LONGEST]).raw_path}"


def host_of(url: str) -> str | None:
    """Return the host of an address as it is connected to, None if it is no address."""
    parts = _parts(url)
    return parts.raw_host if parts is not None else None


def same_address(one: object, other: str) -> bool:
    """Whether two texts are one address, but for how its origin is spelled, and for a slash with nothing behind it."""
    return isinstance(one, str) and (whole := _whole(one)) is not None and whole == _whole(other)


def _whole(url: str) -> tuple[str, str, str] | None:
    parts = _parts(url)
    if parts is None or not parts.absolute or not parts.scheme or not parts.host:
        return None
    if "#" in url or parts.user is not None or parts.password is not None:
        return None
    return str(parts.origin()), parts.raw_path, parts.raw_query_string
