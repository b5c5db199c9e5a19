"""How many steps somebody takes, counted by the browser: presses of what can be pressed, and fields after the last one."""

from __future__ import annotations

from playwright.sync_api import Page

_LISTENING = """
const pressed = (event) => event.isTrusted && event.target.closest?.("a, button, summary, [role=button]") && window.step("press");
addEventListener("pointerdown", pressed, true);
addEventListener("input", (event) => window.step(event.target.name || event.target.id), true);
"""


class Steps:
    """Begun before the first of them. The fields of a form that is sent by a press belong to that press."""

    def __init__(self, page: Page) -> None:
        self._presses = 0
        self._fields: set[str] = set()
        page.expose_function("step", self._count)
        page.add_init_script(_LISTENING)
        page.reload()

    @property
    def taken(self) -> int:
        return self._presses + len(self._fields)

    def _count(self, what: str) -> None:
        if what == "press":
            self._presses += 1
            self._fields.clear()
        else:
            self._fields.add(what)
