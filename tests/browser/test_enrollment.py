"""A person sets up a phone: consent, device, app, face, and what is kept."""

import re
from collections.abc import Callable

from tests.browser.phone import Phone

_KEEPS_ANSWERS = """
const fetched = window.fetch;
window.fetch = async (address, init) => {
  const answer = await fetched(address, init);
  if (init.method === "PUT") sessionStorage.answers = await answer.clone().text();
  return answer;
};"""


def test_a_first_phone_is_set_up_and_trusted(phone: Phone):
    phone.enroll()
    assert len(phone.recovery_codes) == 10
    assert phone.complaints == []
    phone.buy("tea")
    assert phone.page.inner_text("#status") == "已付款"
    assert "trusted" in (phone.page.text_content("#told") or "")


def test_a_refused_face_is_never_asked_for(phone: Phone):
    phone.begin_enrolling()
    phone.page.click("a.button")
    phone.agree(face="no")
    phone.page.goto(re.sub(r"/device$", "/face", phone.page.url))
    assert phone.page.url.endswith("/consent")


def test_a_child_needs_a_guardian(phone: Phone):
    phone.begin_enrolling()
    phone.page.click("a.button")
    phone.page.click("details.minor summary")
    phone.page.check("input[name=under_14]")
    phone.agree(face="yes")
    assert "监护人" in phone.page.inner_text("[role=alert]")
    phone.page.fill("#guardian", "林父")
    phone.agree(face="yes")
    assert phone.page.url.endswith("/device")


def test_after_a_wrong_code_the_app_keeps_what_it_scanned(phone: Phone):
    phone.begin_enrolling()
    phone.page.click("a.button")
    phone.agree()
    phone.page.click(".others a")
    phone.page.click("details summary")
    secret = phone.page.inner_text("#secret")
    phone.type_code("000000")
    assert "动态码不正确或已过期" in phone.page.inner_text("[role=alert]")
    assert phone.page.locator("#secret").text_content() == secret


def test_the_secret_of_a_device_never_reaches_a_script(phone: Phone):
    phone.begin_enrolling()
    phone.page.click("a.button")
    phone.agree()
    phone.page.add_init_script(_KEEPS_ANSWERS)
    phone.page.reload()
    phone.page.click("#start")
    phone.page.wait_for_url(re.compile(r"/otp$"))
    assert phone.page.evaluate("sessionStorage.answers") == '{"state":"received"}\n'


def test_a_second_phone_is_proved_with_what_was_set_up_earlier(new_phone: Callable[..., Phone]):
    old = new_phone()
    old.enroll()
    new = new_phone(old.user)
    new.begin_enrolling()
    assert "/c/" in new.page.url
    assert "添加设备" in new.page.inner_text("h1")
    new.choose("device_uv", "otp")
    assert new.page.locator("#device").count() == 1


def test_no_address_ever_holds_a_token(phone: Phone):
    addresses: list[str] = []
    phone.page.on("request", lambda request: addresses.append(request.url))
    phone.enroll(face=False)
    phone.buy("teapot")
    assert not [address for address in addresses if re.search(r"[?&#/](ct|et|vt)_", address)]


def test_a_page_asks_nobody_else_for_anything(phone: Phone, shop_url: str):
    origins: set[str] = set()
    phone.page.on("request", lambda request: origins.add("/".join(request.url.split("/")[:3])))
    phone.enroll(face=False)
    phone.buy("teapot")
    service = "/".join(phone.page.url.split("/")[:3])
    assert origins == {shop_url, service}


def test_the_language_is_switched_and_remembered(phone: Phone):
    phone.begin_enrolling()
    phone.page.click("header nav a")
    assert "Set up secure confirmation" in phone.page.inner_text("h1")
    phone.page.click("a.button")
    assert phone.page.locator("html").get_attribute("lang") == "en"
    assert "Your consent" in phone.page.inner_text("h1")
