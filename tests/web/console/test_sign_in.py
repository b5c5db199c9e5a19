"""Operators join and sign in: two factors either way, one answer for everything that is wrong."""

import re
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from authsvc.bootstrap.running import Wired
from authsvc.domain.operator import Role
from tests.support.authenticator import BE, BS, UP, UV
from tests.web.console.people import Person, audited, wrong_code
from tests.web.support import BASE_URL


def test_a_device_key_signs_in(auditor: Person):
    assert auditor.browser.get("/console/").status_code == 200
    assert auditor.name in auditor.browser.page


def test_an_app_with_its_sign_in_key_signs_in(new_operator: Callable[..., Person]):
    person = new_operator(Role.SUPPORT)
    misread = person.sign_in_key.replace("O", "0").replace("B", "8").replace("I", "1", 2)
    answer = person.by_app(sign_in_key=misread.lower().replace("-", " "))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/")
    assert person.browser.get("/console/").status_code == 200


def test_the_session_is_a_cookie_that_no_script_and_no_other_site_gets(new_operator: Callable[..., Person]):
    answer = new_operator(Role.SUPPORT).by_app()
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if "__Host-console=" in each)
    for attribute in ("os_", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert attribute in cookie


@pytest.mark.parametrize("wrong", ["name", "sign_in_key", "code"])
def test_whatever_is_wrong_gets_the_same_answer(new_operator: Callable[..., Person], wrong: str):
    person = new_operator(Role.SUPPORT)
    assert person.app is not None
    bad = {"name": "nobody of that name", "sign_in_key": "AAAA-BBBB", "code": wrong_code(person.app)}
    answer = person.by_app(**{wrong: bad[wrong]})
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert "未通过" in person.browser.page


def test_a_failed_sign_in_looks_the_same_whatever_was_wrong(new_operator: Callable[..., Person]):
    person, locked = new_operator(Role.SUPPORT), new_operator(Role.SUPPORT)
    assert person.app is not None
    assert locked.app is not None
    for _ in range(5):
        locked.by_app(code=wrong_code(locked.app))
    failures = {
        "code": person.by_app(code=wrong_code(person.app)),
        "sign-in key": person.by_app(sign_in_key="AAAA"),
        "name": person.by_app(name="nobody of that name"),
        "locked": locked.by_app(),
    }
    assert {answer.status_code for answer in failures.values()} == {401}
    assert len({_seen(answer) for answer in failures.values()}) == 1


def _seen(answer: TestResponse) -> tuple[str, frozenset[str]]:
    """All that a browser sees, but the name that was typed and what differs between any two answers."""
    page = re.sub(r"<b>[^<]*</b>|[0-9a-f]{64}", "", answer.get_data(as_text=True))
    headers = {
        f"{name}: {value}" for name, value in answer.headers if name not in ("X-Request-Id", "Content-Length")
    }
    return page, frozenset(headers)


def test_a_code_signs_in_once(new_operator: Callable[..., Person]):
    person = new_operator(Role.SUPPORT)
    assert person.app is not None
    code = person.app.now()
    assert person.by_app(code=code).status_code == 303
    person.browser.client.delete_cookie("__Host-console", domain="auth.example")
    assert person.by_app(code=code).status_code == 401


def test_after_five_failures_the_right_code_is_refused_like_the_wrong_ones(
    new_operator: Callable[..., Person], wired: Wired
):
    person = new_operator(Role.SUPPORT)
    assert person.app is not None
    for _ in range(5):
        assert person.by_app(code=wrong_code(person.app)).status_code == 401
    assert person.by_app().status_code == 401
    assert audited(wired, "operator.sign-in")[-1]["result"] == "refused"


def test_an_assertion_without_user_verification_does_not_sign_in(new_operator: Callable[..., Person]):
    person = new_operator(Role.AUDITOR, key=True)
    assert person.by_key(flags=0x01).status_code == 401
    assert person.by_key().status_code == 200


def test_a_key_of_one_device_counts_up_and_a_synced_one_need_not(
    new_operator: Callable[..., Person], wired: Wired
):
    person, synced = new_operator(Role.AUDITOR, key=True), UP | UV | BE | BS
    found = []
    for count, flags in ((7, UP | UV), (7, UP | UV), (6, synced), (8, synced), (1, synced)):
        found.append(person.by_key(count=count, flags=flags).status_code)
        person.browser.client.delete_cookie("__Host-console", domain="auth.example")
    assert found == [200, 401, 401, 200, 200]
    assert [line["result"] for line in audited(wired, "operator.key-synced")] == ["synced"]


def test_a_strangers_key_does_not_sign_in(new_operator: Callable[..., Person]):
    one, other = new_operator(Role.AUDITOR, key=True), new_operator(Role.AUDITOR, key=True)
    assert one.by_key(credential_id=other.authenticator.credential_id).status_code == 401
    assert one.by_key(key=other.authenticator.key).status_code == 401


def test_a_name_that_nobody_has_is_offered_a_key_all_the_same(new_operator: Callable[..., Person]):
    person = new_operator(Role.AUDITOR, key=True)
    offered = []
    for _ in range(2):
        person.begin("nobody at all")
        begun = person.browser.script("POST", "/console/sign-in/key/begin").get_json()
        offered.append(begun["publicKey"]["allowCredentials"])
    assert len(offered[0]) == 1
    assert offered[0] == offered[1]


def test_an_invitation_is_good_once(new_operator: Callable[..., Person]):
    person = new_operator(Role.AUDITOR, key=True)
    person.browser.get("/console/join")
    assert person.browser.post("/console/join", invitation=person.invitation).status_code == 401


def test_a_reset_takes_everything_away_and_invites_anew(new_operator: Callable[..., Person]):
    person = new_operator(Role.AUDITOR, key=True)
    person.sign_in()
    _, person.invitation = person.roster.reset(person.name)
    assert person.browser.get("/console/").status_code == 303
    assert person.by_key().status_code == 401
    person.arrive()
    person.add_app()
    assert person.by_app().status_code == 303


def test_a_revoked_operator_is_out_at_the_next_request(new_operator: Callable[..., Person]):
    person = new_operator(Role.AUDITOR, key=True)
    person.sign_in()
    assert person.browser.get("/console/").status_code == 200
    person.roster.revoke(person.name)
    assert person.browser.get("/console/").headers["Location"] == "/console/sign-in"
    assert person.by_key().status_code == 401


def test_signing_out_ends_the_session_on_the_server(auditor: Person):
    cookie = auditor.browser.client.get_cookie("__Host-console", domain="auth.example")
    assert cookie is not None
    auditor.browser.get("/console/")
    assert auditor.browser.post("/console/sign-out").status_code == 303
    auditor.browser.client.set_cookie("__Host-console", cookie.value, domain="auth.example", secure=True)
    assert auditor.browser.get("/console/").status_code == 303


@pytest.mark.parametrize("key", ["", "0" * 64])
def test_a_form_that_is_not_ours_changes_nothing(auditor: Person, key: str):
    auditor.browser.form_key = key
    assert auditor.browser.post("/console/sign-out").status_code == 401
    assert auditor.browser.get("/console/").status_code == 200


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/join", "/console/sign-in/app"])
def test_nobody_elses_page_posts_before_the_sign_in_either(new_operator: Callable[..., Person], path: str):
    browser = new_operator(Role.AUDITOR, key=True).browser
    browser.get("/console/sign-in")
    browser.form_key = "0" * 64
    assert browser.post(path, name="x", invitation="oi_a_b", code="123456").status_code == 401


def test_a_request_from_another_site_changes_nothing(auditor: Person):
    auditor.browser.get("/console/")
    answer = auditor.browser.client.post(
        "/console/sign-out",
        base_url=BASE_URL,
        data={"form_key": auditor.browser.form_key},
        headers={"Sec-Fetch-Site": "same-site"},
    )
    assert answer.status_code == 401
