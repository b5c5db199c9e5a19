"""A payer confirms on a phone: by clicking and typing, in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.phone import Phone, code_in
from tests.browser.steps import Steps


def test_a_code_confirms_a_payment_after_a_wrong_one(phone: Phone):
    phone.enroll(face=False)
    phone.buy("teapot")
    assert "1,250.00" in phone.page.inner_text("h1")
    assert "友谊商店" in phone.page.inner_text("h1")
    phone.type_code(phone.wrong_code())
    assert "还可尝试 2 次" in phone.page.inner_text("[role=alert]")
    phone.type_code(phone.current_code())
    assert phone.order_is_paid()
    assert phone.complaints == []


def test_the_lock_of_the_device_confirms_a_payment(phone: Phone):
    phone.enroll(face=False)
    phone.buy("teapot")
    phone.choose("device_uv")
    phone.unlock()
    assert phone.order_is_paid()
    assert phone.complaints == []


def test_the_lock_of_the_phone_takes_two_taps(phone: Phone):
    """From the payer's page to the paid order: the lock comes first, and nothing is chosen."""
    phone.enroll(face=False)
    phone.buy("teapot")
    taps = Steps(phone.page)
    for wanted in ("#start", "#return"):
        phone.page.wait_for_selector(f"{wanted}:not(:disabled)")
        with phone.page.expect_navigation():
            phone.page.click(wanted)
    assert phone.page.inner_text("#status") == "已付款"
    taps.arrived("payment with the lock of the phone")
    assert (taps.taken, taps.presses, taps.keys) == (2, 2, 0)


def test_face_and_fingerprint_confirm_what_looks_like_fraud(phone: Phone):
    phone.enroll()
    phone.buy("piano", "suspicious")
    assert "26,000.00" in phone.page.inner_text("h1")
    phone.record_face()
    phone.unlock()
    assert phone.order_is_paid()
    assert phone.complaints == []


def test_another_persons_face_does_not(new_phone: Callable[..., Phone]):
    owner = new_phone()
    owner.enroll()
    thief = new_phone(owner.user, sees="biden/2.jpg")
    thief.buy("tea")
    thief.record_face()
    thief.type_code(owner.current_code())
    assert "还可尝试 2 次" in thief.page.inner_text("[role=alert]")


def test_a_code_sent_for_this_payment_confirms_it(phone: Phone):
    phone.enroll(face=False)
    phone.buy("teapot")
    phone.open_latest_order()
    phone.page.click("#send-code")
    text = phone.page.inner_text("#sms")
    assert "1,250.00" in text
    phone.page.click("#go-on")
    phone.page.wait_for_url("**/c/**")
    phone.type_code(code_in(text))
    assert phone.order_is_paid()


def test_the_payer_stops_a_payment_that_is_not_theirs(phone: Phone):
    phone.enroll(face=False)
    phone.buy("teapot")
    phone.page.click("a.danger")
    phone.page.click("button[value=not_me]")
    assert "已为您拦截" in phone.page.inner_text("main")
    assert phone.back_to_the_shop() == "已取消付款"


def test_the_payer_changes_their_mind(phone: Phone):
    phone.enroll(face=False)
    phone.buy("teapot")
    phone.page.click("button[value=cancel]")
    assert phone.back_to_the_shop() == "已取消付款"


def test_a_payment_is_confirmed_by_keyboard_alone(phone: Phone):
    phone.enroll(face=False)
    phone.page.goto(phone.shop_url)
    reach(phone.page, "#buy-teapot")
    phone.page.keyboard.press("Enter")
    phone.page.wait_for_url(re.compile("/c/"))
    for wanted in ("button[value=otp]", "button[value=device_uv]", "#start"):
        reach(phone.page, wanted)
        with phone.page.expect_navigation():
            phone.page.keyboard.press("Enter")
    reach(phone.page, "#return")
    phone.page.keyboard.press("Enter")
    assert phone.page.inner_text("#status") == "已付款"


def reach(page: Page, wanted: str) -> None:
    """Press Tab until this has the focus, which must be seen wherever it is."""
    page.wait_for_selector(f"{wanted}:not(:disabled)")
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"`{wanted}` is out of reach")


def test_nothing_moves_for_who_asked_for_that(new_phone: Callable[..., Phone]):
    phone = new_phone(reduced_motion="reduce")
    phone.enroll()
    phone.buy("piano", "suspicious")
    moving = phone.page.evaluate(_MOVING)
    assert phone.page.locator("#face").count() == 1
    assert moving == []


_MOVING = """() => [...document.querySelectorAll("*")].filter((each) => {
  const { transitionDuration, animationName } = getComputedStyle(each);
  return animationName !== "none" || transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
}).map((each) => each.outerHTML.slice(0, 80))"""
