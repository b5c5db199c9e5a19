"""Whoever waits is told so: forms are sent as people send them, and the answer is held back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from playwright.sync_api import Locator, Page, Request, Route
from playwright.sync_api import TimeoutError as WaitedTooLong

LONG_MS = 5_000
"""What a busy machine takes until it says so; on a quiet one it is a third of a second."""

SAYS_SO = """() => document.documentElement.hasAttribute("data-waiting") && document.getElementById("waiting")?.textContent
  && !/^(none|matrix.0,.*)$/.test(getComputedStyle(document.body, "::before").transform)"""

_FILL = """(form) => {
  for (const each of form.elements) {
    if (!each.willValidate || each.checkValidity()) continue;
    if (each.type === "radio" || each.type === "checkbox") each.checked = true;
    else each.value = each.minLength > 3 || each.pattern ? "123456" : "some words";
  }
  for (let each = form.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
}"""


def unheard(page: Page, show: Callable[[], object]) -> Iterator[str]:
    """The forms of a page after which nothing says that one waits, or that are sent twice; `show` opens it anew."""
    show()
    for number in range(page.locator("form").count()):
        if number:
            show()
        form = page.locator("form").nth(number)
        form.evaluate(_FILL)
        button = form.locator("button:not([type=button])").first
        if button.count() and button.is_visible() and button.is_enabled():
            yield from _of_form(page, form, button)


def _of_form(page: Page, form: Locator, button: Locator) -> Iterator[str]:
    held: list[Route] = []
    names = form.evaluate("(form) => form.outerHTML.slice(0, 100)")

    def hold(route: Route, request: Request) -> None:
        if request.is_navigation_request():
            held.append(route)
        else:
            route.continue_()

    page.route("**/*", hold)
    try:
        button.click(no_wait_after=True)
        page.wait_for_function(SAYS_SO, timeout=LONG_MS)
        if form.get_attribute("aria-busy") != "true":
            yield f"is not said to be busy: {names}"
        if float(button.evaluate("(button) => getComputedStyle(button).opacity")) > 0.8:
            yield f"its button looks as if it could be pressed: {names}"
        button.click(no_wait_after=True)
        if len(held) != 1:
            yield f"was sent {len(held)} times: {names}"
    except WaitedTooLong:
        yield f"nothing says that one waits: {names}"
    finally:
        page.unroute("**/*", hold)
        for route in held:
            route.fulfill(status=204)  # The browser stays where it is.
