"""Whoever waits is told so: forms are sent as people send them, and the answer is held back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Route

LONG_S = 15
"""What a busy machine takes until it says so; on a quiet one it is a third of a second."""

SAYS_SO = """() => document.documentElement.hasAttribute("data-waiting") && document.getElementById("still-waiting")?.textContent
  && !/^(none|matrix.0,.*)$/.test(getComputedStyle(document.body, "::before").transform)"""

_FILL = """(form) => {
  for (const each of form.elements) {
    if (!each.willValidate || each.checkValidity()) continue;
    if (each.type === "radio" || each.type === "checkbox") each.checked = true;
    else each.value = each.minLength > 3 || each.pattern ? "123456" : "some words";
  }
  for (let each = form.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
}"""

# A page that is about to be left answers nobody from outside: it says by itself how it looks, and is sent once more by then.
_WATCH = f"""(form) => form.addEventListener("submit", () => {{
  const saysSo = {SAYS_SO}, button = form.querySelector("button:not([type=button])");
  const looked = setInterval(() => {{
    if (!saysSo()) return;
    clearInterval(looked);
    form.requestSubmit(button);
    const busy = form.getAttribute("aria-busy") === "true";
    console.info(JSON.stringify({{ busy, opacity: Number(getComputedStyle(button).opacity) }}));
  }}, 50);
}}, {{ once: true }})"""


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
    name: str = form.evaluate("(form) => form.outerHTML.slice(0, 100)")
    held, said = list[Route](), list[dict[str, float]]()

    def hold(route: Route, request: Request) -> None:
        if request.is_navigation_request():
            held.append(route)
        else:
            route.continue_()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "info":
            said.append(json.loads(message.text))

    form.evaluate(_WATCH)
    page.on("console", hear)
    page.route("**/*", hold)
    button.focus()
    page.keyboard.press("Enter")
    patience = time.monotonic() + LONG_S
    while not said and time.monotonic() < patience:
        page.wait_for_timeout(50)
    if not said:
        yield f"nothing says that one waits: {name}"
    elif not said[0]["busy"] or said[0]["opacity"] > 0.8:
        yield f"looks as if it could be sent again: {name}"
    if len(held) != 1:
        yield f"was sent {len(held)} times: {name}"
    for route in held:
        route.fulfill(status=204)  # The browser stays where it is.
    page.unroute("**/*", hold)
    page.remove_listener("console", hear)
