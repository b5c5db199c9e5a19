"""How well a thing stands out from what is behind it, by WCAG's ratio of luminances, as the browser draws both."""

from __future__ import annotations

from playwright.sync_api import Page

TEXT, SHAPE = 4.5, 3.0
"""What WCAG 2.2 asks: 1.4.3 of text, 1.4.11 of a shape that says something."""

LARGE = 3.0
"""The same of letters of 24 px, or of 18.66 px where they are bold."""

_MEASURE = """
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const seen = (colour, upon) => {
    context.fillStyle = upon; context.fillRect(0, 0, 1, 1);
    context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    const own = getComputedStyle(element).backgroundColor;
    const opaque = element instanceof HTMLElement && !/^(transparent|rgba\\(.*, 0\\))$/.test(own);
    return opaque ? own : element.parentElement ? behind(element.parentElement) : "white";
  };
  const ratio = (element, paint, ground) => {
    const both = [seen(getComputedStyle(element)[paint], ground), seen(ground, "white")].map(light);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };
"""

_RATIOS = f"""([wanted, paint, before]) => {{{_MEASURE}
  return [...document.querySelectorAll(wanted)].map((element) =>
    [ratio(element, paint, behind(before ? element : element.parentElement)), element.outerHTML.slice(0, 90)]);
}}"""

_OF_ALL = f"""() => {{{_MEASURE}
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {{
    const element = texts.currentNode.parentElement;
    const drawn = texts.currentNode.data.trim() && element instanceof HTMLElement && element.checkVisibility();
    // What is off, what only listeners read, and a camera's own ground are not letters upon a page.
    if (!drawn || element.closest(":disabled, .unseen, .skip, .capture.is-on, .lens, option, textarea")) continue;
    const {{ fontSize, fontWeight }} = getComputedStyle(element), size = parseFloat(fontSize);
    const large = size >= 24 || (size >= 18.66 && fontWeight >= 600);
    found.push([ratio(element, "color", behind(element)), large, element.outerHTML.slice(0, 90)]);
  }}
  return found;
}}"""


def too_faint(page: Page, wanted: str, least: float, paint: str = "color") -> list[str]:
    """Those elements whose `paint` (`color`, `fill`) does not stand out enough; fails where there is none to look at."""
    found: list[tuple[float, str]] = page.evaluate(_RATIOS, [wanted, paint, paint == "color"])
    assert found, f"`{wanted}` is not on the page"
    return [f"{ratio:.2f}: {element}" for ratio, element in found if ratio < least]


def faintest(page: Page) -> tuple[float, list[str]]:
    """The least ratio of all letters on the page, and those that do not stand out enough for their size."""
    found: list[tuple[float, bool, str]] = page.evaluate(_OF_ALL)
    faint = [
        f"{ratio:.2f}: {element}" for ratio, large, element in found if ratio < (LARGE if large else TEXT)
    ]
    return min((ratio for ratio, _, _ in found), default=21.0), faint
