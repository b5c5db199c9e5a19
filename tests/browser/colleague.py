"""An operator who arrives by the link of an invitation, with a security key in the machine: everything by clicking."""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import Any

import pyotp
from playwright.sync_api import Browser, Page

from authsvc.domain.operator import Role
from tests.browser.phone import AUTHENTICATOR
from tests.support.live import PROGRAM, LiveService


class Colleague:
    """`complaints` collects what the browser's console and its pages complain about, `addresses` whatever was asked for."""

    def __init__(
        self, browser: Browser, service: LiveService, name: str, *roles: Role, locale: str = "en-GB"
    ) -> None:
        self.name = name
        self.url = f"http://localhost:{service.port}"
        self.link = invited(service, name, *roles)
        self.context = browser.new_context(locale=locale, viewport={"width": 1280, "height": 800})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.addresses: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.devtools = self.context.new_cdp_session(self.page)
        self.devtools.send("WebAuthn.enable")
        self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": dict(AUTHENTICATOR)})

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def arrive(self) -> None:
        """Follow the link; the page hands the invitation in by itself."""
        self.page.goto(self.link)
        self.page.wait_for_url("**/console/join/ways")

    def register_key(self) -> None:
        with self.page.expect_navigation(url=re.compile(r"/join/go-on$")):
            self.page.click("#start")

    def add_app(self) -> tuple[pyotp.TOTP, str]:
        """The app and the sign-in key; confirmed with the code before the present one."""
        self.page.click("a[href='/console/join/app']")
        self.page.click("details summary")
        app = pyotp.TOTP(self.page.inner_text("#secret"))
        self.page.fill("#code", app.at(int(time.time()) - 30))
        self.page.click("form[action='/console/join/app'] button")
        return app, self.page.inner_text("#sign-in-key")

    def say_name(self) -> None:
        self.go("/console/sign-in")
        self.page.fill("#name", self.name)
        self.page.click("form[action='/console/sign-in'] button")

    def sign_in(self) -> None:
        """With the key."""
        self.say_name()
        with self.page.expect_navigation(url=re.compile(r"/console/$")):
            self.page.click("#start")

    def come(self) -> Colleague:
        """From the invitation to the overview."""
        self.arrive()
        self.register_key()
        self.sign_in()
        return self

    def close(self) -> None:
        self.context.close()

    def _listen(self, message: Any) -> None:
        # A refusal that a person is told about is an answer, and Chromium logs its status all the same.
        refusal = "the server responded with a status of 4" in message.text
        if message.type in ("error", "warning") and not refusal:
            self.complaints.append(message.text)


def invited(service: LiveService, name: str, *roles: Role) -> str:
    """The link that the command line shows."""
    words = [word for role in roles for word in ("--role", role.value)]
    command = [PROGRAM, "operators", "invite", name, *words, "--json", *service.store_options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    link = str(json.loads(done.stdout)["link"])
    # The command line does not know the port that the test has chosen.
    return re.sub(r"^https?://[^/]+", f"http://localhost:{service.port}", link)
