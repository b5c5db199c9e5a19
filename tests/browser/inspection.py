"""Is a page fit for everybody? axe-core, contrast, weight, screens, language; its picture, where `SCREENSHOTS` names a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # It has no types.
from playwright.sync_api import Page

from tests.browser.contrast import faintest
from tests.support.reading import latin_in

HEAVIEST = 150_000
"""Bytes of a page with everything that it loads."""

SHAPES = {"phone": (390, 844), "small": (320, 568), "landscape": (844, 390), "desktop": (1280, 800)}
NARROWEST = 320
ZOOMED = (640, 400)
"""What a screen of 1280 × 800 is at 200 %."""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

_AXE: str = Axe().axe_script
_HALF_WIDTH = re.compile(r".*[\u3400-\u9fff] ?[,;:!?] ?[\u3400-\u9fff].*")


def inspect(page: Page, name: str, names: Collection[str] = ()) -> list[str]:
    """What is wrong with the page that is open, empty when nothing is; `names` are what is called so in every language."""
    shape = page.viewport_size
    found = (
        *_inaccessible(page),
        *_too_heavy(page),
        *_ill_set(page),
        *_silent(page),
        *_untranslated(page, names),
    )
    faults = [f"{name}: {fault}" for fault in found]
    _picture(page, name)
    if shape is not None:
        page.set_viewport_size(shape)
    return faults


def _inaccessible(page: Page) -> Iterator[str]:
    """What axe finds, whatever weight it gives to it."""
    paint(page, "dark")
    in_the_dark = _violations(page, {"runOnly": ["color-contrast"]})
    yield from _faint(page, "dark")
    paint(page, "light")
    yield from _faint(page, "light")
    for violation in (*in_the_dark, *_violations(page, {})):
        node = violation["nodes"][0]
        yield f"{violation['id']}: {node['html'][:120]}: {node.get('failureSummary', '')}"


def _faint(page: Page, scheme: Scheme) -> Iterator[str]:
    least, faint = faintest(page)
    yield from (f"contrast in the {scheme} scheme: {each}" for each in faint)
    if folder := os.environ.get("SCREENSHOTS"):
        with (Path(folder) / "contrast.txt").open("a") as file:
            file.write(f"{least:.2f} {scheme} {page.title()} {urlsplit(page.url).path}\n")


def _violations(page: Page, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Of axe, which is half a megabyte: brought to a document once, and asked for nothing but what is wrong."""
    if page.evaluate("() => window.axe === undefined"):
        page.evaluate(_AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "async (options) => (await axe.run(document, options)).violations",
        {**options, "resultTypes": ["violations"]},
    )
    return found


_DRAWN = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


def paint(page: Page, scheme: Scheme) -> None:
    """Returns when the page is drawn in the scheme, which it learns of in its own time: axe reads colours one by one."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function("(scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", arg=scheme)
    page.evaluate(_DRAWN)


def _too_heavy(page: Page) -> Iterator[str]:
    weight: int = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .filter((entry) => entry.initiatorType !== "fetch")
            .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
    )
    if weight > HEAVIEST:
        yield f"{weight} bytes"


def _ill_set(page: Page) -> Iterator[str]:
    """Wider than the screen, or characters one below the other: on the narrowest, on a wide one, and on that at 200 %."""
    for width, height in ((NARROWEST, 640), ZOOMED, SHAPES["desktop"]):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(_DRAWN)  # The page learns of its new size with the next frame.
        yield from (f"{each} on a screen of {width}" for each in page.evaluate(_TOO_WIDE))
        yield from (f"torn apart at {width} px: {said}" for said in page.evaluate(_UPRIGHT))
    # Operators sit before a screen; payers have what they have.
    shape = "desktop" if urlsplit(page.url).path.startswith("/console") else "phone"
    page.set_viewport_size({"width": SHAPES[shape][0], "height": SHAPES[shape][1]})
    with _twice_as_large(page):
        wide = page.evaluate(_TOO_WIDE)
        yield from (f"{each} on a {shape} whose letters are twice as large" for each in wide)
        yield from (f"torn apart at 200 %: {said}" for said in page.evaluate(_UPRIGHT))


_TOO_WIDE = """() => {
  const { scrollWidth: wide, clientWidth: room } = document.documentElement;
  if (wide <= room) return [];
  const first = [...document.body.querySelectorAll("*")].find((each) => each.getBoundingClientRect().right > room + 1);
  return [`${wide} px wide (${first?.outerHTML.slice(0, 80)})`];
}"""


@contextmanager
def _twice_as_large(page: Page) -> Iterator[None]:
    """Letters as somebody has them who set twice the size: what is measured in them grows, and the screen does not."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.evaluate(_DRAWN)
    yield
    page.evaluate("document.documentElement.style.removeProperty('font-size')")


def _silent(page: Page) -> Iterator[str]:
    """Forms and links after which nothing says that somebody waits; none of them goes anywhere here."""
    yield from (f"nothing says that one waits: {each}" for each in page.evaluate(_WAITS))


_WAITS = """() => {
  const silent = [], root = document.documentElement;
  if (!document.body.dataset.waiting) return silent; // The shop's are not ours.
  let kept = false;
  // The last to hear of it: what nobody has kept would lead on now.
  const hold = (event) => { kept = !event.defaultPrevented; event.preventDefault(); };
  for (const kind of ["click", "submit"]) addEventListener(kind, hold);
  const look = (element, event) => {
    kept = false;
    element.dispatchEvent(event);
    if (kept && !root.hasAttribute("data-waiting")) silent.push(element.outerHTML.slice(0, 120));
  };
  for (const form of document.forms) {
    const { noValidate } = form;
    form.noValidate = false; // What lacks in it is not the question.
    look(form, new SubmitEvent("submit", { bubbles: true, cancelable: true }));
    form.noValidate = noValidate;
    dispatchEvent(new Event("pageshow"));
  }
  for (const link of document.links) {
    if (!/^https?:/.test(link.href) || link.hash || link.hasAttribute("download")) continue;
    look(link, new MouseEvent("click", { bubbles: true, cancelable: true }));
    dispatchEvent(new Event("pageshow"));
  }
  for (const kind of ["click", "submit"]) removeEventListener(kind, hold);
  return silent;
}"""


_UPRIGHT = """() => {
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (texts.nextNode()) {
    const said = texts.currentNode.data.trim();
    const isTime = /^\\d{4}-\\d\\d-\\d\\d \\d\\d:/.test(said);
    if (!isTime && !/[\\u3400-\\u9fff]{3}/.test(said)) continue;
    range.selectNodeContents(texts.currentNode);
    const lines = new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size;
    if (lines > 2 && (isTime || said.length < 2 * lines)) found.push(said);
  }
  return found;
}"""


def _untranslated(page: Page, names: Collection[str]) -> Iterator[str]:
    """Sentences of a Chinese page that hold a Latin word; the reference of the API is English in both."""
    language = page.locator("html").get_attribute("lang") or ""
    if language.startswith("zh") and not urlsplit(page.url).path.startswith("/docs"):
        yield from (f"not in Chinese: {said}" for said in latin_in(page.content(), names))
        yield from (f"half-width: {said}" for said in _HALF_WIDTH.findall(page.inner_text("body")))


def _picture(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        return
    language = page.locator("html").get_attribute("lang") or ""
    for shape, (width, height) in SHAPES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark") if shape == "phone" else ("light",):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # One of its literals.
            file = Path(folder) / f"{name}-{language}-{shape}-{scheme}.png"
            page.screenshot(path=str(file), full_page=True)
    width, height = SHAPES["phone"]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="light", forced_colors="active")
    page.screenshot(path=str(Path(folder) / f"{name}-{language}-phone-forced.png"), full_page=True)
    page.emulate_media(forced_colors="none")
    with _twice_as_large(page):
        page.screenshot(path=str(Path(folder) / f"{name}-{language}-phone-doubled.png"), full_page=True)
