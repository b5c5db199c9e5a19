"""What a person does about phones: a new one, one that is not theirs, a lost one; and consent taken back."""

from collections.abc import Callable

from tests.browser.phone import Phone


def test_a_further_phone_is_on_probation_until_the_old_one_had_time_to_object(
    new_phone: Callable[..., Phone],
):
    old = new_phone()
    old.enroll()
    new = add_phone(old, new_phone)
    new.buy("tea")
    assert "/c/" in new.page.url
    old.open_overview()
    assert "新设备" in old.page.inner_text("#devices + ul")


def test_the_old_phone_removes_one_that_is_not_its_owners(new_phone: Callable[..., Phone]):
    old = new_phone()
    old.enroll()
    foreign = add_phone(old, new_phone)
    old.open_overview()
    box = old.page.locator("li.device", has_text="新设备")
    box.locator("summary.danger").click()
    box.locator("button.button-danger").click()
    assert "新设备" not in old.page.inner_text("#devices + ul")
    foreign.buy("tea")
    assert foreign.page.inner_text("#status") == "付款被拒绝，未扣款"
    assert foreign.page.get_attribute("#status", "data-status") == "denied"


def test_a_withdrawn_face_is_no_way_to_confirm_any_more(phone: Phone):
    phone.enroll()
    phone.open_overview()
    box = phone.page.locator("li.device", has_text="人脸")
    box.locator("summary.danger").click()
    box.locator("button.button-danger").click()
    assert "已撤回" in phone.page.inner_text("#consents + ul")
    phone.buy("piano", "quiet")
    assert phone.page.locator("button[name=way]").count() == 0
    assert phone.page.locator("#face").count() == 0


def test_an_owner_freezes_the_account(phone: Phone):
    phone.enroll(face=False)
    phone.open_overview()
    phone.page.click("section[aria-labelledby=safety] summary.danger")
    phone.page.click("section[aria-labelledby=safety] button.button-danger")
    assert "已冻结" in phone.page.inner_text("[role=status]")
    phone.buy("tea")
    assert phone.page.get_attribute("#status", "data-status") == "denied"


def test_a_device_is_renamed(phone: Phone):
    phone.enroll(face=False)
    phone.open_overview()
    phone.page.click("li.device summary:not(.danger)")
    phone.page.fill("li.device input[name=name]", "<b>手机</b>")
    phone.page.click("li.device form:has(input[name=name]) button")
    assert phone.page.inner_text("li.device b") == "<b>手机</b>"


def test_a_lost_phone_is_replaced_with_a_recovery_code_and_a_code_that_was_sent(
    new_phone: Callable[..., Phone],
):
    lost = new_phone()
    lost.enroll(face=False)
    new = new_phone(lost.user)
    sent = new.begin_recovery()
    new.page.click("a.button")
    new.type_code(lost.recovery_codes[3])
    new.page.click("a[href$='/proof_otp']")
    new.type_code(sent)
    assert "单独同意" in new.page.inner_text("main")
    new.page.click("a.button")
    new.agree()
    new.register_device("新手机")
    new.add_app()
    new.finish()
    assert len(new.recovery_codes) == 10
    new.leave()
    new.buy("tea")
    new.type_code(new.current_code())
    assert new.order_is_paid()
    lost.buy("tea")
    assert lost.page.get_attribute("#status", "data-status") == "denied"


def test_a_lost_phone_is_replaced_on_the_word_of_two_operators(new_phone: Callable[..., Phone]):
    lost = new_phone()
    lost.enroll(face=False)
    new = new_phone(lost.user)
    new.begin_vouched_recovery("王芳", "李强")
    assert "已核实您的身份" in new.page.inner_text("main")
    new.page.click("a.button")
    new.type_code(lost.recovery_codes[7])
    new.page.click("a.button")
    new.agree()
    new.register_device("新手机")
    new.add_app()
    new.finish()
    new.leave()
    lost.buy("tea")
    assert lost.page.get_attribute("#status", "data-status") == "denied"


def test_one_operator_under_two_names_vouches_for_nobody(new_phone: Callable[..., Phone]):
    lost = new_phone()
    lost.enroll(face=False)
    new = new_phone(lost.user)
    new.begin_vouched_recovery("王芳", " 王芳 ")
    assert new.page.get_attribute("#status", "data-status") == "invalid-request"


def test_a_person_erases_the_account_after_proving_who_they_are(phone: Phone):
    phone.enroll(face=False)
    phone.open_overview()
    phone.page.click("a[href$='/erasure']")
    assert phone.page.locator("#erase").count() == 0
    phone.page.click("#prove")
    assert "注销账户" in phone.page.inner_text("h1")
    phone.unlock()
    phone.type_code(phone.current_code())
    phone.page.click("#return")
    phone.page.click("#erase")
    assert "账户已注销" in phone.page.inner_text("h1")
    assert phone.page.locator("#receipt").text_content().count(".") == 2  # type: ignore[union-attr]  # It is there.
    phone.page.click("main a.button")
    phone.buy("tea")
    assert phone.page.get_attribute("#status", "data-status") == "not_possible"
    assert phone.complaints == []


def test_a_wrong_recovery_code_is_told_only_together_with_the_other_proof(new_phone: Callable[..., Phone]):
    lost = new_phone()
    lost.enroll(face=False)
    new = new_phone(lost.user)
    sent = new.begin_recovery()
    new.page.click("a.button")
    new.type_code("AAAA-AAAA-AAAA-AAAA")
    assert new.page.locator("[role=alert]").count() == 0
    new.page.click("a[href$='/proof_otp']")
    new.type_code(sent)
    assert "未通过" in new.page.inner_text("[role=alert]")


def add_phone(old: Phone, new_phone: Callable[..., Phone]) -> Phone:
    """A further phone, proved on the first one with its face and its lock."""
    new = new_phone(old.user)
    new.begin_enrolling()
    old.open_latest_order()
    old.page.click("#go-on")
    old.record_face()
    old.unlock()
    new.open_latest_order()
    new.page.click("#go-on")
    new.page.click("a.button")
    new.agree(face="no")
    new.register_device("新手机")
    new.page.click(".others a")
    new.finish()
    new.leave()
    return new
