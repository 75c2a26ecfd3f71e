"""Look at the built site in a Chromium, as a telephone shows it by day and a desk by night.

python -m website.look [PICTURES] fails for a page that is wider than its window, and for words that stand out too
little from what is behind them (WCAG 2.2, 1.4.3); with a directory it leaves a picture of each page there.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

SITE = Path("dist/docs")
_WINDOWS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 400), ("dark", 1_280))
_GENERATED = ("source", "genindex", "py-modindex", "search")  # by the theme, or of programs
_MISSING = "it takes the site that `make docs` builds, and a Chromium: apt-get install chromium"
_PATIENCE = 120_000.0  # milliseconds that a page may take on a loaded machine

_LOOK = """() => {
  const channels = (text) => text.match(/[0-9.]+/g).map(Number);
  const luminance = (color) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = color.map((v) => linear(v / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0.5) return color;
    }
    return [255, 255, 255];
  };
  const faults = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.push(`is ${scrollWidth - clientWidth} pixels wider than the window`);
  const words = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const { parentElement: element, textContent: text } = words.currentNode;
    if (!text.trim() || !element.offsetParent) continue;
    const pair = [channels(getComputedStyle(element).color), behind(element)].map(luminance).sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) faults.push(`has words with a contrast of ${contrast.toFixed(1)}: ${text.trim().slice(0, 40)}`);
  }
  return faults;
}"""


def pages() -> list[tuple[str, str]]:
    """Return the name of each page that someone wrote, and its address."""
    files = {file.parent.relative_to(SITE).as_posix(): file for file in sorted(SITE.rglob("index.html"))}
    return [(name, file.resolve().as_uri()) for name, file in files.items() if not name.startswith(_GENERATED)]


async def faults(
    browser: Browser, scheme: Literal["light", "dark"], width: int, pictures: Path | None
) -> AsyncIterator[str]:
    """Open every page so, and say what is wrong with each."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(_PATIENCE)
    window = await context.new_page()
    for name, address in pages():
        await window.goto(address)
        for fault in await window.evaluate(_LOOK):
            yield f"{name} ({scheme}, {width} pixels) {fault}"
        if pictures is not None:
            await window.screenshot(path=pictures / f"{name.replace('/', '-')}-{scheme}-{width}.png", full_page=True)
    await context.close()


async def main(pictures: Path | None) -> int:
    """Look at all of it; return an exit code."""
    program = shutil.which("chromium")
    if program is None or not pages():
        print(_MISSING, file=sys.stderr)  # noqa: T201  a command
        return 1
    found = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, timeout=_PATIENCE)
        for scheme, width in _WINDOWS:
            async for fault in faults(browser, scheme, width, pictures):
                print(fault, file=sys.stderr)  # noqa: T201  the same
                found += 1
        await browser.close()
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
