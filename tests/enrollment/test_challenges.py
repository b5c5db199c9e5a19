"""The payer's page without a browser: tokens, forms, headers, and what each failure looks like."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.enrollment.directed import ORIGIN, DirectedApi


def test_a_token_is_handed_over_in_a_body_and_kept_in_a_cookie(stranger: FlaskClient):
    answer = stranger.post("/c/chl_1", base_url=ORIGIN, data={"token": "ct_good"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/c/chl_1")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-c-chl_1=t=ct_good;")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=900"):
        assert attribute in cookie


def test_a_wrong_token_opens_nothing_and_leaves_no_cookie(stranger: FlaskClient):
    answer = stranger.post("/c/chl_1", base_url=ORIGIN, data={"token": "ct_bad"})
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_a_page_does_not_open_by_its_address(stranger: FlaskClient, api: DirectedApi):
    assert stranger.get("/c/chl_1", base_url=ORIGIN).status_code == 401
    assert api.asked == []


@pytest.mark.parametrize("challenge_id", ["chl_1%3Fx=1", "chl_1%23", "..", "chl_1%0d", "%E2%80%AE"])
def test_an_address_cannot_make_another_call_of_it(
    stranger: FlaskClient, api: DirectedApi, challenge_id: str
):
    answer = stranger.post(f"/c/{challenge_id}", base_url=ORIGIN, data={"token": "ct_good"})
    assert answer.status_code == 404
    assert api.asked == []


@pytest.mark.parametrize("state", ["unanswered", "acknowledged"])
@pytest.mark.parametrize("answer", ["asked", "unsure"])
def test_who_was_asked_to_pay_stops_it_also_from_a_second_tab(
    submit: Callable[..., Any], api: DirectedApi, state: str, answer: str
):
    api.challenge["warning"] = {"kind": "refund", "strict": True, "state": state}
    assert submit("/warning", answer=answer).status_code == 303
    assert api.asked[-1] == "PUT /v1/challenges/chl_1/warning"


def test_going_on_twice_says_nothing_twice(submit: Callable[..., Any], api: DirectedApi):
    api.challenge["warning"] = {"kind": "refund", "strict": True, "state": "acknowledged"}
    assert submit("/warning", answer="own_decision").status_code == 303
    assert not [call for call in api.asked if call.startswith("PUT")]


def test_the_token_stands_nowhere_in_the_page(payer: FlaskClient):
    assert "ct_good" not in payer.get("/c/chl_1", base_url=ORIGIN).text


def test_amount_and_payee_come_first(payer: FlaskClient):
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    heading = page[page.index("<h1>") : page.index("</h1>")]
    assert "¥1,250.00" in heading
    assert "友谊商店" in heading


def test_a_payees_name_cannot_become_markup(payer: FlaskClient, api: DirectedApi):
    payment = {**api.challenge["payment"], "payee": {"name": "<script>alert(1)</script>"}}
    api.challenge["payment"] = payment
    assert "<script>alert" not in payer.get("/c/chl_1", base_url=ORIGIN).text


def test_an_act_on_the_account_shows_no_amount(payer: FlaskClient, api: DirectedApi):
    api.challenge["payment"] = {**api.challenge["payment"], "type": "enrollment", "amount_minor": 0}
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    assert "添加设备或验证方式" in page
    assert "¥" not in page


@pytest.mark.parametrize("key", ["", "0" * 64])
def test_a_form_of_another_site_changes_nothing(payer: FlaskClient, api: DirectedApi, key: str):
    answer = payer.post("/c/chl_1/decline", base_url=ORIGIN, data={"form_key": key, "choice": "cancel"})
    assert answer.status_code == 401
    assert not [call for call in api.asked if call.startswith("POST")]


def test_a_request_from_another_site_changes_nothing(payer: FlaskClient, api: DirectedApi, form_key: str):
    answer = payer.post(
        "/c/chl_1/decline",
        base_url=ORIGIN,
        data={"form_key": form_key, "choice": "cancel"},
        headers={"Sec-Fetch-Site": "same-site"},
    )
    assert answer.status_code == 401
    assert not [call for call in api.asked if call.startswith("POST")]


def test_the_last_proof_has_everything_judged(api: DirectedApi, submit: Callable[..., Any]):
    api.challenge["received"] = ["otp"]
    api.asked.clear()
    assert submit("/code", code="123 456").status_code == 303
    assert api.asked == [
        "GET /v1/challenges/chl_1",
        "POST /v1/challenges/chl_1/steps/otp/begin",
        "PUT /v1/challenges/chl_1/steps/otp",
        "GET /v1/challenges/chl_1",
        "POST /v1/challenges/chl_1/complete",
    ]


def test_a_key_of_the_phone_stands_for_its_captures_before_they_are_judged(
    payer: FlaskClient, api: DirectedApi, submit: Callable[..., Any], form_key: str
):
    chosen = ["face", "voice"]
    api.challenge |= {"sets": [chosen], "chosen": chosen, "capture_at_least": ["device_signed"]}
    api.challenge["received"] = ["face"]
    assert "voice.js" in payer.get("/c/chl_1", base_url=ORIGIN).text
    api.challenge["received"] = chosen
    assert submit("/go-on").headers["Location"] == "/c/chl_1"
    shown = payer.get("/c/chl_1", base_url=ORIGIN)
    assert 'data-steps="/c/chl_1/steps/face/statement"' in shown.text
    assert "publickey-credentials-get=(self)" in shown.headers["Permissions-Policy"]
    path, headers = "/c/chl_1/steps/face/statement", {"X-Form-Key": form_key}
    payer.post(f"{path}/begin", base_url=ORIGIN, headers=headers)
    payer.put(path, base_url=ORIGIN, headers=headers, json={"format": "webauthn", "statement": {}})
    assert api.asked[-2:] == [
        f"POST /v1{path.replace('/c/', '/challenges/')}/begin",
        f"PUT /v1{path.replace('/c/', '/challenges/')}",
    ]
    assert 'data-steps="/c/chl_1/steps/voice/statement"' in submit("/go-on", signed="face").text
    assert not [call for call in api.asked if call.endswith("/complete")]
    submit("/go-on", signed=chosen)
    assert api.asked[-1] == "POST /v1/challenges/chl_1/complete"


def test_a_refusal_leads_back_to_the_page(api: DirectedApi, submit: Callable[..., Any]):
    api.challenge["received"] = ["otp"]
    api.refuse("POST /complete", 401, "challenge-failed", attempts_remaining=2)
    assert submit("/go-on").headers["Location"] == "/c/chl_1?again=1"


def test_what_is_no_code_is_told_without_a_try(api: DirectedApi, submit: Callable[..., Any]):
    api.refuse("PUT /steps/otp", 400, "invalid-request")
    answer = submit("/code", code="12")
    assert answer.status_code == 422
    assert "请输入 6 位动态码或 8 位验证码。</p>" in answer.text
    assert "for engineers" not in answer.text


def test_an_outage_is_told_and_may_be_tried_again(
    payer: FlaskClient, api: DirectedApi, submit: Callable[..., Any]
):
    api.refuse("POST /switch", 503, "unavailable", retry_after=1)
    answer = submit("/ways", way="device_uv")
    assert answer.status_code == 503
    assert "暂时无法验证" in answer.text


def test_a_capture_is_handed_on_as_it_came(payer: FlaskClient, api: DirectedApi, form_key: str):
    body = b"--x\r\nwhatever\r\n--x--"
    answer = payer.put(
        "/c/chl_1/steps/face",
        base_url=ORIGIN,
        data=body,
        content_type="multipart/form-data; boundary=x",
        headers={"X-Form-Key": form_key},
    )
    assert answer.json == {"state": "received"}
    assert (api.asked[-1], api.bodies[-1]) == ("PUT /v1/challenges/chl_1/steps/face", body)


def test_hints_are_told_in_the_language_of_the_page(payer: FlaskClient, api: DirectedApi, form_key: str):
    hints = [{"code": "too_dark", "text": "光线太暗，请面向光源。"}]
    api.refuse("PUT /steps/face", 422, "capture-unusable", hints=hints)
    payer.set_cookie("lang", "en", domain="pay.example")
    answer = payer.put("/c/chl_1/steps/face", base_url=ORIGIN, data=b"", headers={"X-Form-Key": form_key})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["hints"] == ["It is too dark. Turn towards a light."]


def test_a_script_without_the_pages_key_is_refused(payer: FlaskClient, api: DirectedApi):
    assert payer.post("/c/chl_1/steps/face/begin", base_url=ORIGIN).status_code == 401


def test_a_page_forbids_what_it_has_no_use_for(payer: FlaskClient, api: DirectedApi):
    headers = payer.get("/c/chl_1", base_url=ORIGIN).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"
    api.challenge["chosen"] = ["face"]
    assert "camera=(self)" in payer.get("/c/chl_1", base_url=ORIGIN).headers["Permissions-Policy"]


@pytest.mark.parametrize(
    "status",
    ["authenticated", "failed", "declined_by_user", "expired", "cancelled", "denied", "not_possible"],
)
def test_every_end_has_its_page_and_its_way_back(payer: FlaskClient, api: DirectedApi, status: str):
    api.challenge["status"] = status
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    assert 'href="https://shop.example/orders/1"' in page
    assert "form_key" not in page


def test_the_shop_and_why_it_asks_are_shown(payer: FlaskClient, api: DirectedApi):
    assert "验证原因" not in payer.get("/c/chl_1", base_url=ORIGIN).text
    api.challenge |= {"merchant_name": "友谊超市", "why": ["device", "amount", "a word of tomorrow"]}
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    assert ">友</span> <bdi>友谊超市</bdi>" in page
    assert "在新设备上操作" in page
    assert "金额较大" in page
    assert "tomorrow" not in page


def test_every_other_way_is_one_tap_away(payer: FlaskClient, api: DirectedApi):
    api.challenge |= {"sets": [["otp"], ["device_uv"], ["face", "otp"]], "chosen": ["device_uv"]}
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    assert 'name="way" value="otp"' in page
    assert 'name="way" value="face otp"' in page
    assert 'value="device_uv"' not in page


def test_who_cancels_is_told_no_failure(payer: FlaskClient, api: DirectedApi):
    api.challenge |= {"status": "declined_by_user", "declined": "cancel"}
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    assert "<h2>已取消付款</h2>" in page
    assert "mark-stop" not in page
    assert "拦截" not in page


@pytest.mark.parametrize(
    ("suspended", "named", "said"),
    [(True, "我的手机", True), (True, None, True), (False, None, False)],
)
def test_not_me_says_what_was_stopped_and_how_to_come_back(
    payer: FlaskClient, api: DirectedApi, suspended: bool, named: str | None, said: bool
):
    name = "我的手机" if named else None
    api.challenge |= {"status": "declined_by_user", "declined": "not_me"}
    api.challenge |= {"device_suspended": suspended, "suspended_device": name}
    page = payer.get("/c/chl_1", base_url=ORIGIN).text
    assert "已为您拦截" in page
    assert "未扣款" in page
    assert ("如何恢复使用该设备" in page) is said
    assert named is None or named in page


def test_a_page_that_is_not_there_is_told_as_a_page(stranger: FlaskClient):
    answer = stranger.get("/c/chl_1/nothing", base_url=ORIGIN)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_on_plain_http_the_cookie_has_no_prefix_that_would_need_tls():
    from enrollment.app import make_pages

    client = make_pages(DirectedApi(), "http://localhost:8000").test_client()
    answer = client.post("/c/chl_1", data={"token": "ct_good"})
    assert answer.headers["Set-Cookie"].startswith("c-chl_1=")
    assert "Secure" not in answer.headers["Set-Cookie"]
