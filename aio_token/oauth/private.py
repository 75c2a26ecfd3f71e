"""Addresses that are not on the internet: what a stranger names must not lead there (law L1)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import AF_INET
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from aio_token._ground.value import replace

if TYPE_CHECKING:
    from socket import AddressFamily

    from aio_token.oauth.transport import Transport

_TRANSLATED = ip_network("64:ff9b::/96")  # an IPv4 address behind a gateway (RFC 6052)


class PrivateAddress(OSError):
    """A name leads to an address that is not on the internet."""

    def __init__(self) -> None:
        super().__init__("its name leads to a private address")


def is_private(host: str | None) -> bool:
    """Whether a host is an address that is not on the internet, or a name of this machine; no name is looked up."""
    name = (host or "").lower().rstrip(".")
    try:
        address = _embedded(ip_address(name.partition("%")[0]))
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return not address.is_global or address.is_multicast


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, if it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


class Names(AbstractResolver):
    """Looks names up, as aiohttp does, and notes whether all that was found is private.

    `public_only` raises `PrivateAddress` instead for a name that leads to such an address among others.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self._public_only = public_only
        self.were_private: bool = False

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        """Return the addresses of a name."""
        found = await aiohttp.ThreadedResolver().resolve(host, port, family)
        private = [is_private(one["host"]) for one in found]
        if self._public_only and any(private):
            raise PrivateAddress
        self.were_private = all(private)
        return found

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


def looking_up(names: Names, url: str, transport: Transport) -> Transport:
    """Return the transport to an address whose name is looked up so.

    One with a connector of its own, or with a proxy on the way, is left as it is: names are not looked up here then.
    """
    if transport.connector is not None or _has_proxy(url, transport):
        return transport
    return replace(transport, connector=lambda: aiohttp.TCPConnector(resolver=names))


def _has_proxy(url: str, transport: Transport) -> bool:
    try:
        return transport.proxy_for(url) is not None
    except ValueError:
        return True  # and no request is sent through it
