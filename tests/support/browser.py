"""A person with a browser, before the pages of an authorization server.

The pages are fetched over plain HTTP and their forms are filled in: those of Keycloak and of Spring need no JavaScript,
so a browser would send the same requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from aiohttp import ClientSession, CookieJar, TCPConnector
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext
    from types import TracebackType
    from typing import Self

    from aiohttp import ClientResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the browser shows: where it ended, what it passed on the way, and the form if there is one."""

    url: URL
    visited: Sequence[URL]
    text: str
    form: Form

    @property
    def asks_for_password(self) -> bool:
        """Whether it is where one signs in."""
        return "password" in self.form.fields

    @property
    def asks_for_consent(self) -> bool:
        """Whether a person has to agree, or to decline; Spring asks again though each box was ticked before."""
        return "accept" in self.form.buttons or {"client_id", "state"} <= self.form.fields.keys()


class Form(HTMLParser):
    """The form of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.boxes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the form consists of."""
        attributes = {name: value or "" for name, value in attrs}
        name = attributes.get("name")
        if tag == "form":
            self.action = attributes["action"]
        elif tag == "input" and name and attributes.get("type") == "checkbox":
            if "disabled" not in attributes:  # what was agreed to before
                self.boxes.append((name, attributes["value"]))
        elif tag == "input" and name:
            self.fields[name] = attributes.get("value", "")
        elif tag == "button" and name:
            self.buttons.append(name)


class Person:
    """Alice, and her browser with its cookies; `trusted` says which servers it trusts."""

    def __init__(self, url: str, password: str, trusted: SSLContext | None = None) -> None:
        # As browsers do, it takes the server's `Secure` cookies from this machine without TLS too.
        cookies = CookieJar(unsafe=True, treat_as_secure_origin=URL(url))
        self._session = ClientSession(cookie_jar=cookies, connector=TCPConnector(ssl=trusted or True))
        self._password = password

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._session.close()

    async def sign_in_at(self, address: str) -> Page:
        """Open the address, sign in, and agree if that is asked for; return the last page."""
        page = await self.type_in(await self.open(address))
        return await self.agree(page) if page.asks_for_consent else page

    async def decline_at(self, address: str) -> Page:
        """Open the address, sign in, and do not agree."""
        page = await self.type_in(await self.open(address))
        return await self._send(page, *_pressed(page, "cancel"))

    async def agree(self, page: Page) -> Page:
        """Agree to all that a page asks for."""
        return await self._send(page, *_pressed(page, "accept"), *page.form.boxes)

    async def open(self, address: str) -> Page:
        """Open an address."""
        async with self._session.get(address) as response:
            return await _page(response)

    async def type_in(self, page: Page, password: str | None = None) -> Page:
        """Fill in the form of a page where one signs in."""
        assert page.asks_for_password, page.text
        return await self._send(page, ("username", "alice"), ("password", password or self._password))

    async def _send(self, page: Page, *typed: tuple[str, str]) -> Page:
        action = page.url.join(URL(page.form.action))
        left = {name: value for name, value in page.form.fields.items() if name not in dict(typed)}
        async with self._session.post(action, data=[*left.items(), *typed]) as response:
            return await _page(response)


def _pressed(page: Page, button: str) -> list[tuple[str, str]]:
    """Return what pressing a button sends; a page without buttons of that kind has boxes to tick."""
    assert page.asks_for_consent, page.text
    return [(button, "")] if button in page.form.buttons else []


async def _page(response: ClientResponse) -> Page:
    text = await response.text()
    visited = [step.url for step in (*response.history, response)]
    return Page(url=response.url, visited=visited, text=text, form=Form(text))
