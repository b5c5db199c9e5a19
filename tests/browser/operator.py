"""An operator at a desk: invited on the command line, joined with an app and signed in over the pages, by clicking."""

from __future__ import annotations

import json
import subprocess
import time

import pyotp
from playwright.sync_api import Browser, ConsoleMessage, Page

from authsvc.operator import Role
from tests.support.live import PROGRAM, LiveService


class OperatorAtDesk:
    """`complaints` collects what the browser's console and its pages complain about."""

    def __init__(
        self, browser: Browser, service: LiveService, name: str, *roles: Role, locale: str = "en-GB"
    ) -> None:
        self.service = service
        self.name = name
        self.url = f"http://localhost:{service.port}"
        self.context = browser.new_context(locale=locale, viewport={"width": 1280, "height": 800})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self._join(self._invited(roles))

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def close(self) -> None:
        self.context.close()

    def _listen(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(f"{said.location.get('url')}: {said.text}")

    def _invited(self, roles: tuple[Role, ...]) -> str:
        words = [word for role in roles for word in ("--role", role.value)]
        command = [PROGRAM, "operators", "invite", self.name, *words, "--json", *self.service.store_options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        said = json.loads(done.stdout)
        return str(next(value for value in said.values() if "#" in str(value))).rpartition("#")[2]

    def _join(self, invitation: str) -> None:
        """The app is confirmed with the code before the present one, so that the present one is left to sign in with."""
        self.go("/console/join")
        self.page.fill("#invitation", invitation)
        self.page.click("#invitation-form button")
        self.page.click("a[href='/console/join/app']")
        app = pyotp.TOTP(self.page.locator("#secret").text_content() or "")
        self.page.fill("#code", app.at(int(time.time()) - 30))
        self.page.click("form[action='/console/join/app'] button")
        sign_in_key = self.page.locator("#sign-in-key").inner_text()
        self.go("/console/sign-in")
        self.page.fill("#name", self.name)
        self.page.click("form[action='/console/sign-in'] button")
        self.page.fill("#sign-in-key", sign_in_key)
        self.page.fill("#code", app.now())
        self.page.click("form[action='/console/sign-in/app'] button")
        self.page.wait_for_url("**/console/")
