"""Is a page fit for everybody? axe-core, its weight, narrow screens; and its picture, where `SCREENSHOTS` names a folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # It has no types.
from playwright.sync_api import Page

HEAVIEST = 150_000
"""Bytes of a page with everything that it loads."""

SHAPES = {"phone": (390, 844), "small": (320, 568), "landscape": (844, 390), "desktop": (1280, 800)}
NARROWEST = 320

GRAVE = ("serious", "critical")
ANY = ("minor", "moderate", *GRAVE)

_axe = Axe()


def inspect(page: Page, name: str, impacts: Collection[str] = GRAVE) -> list[str]:
    """What is wrong with the page that is open, empty when nothing is; of axe's findings those of these impacts."""
    shape = page.viewport_size
    faults = [
        f"{name}: {fault}" for fault in (*_inaccessible(page, impacts), *_too_heavy(page), *_too_wide(page))
    ]
    _picture(page, name)
    if shape is not None:
        page.set_viewport_size(shape)
    return faults


def _inaccessible(page: Page, impacts: Collection[str]) -> Iterator[str]:
    _paint(page, "dark")
    in_the_dark: dict[str, Any] = _axe.run(page, options={"runOnly": ["color-contrast"]}).response
    _paint(page, "light")
    found: dict[str, Any] = _axe.run(page).response
    for violation in (*in_the_dark["violations"], *found["violations"]):
        if violation["impact"] in impacts:
            node = violation["nodes"][0]
            yield f"{violation['id']}: {node['html'][:120]}: {node.get('failureSummary', '')}"


def _paint(page: Page, scheme: Literal["dark", "light"]) -> None:
    """Returns when the page is drawn in the scheme, which it learns of in its own time: axe reads colours one by one."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function("(scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches", arg=scheme)
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def _too_heavy(page: Page) -> Iterator[str]:
    weight: int = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .filter((entry) => entry.initiatorType !== "fetch")
            .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
    )
    if weight > HEAVIEST:
        yield f"{weight} bytes"


def _too_wide(page: Page) -> Iterator[str]:
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    width: int = page.evaluate("document.documentElement.scrollWidth")
    if width > NARROWEST:
        yield f"{width} px wide on a screen of {NARROWEST}"


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
    page.emulate_media(color_scheme="light", forced_colors="active")
    width, height = SHAPES["phone"]
    page.set_viewport_size({"width": width, "height": height})
    page.screenshot(path=str(Path(folder) / f"{name}-{language}-phone-forced.png"), full_page=True)
    page.emulate_media(forced_colors="none")
