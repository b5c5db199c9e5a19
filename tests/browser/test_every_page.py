"""A tour of every page in both languages: fit for screen readers and narrow screens, light, and free of script errors."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser.inspection import inspect
from tests.browser.phone import Phone
from tests.support.live import LiveService


@pytest.mark.timeout(400)
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_page_is_fit_for_everybody(new_phone: Callable[..., Phone], locale: str):
    phone = new_phone(locale=locale)
    faults = [*_enrolling(phone), *_paying(phone), *_looking_after(phone), *_recovering(phone)]
    assert not faults, "\n".join(faults)
    assert phone.complaints == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_page_of_the_shop_is_fit_for_everybody(new_phone: Callable[..., Phone], locale: str):
    phone = new_phone(locale=locale)
    page = phone.page
    faults = inspect(page, "shop-1-nobody-yet")
    phone.buy("bicycle")
    faults += inspect(page, "shop-2-not-possible")
    phone.enroll(face=False)
    faults += inspect(page, "shop-3-set-up")
    phone.buy("tea")
    faults += inspect(page, "shop-4-paid")
    phone.buy("teapot")
    phone.open_latest_order()
    page.click("#send-code")
    faults += inspect(page, "shop-5-waiting")
    page.goto(phone.shop_url)
    page.click("#vouch")
    faults += inspect(page, "shop-6-vouching")
    phone.begin_vouched_recovery("Wang", "wang")
    faults += inspect(page, "shop-7-refused")
    page.goto(phone.shop_url)
    page.click("#recover")
    faults += inspect(page, "shop-8-lost")
    assert not faults, "\n".join(faults)
    assert phone.complaints == []


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_what_anybody_may_read_is_fit_for_everybody(
    new_phone: Callable[..., Phone], service: LiveService, locale: str
):
    phone = new_phone(locale=locale)
    page = phone.page
    page.goto(f"http://localhost:{service.port}/")
    faults = inspect(page, "reference-1-home")
    page.click("a[href='/docs']")
    faults += inspect(page, "reference-2-docs")
    page.click("h2 a[href='/docs/decisions']")
    page.click("#post-v1-decisions summary")
    faults += inspect(page, "reference-3-chapter")
    page.goto(f"{phone.shop_url}/open")
    faults += inspect(page, "shop-9-pasting")
    assert not faults, "\n".join(faults)
    assert phone.complaints == []


def test_the_inspection_finds_what_is_wrong(browser_seeing: Callable[[str], Browser]):
    context = browser_seeing("obama/1.jpg").new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_content(_UNFIT)
    faults = " ".join(inspect(page, "unfit"))
    context.close()
    for expected in (
        "image-alt",
        "color-contrast",
        "contrast in the dark scheme: 1.",
        "on a phone whose letters are twice as large",
        "heading-order",
        "892 px wide",
        "torn apart at 1280 px: 无法验证",
        "not in Chinese: Unfit",
        "half-width: 角色: 客服",
    ):
        assert expected in faults


_UNFIT = """<!doctype html><html lang="zh"><title>Unfit</title><main><h1>Unfit</h1><img src="data:,">
<h5>角色: 客服</h5><p style="width: 1em">无法验证</p>
<p style="color: #bbb; background: #fff">Too pale to read</p><p style="width: 884px">Too wide</p></main></html>"""


def _enrolling(phone: Phone) -> list[str]:
    faults = []
    page = phone.page
    phone.begin_enrolling()
    faults += inspect(page, "enroll-1-start")
    page.click("a.button")
    faults += inspect(page, "enroll-2-consent")
    phone.agree(face="yes", voice="yes")
    faults += inspect(page, "enroll-3-device")
    phone.register_device()
    faults += inspect(page, "enroll-4-app")
    phone.add_app()
    faults += inspect(page, "enroll-5-face")
    # It looks once: a head that is still would be recorded by itself, sooner or later than the page is inspected.
    page.evaluate("() => { window.setInterval = (look) => setTimeout(look, 500); }")
    page.click("#start")
    page.wait_for_selector("#record:visible")
    page.wait_for_selector("#advice:not(:empty)")
    faults += inspect(page, "enroll-6-face-ready")
    with page.expect_navigation():
        page.click("#record")
    page.goto(page.url.rpartition("/")[0] if page.url.endswith(("/voice", "/face")) else page.url)
    faults += inspect(page, "enroll-7-finish")
    phone.finish()
    faults += inspect(page, "enroll-8-done")
    phone.leave()
    return faults


def _paying(phone: Phone) -> list[str]:
    faults = []
    page = phone.page
    phone.buy("teapot")
    faults += inspect(page, "pay-1-code")
    phone.type_code(phone.wrong_code())
    faults += inspect(page, "pay-2-again")
    page.click("button[value=device_uv]")
    faults += inspect(page, "pay-3-device")
    page.click("a.danger")
    faults += inspect(page, "pay-5-not-me")
    page.go_back()
    phone.unlock()
    faults += inspect(page, "pay-6-confirmed")
    phone.buy("piano", "suspicious")
    faults += inspect(page, "pay-7-face")
    page.click("button[value=cancel]")
    faults += inspect(page, "pay-8-stopped")
    page.goto(page.url.rpartition("/")[0] + "/chl_unknown")
    faults += inspect(page, "failure")
    return faults


def _looking_after(phone: Phone) -> list[str]:
    phone.open_overview()
    return inspect(phone.page, "overview")


def _recovering(phone: Phone) -> list[str]:
    page = phone.page
    phone.begin_recovery()
    faults = inspect(page, "recover-1-start")
    page.click("a.button")
    faults += inspect(page, "recover-2-code")
    phone.type_code(phone.recovery_codes[0])
    faults += inspect(page, "recover-3-second")
    page.click("a[href$='/proof_face']")
    faults += inspect(page, "recover-4-face")
    page.go_back()
    page.click("a[href$='/proof_otp']")
    faults += inspect(page, "recover-5-one-time-code")
    return faults
