"""A real Chromium without a window, and visitors in it, each with cookies of their own.

It is the system's own program; Playwright drives it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import NoReturn

    from playwright.async_api import Browser, BrowserContext, Page

_IS_CI = bool(os.environ.get("CI"))  # where nothing may be missing
_OPTIONS = ("--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")  # loopback, and no more

PATIENCE = 120.0
"""Seconds that a page may take on a loaded machine."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser; where there is none, the test is skipped and says what to install, and in CI it fails."""
    program = shutil.which("chromium")
    if program is None:
        _missing("chromium is not installed, and these tests need it; run: apt-get install chromium")
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415  most tests need no browser
    except ImportError:
        _missing("playwright is not installed, and these tests need it; run: .ci/venv browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_OPTIONS, timeout=PATIENCE * 1_000)
        try:
            yield browser
        finally:
            await browser.close()


def _missing(message: str) -> NoReturn:
    if not _IS_CI:
        pytest.skip(message)
    raise RuntimeError(message)


class Visitor:
    """A person with a browser profile of their own, who knows a name and a password."""

    def __init__(self, name: str, password: str, profile: BrowserContext, page: Page) -> None:
        self.name = name
        self.page = page
        self._password = password
        self._profile = profile

    @classmethod
    async def at(cls, browser: Browser, name: str, password: str) -> Visitor:
        """Sit down before a browser that knows no one."""
        profile = await browser.new_context()
        profile.set_default_timeout(PATIENCE * 1_000)
        return cls(name, password, profile, await profile.new_page())

    async def sees(self, address: str) -> str:
        """Open an address, and return what can be read there."""
        await self.page.goto(address)
        return await self.page.inner_text("body")

    async def press(self, text: str) -> None:
        """Press the button or the link with that text, and wait for the page behind it."""
        async with self.page.expect_navigation():
            await self.page.click(f':is(a, button):text-is("{text}")')

    async def type_in(self) -> str:
        """Enter name and password where one signs in, and return what can be read behind that."""
        await self.page.fill("input[name=username]", self.name)
        await self.page.fill("input[name=password]", self._password)
        async with self.page.expect_navigation():
            await self.page.press("input[name=password]", "Enter")
        return await self.page.inner_text("body")

    async def close_the_page(self) -> None:
        """Close what is open, whatever it waits for; another page is open then, and the cookies are still there."""
        leaving, self.page = self.page, await self._profile.new_page()
        await leaving.close()

    async def leave(self) -> None:
        """Close the browser profile with all that it knows."""
        await self._profile.close()
