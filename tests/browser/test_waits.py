"""A wait of more than a moment is seen and heard: of every form for payers, and of every call that a script of theirs makes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser import states
from tests.browser.states import CHALLENGE, ENROLLMENT, OVERVIEW, Change, answers, challenge, enrollment
from tests.browser.waits import SAYS_SO, unheard

pytestmark = pytest.mark.timeout(400)

DEVICE = {"offered": ["consent", "device", "otp", "face", "voice"], "received": ["consent"]}
LOST = {"offered": ["recovery", "proof_face", "proof_otp"], "recovery": states.RECOVERY}
BEGUN = answers("POST /steps/otp/begin", secret="JBSWY3DPEHPK3PXP", uri="otpauth://totp/x", qr_svg="<svg/>")
CONSENT = answers("POST /steps/consent/begin", text_version="2026-12", modalities=["face", "voice"],
                  gait={"text_version": "2026-12", "agreed_at": None})  # fmt: skip

FORMS: dict[str, tuple[str, tuple[Change, ...]]] = {
    "code": (CHALLENGE, ()),
    "ways": (CHALLENGE, (challenge(sets=[["otp"], ["face", "device_uv"], ["device_uv", "otp"]]),)),
    "all received": (CHALLENGE, (challenge(received=["otp"]),)),
    "not me": (f"{CHALLENGE}/not-me", ()),
    "start": (ENROLLMENT, ()),
    "consent": (f"{ENROLLMENT}/consent", (CONSENT,)),
    "device": (f"{ENROLLMENT}/device", (enrollment(**DEVICE),)),
    "app": (f"{ENROLLMENT}/otp", (BEGUN, enrollment(**DEVICE))),
    "finish": (ENROLLMENT, (enrollment(received=["consent", "device", "otp"]),)),
    "recovery": (f"{ENROLLMENT}/recovery", (enrollment(**LOST),)),
    "recovery's code": (f"{ENROLLMENT}/proof_otp", (enrollment(**LOST, received=["recovery"]),)),
    "overview": (OVERVIEW, ()),
    "erasure": (f"{OVERVIEW}/erasure", (answers("GET /erasure", status=None, challenge=None),)),
    "erasure's end": (f"{OVERVIEW}/erasure", (answers("GET /erasure", status="authenticated", challenge=None),)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_waits_says_so(browser_seeing: Callable[[str], Browser], name: str):
    path, changes = FORMS[name]
    with states.toured(browser_seeing("obama/1.jpg"), "zh-CN", lambda page, name: ()) as tour:
        show = partial(tour.open, path, *changes)
        faults = list(unheard(tour.page, show))
        assert tour.page.locator("form, a.button").count() > 0
        assert faults == []


def _start(page: Page) -> None:
    page.click("#start:enabled")


def _record(page: Page) -> None:
    _start(page)
    page.click("#record")


SCRIPTS: dict[str, tuple[str, tuple[Change, ...], Callable[[Page], None]]] = {
    "device": (CHALLENGE, (challenge(chosen=["device_uv"], sets=[["device_uv"]]),), _start),
    "face": (CHALLENGE, (challenge(chosen=["face"], sets=[["face"]]),), _record),
    "voice": (CHALLENGE, (challenge(chosen=["voice"], sets=[["voice"]]),), _start),
    "new device": (f"{ENROLLMENT}/device", (enrollment(**DEVICE),), _start),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_waits_says_so(browser_seeing: Callable[[str], Browser], name: str):
    path, changes, act = SCRIPTS[name]
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with states.toured(browser_seeing("obama/1.jpg"), "zh-CN", lambda page, name: ()) as tour:
        tour.open(path, *changes)
        tour.page.route("**/steps/**", hold)
        act(tour.page)
        tour.page.wait_for_function(SAYS_SO)
        assert len(held) == 1
        assert not tour.page.locator("#start:enabled:visible").count()
        held[0].abort()
        tour.page.wait_for_selector("html:not([data-waiting])")
        assert tour.page.inner_text("#say, #hints") != ""
