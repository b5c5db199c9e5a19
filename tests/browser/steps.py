"""How many steps somebody takes, and how long: presses, keys and pages that the browser saw, and fields after the last press."""

from __future__ import annotations

import os
import time
from pathlib import Path

from playwright.sync_api import Frame, Page

_LISTENING = """
const pressed = (event) => event.isTrusted && event.target.closest?.("a, button, summary, [role=button]") && window.step("press");
addEventListener("pointerdown", pressed, true);
addEventListener("keydown", (event) => event.isTrusted && window.step("key"), true);
addEventListener("input", (event) => window.step(event.target.name || event.target.id), true);
"""


class Steps:
    """Begun before the first of them. The fields of a form that is sent by a press belong to that press."""

    def __init__(self, page: Page) -> None:
        self.presses = self.keys = self.pages = 0
        self._fields: set[str] = set()
        self._page = page
        page.expose_function("step", self._count)
        page.add_init_script(_LISTENING)
        page.reload()
        page.on("framenavigated", self._led_on)
        self._began = time.monotonic()

    @property
    def taken(self) -> int:
        return self.presses + len(self._fields)

    def arrived(self, journey: str) -> None:
        """The journey is over; its figures go where `SCREENSHOTS` says."""
        seconds = time.monotonic() - self._began
        if folder := os.environ.get("SCREENSHOTS"):
            said = (
                f"{journey}: {self.taken} steps, {self.presses} presses, {self.keys} keys, {self.pages} pages"
            )
            with (Path(folder) / "journeys.txt").open("a") as file:
                file.write(f"{said}, {seconds:.2f} s\n")

    def _led_on(self, frame: Frame) -> None:
        self.pages += frame == self._page.main_frame

    def _count(self, what: str) -> None:
        if what == "key":
            self.keys += 1
        elif what == "press":
            self.presses += 1
            self._fields.clear()
        else:
            self._fields.add(what)
