"""A page walked by its keys alone: every control is reached in the order in which it stands, seen, uncovered, and acts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

_BEGIN = """() => {
  const first = document.createElement("span");
  first.tabIndex = -1;
  document.body.prepend(first);
  first.focus();
  first.remove();
  const seen = (each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest("[inert]");
  // Of several to choose from, one is reached by Tab and the others by arrows.
  const reached = ({ name }) => document.querySelector(`[name="${name}"]:checked`) ?? document.getElementsByName(name)[0];
  const chosen = (each) => each.type !== "radio" || each === reached(each);
  window.stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex], audio[controls]")]
    .filter((each) => each.tabIndex >= 0 && !each.disabled && each.type !== "hidden" && seen(each) && chosen(each));
  window.acted = [];
  for (const kind of ["click", "submit"]) addEventListener(kind, (event) => {
    acted.push(stops.indexOf(event.target));
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  return stops.length;
}"""

_HERE = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect(), style = getComputedStyle(here);
  const middle = (Math.max(0, box.top) + Math.min(innerHeight, box.bottom)) / 2; // Of what is in sight.
  const points = [[box.left + box.width / 2, middle], [box.left + 2, middle]];
  const uncovered = points.some(([x, y]) => {
    const above = document.elementFromPoint(Math.max(0, x), y);
    return above && (here.contains(above) || above.contains(here) || above.closest("label")?.control === here);
  });
  return {
    stop: stops.indexOf(here), says: here.outerHTML.slice(0, 100), top: box.top + scrollY, bottom: box.bottom + scrollY,
    uncovered, ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    // What a key does: links follow Enter, buttons and summaries both keys; the rest is typed or chosen.
    keys: here.matches("a[href]") ? ["Enter"] : here.matches("button, summary, input[type=submit]") ? ["Enter", "Space"]
      : here.matches("input[type=checkbox]") ? ["Space"] : [],
  };
}"""


def walk(page: Page, name: str) -> list[str]:
    """What is wrong with the page for who has keys alone, empty when nothing is. Nothing that acts has an effect here."""
    return [f"{name}: {fault}" for fault in _faults(page)]


def _faults(page: Page) -> Iterator[str]:
    stops: int = page.evaluate(_BEGIN)
    bottom = 0.0
    for expected in range(stops):
        page.keyboard.press("Tab")
        here: dict[str, Any] = page.evaluate(_HERE)
        if here["stop"] != expected:
            yield f"stop {expected} of {stops} is not next, but {here['says']}"
            return
        if not here["ringed"]:
            yield f"the focus is not seen: {here['says']}"
        if not here["uncovered"]:
            yield f"lies behind something: {here['says']}"
        if here["bottom"] < bottom - 1:
            yield f"stands above what comes before it: {here['says']}"
        bottom = here["top"]
        for key in here["keys"]:
            yield from _does_nothing(page, key, expected, here["says"])
    page.keyboard.press("Tab")
    if page.evaluate("stops.indexOf(document.activeElement)") > 0:
        yield "the last stop does not lead out"
    if stops > 1:
        page.evaluate("stops.at(-1).focus()")
        page.keyboard.press("Shift+Tab")
        if page.evaluate("stops.indexOf(document.activeElement)") != stops - 2:
            yield "there is no way back from the last stop"


def _does_nothing(page: Page, key: str, stop: int, says: str) -> Iterator[str]:
    page.evaluate("acted.length = 0")
    page.keyboard.press(key)
    if stop not in page.evaluate("acted"):
        yield f"{key} does nothing: {says}"
