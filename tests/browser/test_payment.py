"""A payer confirms on a phone: by clicking and typing, in a real browser."""

from collections.abc import Callable

from tests.browser.phone import Phone, code_in


def test_a_code_confirms_a_payment_after_a_wrong_one(phone: Phone):
    phone.enroll(face=False)
    phone.buy("teapot")
    assert "1,250.00" in phone.page.inner_text("h1")
    assert "友谊商店" in phone.page.inner_text("h1")
    phone.type_code(phone.wrong_code())
    assert "还可以再试 2 次" in phone.page.inner_text("[role=alert]")
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
    assert "还可以再试 2 次" in thief.page.inner_text("[role=alert]")


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
    assert "已终止" in phone.page.inner_text("main")
    assert "declined_by_user" in phone.back_to_the_shop()


def test_the_payer_changes_their_mind(phone: Phone):
    phone.enroll(face=False)
    phone.buy("teapot")
    phone.page.click("button[value=cancel]")
    assert "declined_by_user" in phone.back_to_the_shop()
