"""A person with a phone: a browser context with an authenticator of its own, who does everything by clicking."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import pyotp
from playwright.sync_api import Browser, Page

AUTHENTICATOR: Mapping[str, Any] = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Phone:
    """`complaints` collects what the browser's console and its pages complain about.

    `authenticator` changes what the device has for a lock, `script` what its browser can do.
    """

    def __init__(
        self,
        browser: Browser,
        shop_url: str,
        user: str,
        locale: str = "zh-CN",
        *,
        authenticator: Mapping[str, Any] | None = None,
        script: str = "",
        **context: Any,
    ) -> None:
        self.shop_url = shop_url
        self.user = user
        self.context = browser.new_context(
            locale=locale, **{"viewport": {"width": 390, "height": 844}, **context}
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.app: pyotp.TOTP | None = None
        self.recovery_codes: list[str] = []
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self._wear_authenticator(authenticator or {})
        if script:
            self.context.add_init_script(script)
        self.sign_in(user)

    # -- The shop ---------------------------------------------------------------------------------------------------

    def sign_in(self, user: str) -> None:
        self.page.goto(self.shop_url)
        self.page.fill("#user", user)
        self.page.click("form[action='/user'] button")

    def buy(self, good: str, risk: str = "quiet") -> None:
        """To the payer's page, or to the paid order."""
        self.page.goto(self.shop_url)
        self.page.select_option(f"form:has(#buy-{good}) select", risk)
        self.page.click(f"#buy-{good}")
        self.page.wait_for_url(re.compile(r"/c/|/pay$"))

    def back_to_the_shop(self) -> str:
        """The order's status after returning."""
        self.page.click("#return")
        return self.page.inner_text("#status")

    def order_is_paid(self) -> bool:
        return self.back_to_the_shop() in ("已付款", "Paid")

    def open_latest_order(self) -> None:
        self.page.goto(self.shop_url)
        self.page.locator("#orders a").first.click()

    def open_overview(self) -> None:
        self.page.goto(self.shop_url)
        self.page.click("#overview")
        self.page.wait_for_url(re.compile(r"/o/"))

    def begin_recovery(self) -> str:
        """The code that was sent; the page of the recovery is open."""
        self.page.goto(self.shop_url)
        self.page.click("#recover")
        text = self.page.inner_text("#sms")
        self.page.click("#go-on")
        return code_in(text)

    def begin_vouched_recovery(self, *operators: str) -> None:
        """As if two people of the shop had vouched for this person."""
        self.page.goto(self.shop_url)
        self.page.click("#vouch")
        for number, name in enumerate(operators, start=1):
            self.page.fill(f"#operator-{number}", name)
        self.page.click("#recover-vouched")
        if self.page.locator("#go-on").count():
            self.page.click("#go-on")

    # -- Enrolling --------------------------------------------------------------------------------------------------

    def begin_enrolling(self) -> None:
        self.page.goto(self.shop_url)
        self.page.click("#enroll")
        self.page.wait_for_url(re.compile(r"/[ec]/"))

    def agree(self, **answers: str) -> None:
        """`face="yes"`; what is not named is refused."""
        for box in self.page.locator("fieldset.consent").all():
            name = box.locator("input").first.get_attribute("name") or ""
            box.locator(f"input[value={answers.get(name, 'no')}]").check()
        self.page.click("main button.button")

    def register_device(self, name: str = "") -> None:
        if name:
            self.page.fill("#name", name)
        with self.page.expect_navigation(url=re.compile(r"/otp$")):
            self.page.click("#start")

    def register_without_key(self, name: str = "") -> None:
        """As somebody does whose device could make no key, or who never tried."""
        if name:
            self.page.fill("#name", name)
        if self.page.locator("#without:not([open])").count():
            self.page.click("#without summary")
        with self.page.expect_navigation(url=re.compile(r"/otp$")):
            self.page.click("#without button")

    def add_app(self) -> None:
        """Confirmed with the code before the present one, so that the present one is left for a payment."""
        self.page.click("details summary")
        self.app = pyotp.TOTP(self.page.inner_text("#secret"))
        self.type_code(self.app.at(int(time.time()) - 30))

    def record_face(self) -> None:
        """Returns when the page has gone on."""
        self.page.click("#start")
        with self.page.expect_navigation():
            self.page.click("#record")

    def finish(self) -> None:
        self.page.click("main form button.button")
        self.recovery_codes = self.page.locator("#codes code").all_inner_texts()

    def leave(self) -> None:
        """Back to the shop, which now knows this phone."""
        self.page.click("main form button.button")
        self.page.wait_for_url(f"{self.shop_url}/")

    def enroll(self, *, face: bool = True) -> None:
        """Everything, from the shop's window back to it."""
        self.begin_enrolling()
        self.page.click("a.button")
        self.agree(face="yes" if face else "no")
        self.register_device()
        self.add_app()
        if face:
            self.record_face()
        self.finish()
        self.leave()

    # -- Confirming -------------------------------------------------------------------------------------------------

    def type_code(self, code: str) -> None:
        """A payment whose quickest way is another one is switched to the code first."""
        if not self.page.locator("#code").count():
            self.choose("otp")
        self.page.fill("#code", code)
        self.page.click("form:has(#code) button.button")

    def current_code(self) -> str:
        assert self.app is not None
        return self.app.now()

    def wrong_code(self) -> str:
        """A code that is not current for minutes to come."""
        assert self.app is not None
        return self.app.at(int(time.time()) + 600)

    def unlock(self) -> None:
        """Answer with the device's own lock."""
        with self.page.expect_navigation():
            self.page.click("#start")

    def choose(self, *factors: str) -> None:
        """Another way, unless it is the one on show."""
        if other := self.page.locator(f"button[value='{' '.join(factors)}']").all():
            other[0].click()

    def close(self) -> None:
        self.context.close()

    def _wear_authenticator(self, changes: Mapping[str, Any]) -> None:
        self.devtools = self.context.new_cdp_session(self.page)
        self.devtools.send("WebAuthn.enable")
        made = self.devtools.send(
            "WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, **changes}}
        )
        self.authenticator: str = made["authenticatorId"]

    def _listen(self, message: Any) -> None:
        # A refusal that a person is told about is an answer, and Chromium logs its status all the same.
        if (
            message.type in ("error", "warning")
            and "the server responded with a status of 4" not in message.text
        ):
            self.complaints.append(message.text)


def code_in(text: str) -> str:
    """The eight digits of a message."""
    found = re.search(r"(?<![0-9])[0-9]{8}(?![0-9])", text)
    assert found is not None, text
    return found.group()
