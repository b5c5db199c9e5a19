"""The console's pages: what each shows, who may see it, and that whoever may not is on record."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from authsvc.bootstrap.running import Wired
from authsvc.domain.attempts import HARD_STOP
from authsvc.domain.operator import Act, Role
from authsvc.factor import Factor
from authsvc.subject import Subject
from tests.web.console.conftest import Shop
from tests.web.console.people import Person, audited
from tests.web.support import BASE_URL

ENGLISH = {"Accept-Language": "en"}


def opened(person: Person, path: str, status: int = 200) -> str:
    answer = person.browser.get(path, headers=ENGLISH)
    assert answer.status_code == status, answer.headers.get("Location")
    return person.browser.page


def signed_in(new_operator: Callable[..., Person], *roles: Role) -> Person:
    person = new_operator(*roles, key=True)
    assert person.sign_in().status_code == 200
    return person


def test_the_overview_counts_what_was_decided(auditor: Person, shop: Shop, wired: Wired):
    shop.decide("u_counted", amount=125_000)
    wired.console.figures.gather()
    page = opened(auditor, "/console/?window=hour")
    assert "Decisions by level" in page
    assert "<svg" in page
    assert "Not possible" in page


def test_a_line_is_counted_once_however_often_it_is_gathered(wired: Wired, shop: Shop):
    shop.decide("u_once", amount=100)
    wired.console.figures.gather()
    assert wired.console.figures.gather() == 0


def test_a_decision_is_explained(auditor: Person, shop: Shop):
    decision = shop.decide("u_why", amount=125_000)
    page = opened(auditor, f"/console/decisions/{decision['id']}")
    assert "1,250.00" in page
    assert decision["reasons"][0]["rule"] in page
    assert "decision.decide" in page
    assert f"/console/decisions/{decision['id']}/evidence" in page


def test_the_evidence_bundle_is_there_for_auditors(auditor: Person, shop: Shop):
    decision = shop.decide("u_evidence", amount=100)
    answer = auditor.browser.get(f"/console/decisions/{decision['id']}/evidence")
    assert answer.get_json()["format"] == "authsvc-evidence-v1"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_an_unknown_decision_is_a_page_that_says_so(auditor: Person):
    assert "no such page" in opened(auditor, "/console/decisions/dec_unknown", 404)


def test_a_user_is_found_by_name(auditor: Person, shop: Shop):
    shop.enroll("u_known")
    answer = auditor.browser.get("/console/cases?q=u_known")
    assert answer.headers["Location"] == "/console/user?client=shop&user=u_known"
    assert "Device" in opened(auditor, answer.headers["Location"])


def test_a_user_is_found_as_people_type(auditor: Person, shop: Shop):
    shop.enroll("u_typed")
    for typed in ("%20u_typed", "u_typed%E3%80%80", "u_%E2%80%8Btyped", "%EF%BD%95_typed", "u_typed%0A"):
        answer = auditor.browser.get(f"/console/cases?q={typed}")
        assert answer.headers["Location"] == "/console/user?client=shop&user=u_typed"


def test_the_console_acts_on_nobody_but_whom_it_shows(new_operator: Callable[..., Person], shop: Shop):
    shop.enroll("u_exact")
    ann = signed_in(new_operator, Role.SUPPORT)
    for spelling in ("u_exact ", " u_exact", "u_exact\u3000", "\u00a0u_exact", "u_exa\u200bct", "u_exact\n"):
        opened(ann, "/console/user?client=shop&user=u_exact")
        opened(ann, f"/console/user?client=shop&user={quote(spelling)}", 400)
        answer = ann.browser.post("/console/user/freeze", client="shop", user=spelling, reason="stolen phone")
        assert answer.status_code == 400
        assert shop.decide("u_exact", amount=100)["status"] != "denied"


def test_a_freeze_is_one_operators_act_and_an_unfreeze_takes_two(
    new_operator: Callable[..., Person], shop: Shop, wired: Wired
):
    shop.enroll("u_cold")
    ann, bob = signed_in(new_operator, Role.SUPPORT), signed_in(new_operator, Role.APPROVER)
    where = "/console/user?client=shop&user=u_cold"
    opened(ann, where)
    assert (
        ann.browser.post(
            "/console/user/freeze", client="shop", user="u_cold", reason="stolen phone"
        ).status_code
        == 303
    )
    assert shop.decide("u_cold", amount=100)["status"] == "denied"
    opened(ann, where)
    assert (
        ann.browser.post(
            "/console/user/unfreeze", client="shop", user="u_cold", reason="phone is back"
        ).status_code
        == 303
    )
    waiting = wired.console.cases.waiting()[0]
    opened(ann, where)
    assert ann.browser.post(f"/console/unfreezes/{waiting.id}/confirm").status_code == 403
    assert shop.decide("u_cold", amount=100)["status"] == "denied"
    opened(bob, "/console/cases")
    assert bob.browser.post(f"/console/unfreezes/{waiting.id}/confirm").status_code == 303
    assert shop.decide("u_cold", amount=100)["status"] != "denied"
    line = audited(wired, "user.unfreeze")[-1]
    assert line["details"]["operators"] == sorted(f"operator:{each.account.id}" for each in (ann, bob))
    assert line["actor"] == f"operator:{bob.account.id}"


def test_a_request_that_was_refused_leaves_the_account_frozen(
    new_operator: Callable[..., Person], shop: Shop, wired: Wired
):
    shop.enroll("u_colder")
    ann, bob = signed_in(new_operator, Role.SUPPORT), signed_in(new_operator, Role.SUPPORT)
    opened(ann, "/console/user?client=shop&user=u_colder")
    ann.browser.post("/console/user/freeze", client="shop", user="u_colder", reason="stolen")
    ann.browser.post("/console/user/unfreeze", client="shop", user="u_colder", reason="found")
    waiting = next(each for each in wired.console.cases.waiting() if each.subject.user == "u_colder")
    opened(bob, "/console/user?client=shop&user=u_colder")
    assert bob.browser.post(f"/console/unfreezes/{waiting.id}/refuse").status_code == 303
    assert bob.browser.post(f"/console/unfreezes/{waiting.id}/confirm").status_code == 409
    assert shop.decide("u_colder", amount=100)["status"] == "denied"


def stop(wired: Wired, user: str) -> None:
    """Fifty failures within the last two days."""
    now = wired.store.clock.now()

    def unit(tx: Any) -> None:  # Any: the unit of work, as the store hands it out.
        account = tx.accounts.find(Subject("shop", user))
        attempts = account.attempts
        for number in range(HARD_STOP, 0, -1):
            attempts = attempts.charge((Factor.OTP,), now - timedelta(minutes=40 * number))
        tx.accounts.save(replace(account, attempts=attempts))

    wired.store.ledger.transact(unit)


def test_two_operators_lift_the_months_stop_of_an_account_that_is_not_frozen(
    new_operator: Callable[..., Person], shop: Shop, wired: Wired
):
    shop.enroll("u_stopped")
    ann, bob = signed_in(new_operator, Role.SUPPORT), signed_in(new_operator, Role.SUPPORT)
    where = "/console/user?client=shop&user=u_stopped"
    assert "Ask to lift the stop" not in opened(ann, where)
    stop(wired, "u_stopped")
    assert shop.decide("u_stopped", amount=100)["status"] == "denied"
    assert "Ask to lift the stop" in opened(ann, where)
    sent = ann.browser.post(
        "/console/user/unfreeze", client="shop", user="u_stopped", reason="was on holiday"
    )
    assert sent.status_code == 303
    assert "Confirm, and lift the stop" not in opened(ann, where)
    assert "Confirm, and lift the stop" in opened(bob, where)
    waiting = next(each for each in wired.console.cases.waiting() if each.subject.user == "u_stopped")
    assert bob.browser.post(f"/console/unfreezes/{waiting.id}/confirm").status_code == 303
    assert shop.decide("u_stopped", amount=100)["status"] != "denied"
    assert "lift the stop" not in opened(ann, where)
    line = audited(wired, "user.unlock")[-1]
    assert line["details"]["operators"] == sorted(f"operator:{each.account.id}" for each in (ann, bob))


@pytest.mark.parametrize(
    ("spelling", "says"),
    [
        ("u_exact ", "begins or ends with white space"),
        ("u_exa\u200bct", "a character that is not seen, or that steers how text is shown. (U+200B)"),
        ("u_exact\n", "a control character. (U+000A)"),
        ("u_e\u0301xact", "it is not in NFC"),
        ("\u0301u_exact", "begins with a mark"),
        ("", "The name is missing"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(auditor: Person, spelling: str, says: str):
    page = opened(auditor, f"/console/user?client=shop&user={quote(spelling)}", 400)
    assert says in html.unescape(page)
    assert "Nothing was done" in page


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.ANALYST, "/console/user/freeze"),
        (Role.AUDITOR, "/console/user/freeze"),
        (Role.AUDITOR, "/console/user/unfreeze"),
        (Role.APPROVER, "/console/user/freeze"),
    ],
)
def test_who_may_not_write_is_refused_and_on_record(
    new_operator: Callable[..., Person], shop: Shop, wired: Wired, role: Role, path: str
):
    shop.enroll("u_safe")
    person = signed_in(new_operator, role)
    opened(person, "/console/")
    answer = person.browser.post(path, client="shop", user="u_safe", reason="because I can")
    assert answer.status_code == 403
    line = audited(wired, "operator.act")[-1]
    assert (line["actor"], line["result"]) == (f"operator:{person.account.id}", "refused")
    assert shop.decide("u_safe", amount=100)["status"] != "denied"


def test_lines_that_count_rows_are_listed_for_who_asks(auditor: Person, shop: Shop, wired: Wired):
    """They stand beside nearly every other line, and would be most of what an auditor reads."""
    shop.decide("u_counted", amount=100)
    assert audited(wired, "rows.written")
    plain = opened(auditor, "/console/audit")
    assert 'title="rows.written"' not in plain
    assert "counted=yes" in plain
    for asked in ("counted=yes", "action=rows.written", "action=rows"):
        page = opened(auditor, f"/console/audit?{asked}")
        assert 'title="rows.written"' in page
        assert "are left out" not in page


@pytest.mark.parametrize(
    "path", ["/console/audit", "/console/operators", "/console/user?client=shop&user=u_1"]
)
def test_who_may_not_read_is_refused(new_operator: Callable[..., Person], path: str):
    assert "on record" in opened(signed_in(new_operator, Role.ANALYST), path, 403)


@pytest.mark.parametrize(
    "path", ["/console/", "/console/cases", "/console/audit", "/console/operators", "/console/session"]
)
def test_whoever_is_not_signed_in_is_sent_to_sign_in(new_operator: Callable[..., Person], path: str):
    answer = new_operator(Role.AUDITOR, key=True).browser.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/sign-in")


def test_the_audit_is_searched_by_who_and_what(auditor: Person):
    page = opened(auditor, f"/console/audit?actor=operator:{auditor.account.id}")
    assert set(re.findall(r'<td title="(operator\.[a-z-]+)">', page)) == {"operator.join", "operator.sign-in"}
    page = opened(auditor, "/console/audit?action=no.such.action")
    assert "Nothing found" in page


def test_the_audit_is_searched_by_time(auditor: Person):
    assert "Nothing found" in opened(auditor, "/console/audit?until=2001-01-01T00:00")
    assert "operator.sign-in" in opened(auditor, "/console/audit?since=2001-01-01T00:00")
    assert "2026-11-27 14:30" in opened(auditor, "/console/audit?since=yesterday", 422)


def test_the_audit_goes_on_page_by_page_and_shows_each_line_once(auditor: Person, shop: Shop):
    for _ in range(60):
        shop.decide("u_paged", amount=100)
    seen: list[str] = []
    path = "/console/audit?user=u_paged"
    while path:
        page = opened(auditor, path)
        seen += re.findall(r"<td><code>([0-9a-f-]+:\d+)</code></td>", page)
        older = re.search(r'href="(/console/audit\?[^"]*)">Search further back', page)
        path = older.group(1).replace("&amp;", "&") if older is not None else ""
    assert len(seen) == len(set(seen)) == 60


def test_the_audit_is_verified(auditor: Person):
    opened(auditor, "/console/audit")
    auditor.browser.post("/console/audit/verify")
    assert "chip-good" in auditor.browser.page


def test_a_bearer_speaks_for_its_operator_and_is_no_cookie(auditor: Person, wired: Wired):
    opened(auditor, "/console/session")
    auditor.browser.post("/console/session/bearer")
    found = re.search(r'id="bearer">(os_[^<]+)<', auditor.browser.page)
    assert found is not None
    operator = wired.services.admission.admit_operator(found.group(1), Act.READ_AUDIT, "test")
    assert operator.id == auditor.account.id
    auditor.browser.client.set_cookie("__Host-console", found.group(1), domain="auth.example", secure=True)
    assert auditor.browser.get("/console/").status_code == 303


def test_the_operators_are_listed(auditor: Person):
    page = opened(auditor, "/console/operators")
    assert auditor.account.id in page


def test_a_page_forbids_what_it_does_not_need(auditor: Person):
    headers = auditor.browser.get("/console/").headers
    assert headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_no_page_carries_a_style_or_a_script_of_its_own(auditor: Person):
    for path in ("/console/", "/console/audit", "/console/operators", "/console/cases", "/console/session"):
        page = opened(auditor, path)
        assert re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=", page) is None, path


def test_every_script_that_a_page_loads_is_there(auditor: Person):
    waiting, seen = {"js/device.js", "js/page.js", "js/invitation.js"}, set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        answer = auditor.browser.client.get(f"/console/static/{name}", base_url=BASE_URL, buffered=True)
        assert answer.status_code == 200, name
        imported = re.findall(r'from "\./([^"]+)"', answer.get_data(as_text=True))
        waiting |= {f"js/{each}" for each in imported} - seen
    assert "js/relay.js" in seen
