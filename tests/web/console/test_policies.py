"""The policy's pages: an analyst drafts, looks and tries; an approver approves, activates and takes back; refusals say why."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from authsvc.audit.signed_file import sign, signature_of
from authsvc.bootstrap.running import Wired
from authsvc.clock import SystemClock
from authsvc.domain.operator import Role
from authsvc.domain.store import Transaction
from authsvc.policy.life import State
from authsvc.policy.thresholds import Model
from authsvc.policy_life.lab_proof import REPORT_LABEL, LabBounds, LabGate
from tests.biometric.test_det import curve
from tests.biometric.test_manifest import manifest, point
from tests.support.policies import milder, numbered, shipped, stricter
from tests.web.console.people import Person

Made = Callable[..., Person]


@pytest.fixture
def analyst(new_operator: Made) -> Person:
    person = new_operator(Role.ANALYST, key=True)
    person.sign_in()
    return person


@pytest.fixture
def approver(new_operator: Made) -> Person:
    person = new_operator(Role.APPROVER, key=True)
    person.sign_in()
    return person


def next_number(wired: Wired) -> int:
    versions = wired.store.ledger.read(lambda tx: tx.life.page(None, 200))
    return 1 + max(each.number or 0 for each in versions)


def state_of(wired: Wired, address: str) -> State:
    found = wired.store.ledger.read(lambda tx: tx.life.find(address.rpartition("/")[2]))
    assert found is not None
    return found.state


def drafted(person: Person, text: str, note: str = "for a test") -> str:
    """The address of the new version."""
    person.browser.get("/console/policies/new")
    answer = person.browser.post("/console/policies/new", act="save", text=text, form="toml", note=note)
    assert answer.status_code == 303, person.browser.page
    return answer.headers["Location"]


def analysed(person: Person, text: str) -> str:
    address = drafted(person, text)
    for step in ("validate", "analyze"):
        person.browser.get(address)
        assert person.browser.post(f"{address}/{step}").status_code == 303, person.browser.page
    person.browser.get(address)
    return address


def etag(page: str) -> str:
    found = re.search(r'name="if_match" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "it is not there, or it is no report"), ("zh", "文件不在，或不是报告")],
)
def test_a_version_is_not_activated_without_the_lab_report_that_is_required(
    analyst: Person,
    approver: Person,
    wired: Wired,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    language: str,
    said: str,
) -> None:
    ring, file = wired.store.ring, tmp_path / "run.json"
    bounds = LabBounds(90, 0.07, 0.05)
    gate = LabGate(file, bounds, SystemClock(), lambda: frozenset({"sha256:1"}), ring.audit_public_keys)
    monkeypatch.setattr(wired.console.policies, "_lab", gate)
    address = analysed(analyst, stricter(next_number(wired)))
    approver.browser.get(address)
    approver.browser.post(f"{address}/approve")
    approver.browser.get(f"{address}?lang={language}")
    assert said in approver.browser.page
    assert f'action="{address}/activate"' not in approver.browser.page
    made = {"max_iapar": 0.07, "max_bpcer": 0.05, "faults": []}
    report = {
        "date": SystemClock().now().date().isoformat(),
        "gate": made,
        "models": [{"calibration": "sha256:1"}],
    }
    file.write_text(json.dumps(report))
    signature_of(file).write_text(sign(REPORT_LABEL, file.read_bytes(), ring.audit_signing_key()))
    approver.browser.get(f"{address}?lang={language}")
    assert said not in approver.browser.page
    assert f'action="{address}/activate"' in approver.browser.page


# -- Looking -----------------------------------------------------------------------------------------------------------


def test_the_list_says_what_decides_and_whence_it_came(analyst: Person) -> None:
    answer = analyst.browser.get("/console/policies?lang=en")

    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert "What decides now" in analyst.browser.page
    assert "default · version 1" in analyst.browser.page
    assert "installed with the service" in analyst.browser.page


@pytest.mark.parametrize("role", list(Role))
def test_every_role_that_reads_policies_sees_them_and_only_analysts_write(
    new_operator: Made, role: Role
) -> None:
    person = new_operator(role, key=True)
    person.sign_in()

    assert person.browser.get("/console/policies").status_code == 200
    assert person.browser.get("/console/policies/new").status_code == (200 if role is Role.ANALYST else 403)


# -- Writing -----------------------------------------------------------------------------------------------------------


def test_the_editor_begins_with_the_active_document_under_the_next_number(
    analyst: Person, wired: Wired
) -> None:
    analyst.browser.get("/console/policies/new?lang=en")

    assert f"version = {next_number(wired)}\n" in analyst.browser.page
    assert "new-device-large-amount" in analyst.browser.page


def test_looking_shows_the_decision_table_and_the_change_and_saves_nothing(
    analyst: Person, wired: Wired
) -> None:
    before = wired.store.ledger.read(lambda tx: len(tx.life.page(None, 200)))
    analyst.browser.get("/console/policies/new?lang=en")
    text = milder(next_number(wired))

    answer = analyst.browser.post(
        "/console/policies/new", act="look", text=text.replace("\n", "\r\n"), form="toml", profile="seed"
    )

    assert answer.status_code == 200
    assert "cells get another answer" in analyst.browser.page
    assert "went-weaker" in analyst.browser.page
    assert "Asks less than the active policy" in analyst.browser.page
    assert wired.store.ledger.read(lambda tx: len(tx.life.page(None, 200))) == before


def test_a_typing_error_is_shown_with_line_and_suggestion(analyst: Person) -> None:
    analyst.browser.get("/console/policies/new?lang=en")
    text = shipped().replace("amount_at_least = 500_000", "amuont_at_least = 500_000", 1)
    line = text.split("\n").index("amuont_at_least = 500_000") + 1

    answer = analyst.browser.client.post(
        "/console/policies/preview",
        base_url="https://auth.example",
        data={"text": text, "form": "toml", "form_key": analyst.browser.form_key},
    )

    page = answer.get_data(as_text=True)
    assert f'data-line="{line}"' in page
    assert "did you mean <code>amount_at_least</code>?" in page
    assert '<code class="quoted">amuont_at_least = 500_000</code>' in page


def test_what_is_not_even_toml_stays_in_the_editor(analyst: Person) -> None:
    analyst.browser.get("/console/policies/new?lang=en")

    answer = analyst.browser.post(
        "/console/policies/new", act="save", text="this is = = no toml", form="toml"
    )

    assert answer.status_code == 422
    assert "this is = = no toml" in analyst.browser.page
    assert "not TOML" in analyst.browser.page


# -- From a draft to the active policy, and back -----------------------------------------------------------------------


def test_a_version_goes_the_whole_way_and_is_taken_back(
    analyst: Person, approver: Person, wired: Wired
) -> None:
    address = analysed(analyst, stricter(next_number(wired)))
    assert "cells get another answer" in analyst.browser.page or "次" in analyst.browser.page
    analyst.browser.post(f"{address}/shadow")
    assert state_of(wired, address) is State.SHADOWING

    approver.browser.get(f"{address}?lang=en")
    assert approver.browser.post(f"{address}/approve", note="looked at").status_code == 303
    approver.browser.get(address)
    assert (
        approver.browser.post(
            f"{address}/activate", if_match=etag(approver.browser.page), note="now"
        ).status_code
        == 303
    )
    assert state_of(wired, address) is State.ACTIVE

    approver.browser.get("/console/policies")
    assert (
        approver.browser.post(
            "/console/policies/roll-back", if_match=etag(approver.browser.page), note="too strict"
        ).status_code
        == 303
    )
    assert state_of(wired, address) is State.ROLLED_BACK
    approver.browser.get("/console/policies?lang=en")
    assert "too strict" in approver.browser.page


def test_what_gets_weaker_is_the_first_thing_that_an_approver_sees(
    analyst: Person, approver: Person, wired: Wired
) -> None:
    crowd = "".join(
        f'\n[[rules]]\nid = "list-{n}"\nlevel = "otp"\nwhy = "feed {n}"\nrisk_reason_in = ["list_{n}"]\n'
        for n in range(12)
    )
    address = analysed(analyst, milder(next_number(wired)) + crowd)
    approver.browser.get(f"{address}?lang=en")
    page = approver.browser.page
    first = page.index("<section")
    assert page[first:].startswith('<section class="card" aria-labelledby="weaker">')
    assert (
        page.index("Asks less than the active policy") < page.index('id="approve"') < page.index('id="found"')
    )
    assert "went-" in page

    assert approver.browser.post(f"{address}/approve").status_code == 422
    assert state_of(wired, address) is State.ANALYZED


def test_what_asks_nobody_less_says_so(analyst: Person, approver: Person, wired: Wired) -> None:
    address = analysed(analyst, stricter(next_number(wired)))
    approver.browser.get(f"{address}?lang=en")
    assert "No payment is asked less than by the active policy." in approver.browser.page


def test_what_did_not_finish_is_offered_to_nobody_for_approval(
    analyst: Person, approver: Person, wired: Wired
) -> None:
    address = analysed(analyst, stricter(next_number(wired)))

    def cut_short(tx: Transaction) -> None:
        version = tx.life.find(address.rpartition("/")[2])
        assert version is not None
        assert version.examined is not None
        examined = replace(version.examined, difference={**version.examined.difference, "complete": False})
        tx.life.save(replace(version, examined=examined))

    wired.store.ledger.transact(cut_short)
    approver.browser.get(f"{address}?lang=en")
    assert "The analysis did not finish." in approver.browser.page
    assert 'id="approve"' not in approver.browser.page

    assert approver.browser.post(f"{address}/approve").status_code == 422
    assert state_of(wired, address) is State.ANALYZED


def test_nobody_approves_a_version_of_their_own(new_operator: Made, wired: Wired) -> None:
    both = new_operator(Role.ANALYST, Role.APPROVER, key=True)
    both.sign_in()
    address = analysed(both, numbered(next_number(wired)))
    both.browser.get(f"{address}?lang=en")
    assert "You wrote this version. Another person must approve it." in both.browser.page
    assert 'id="approve"' not in both.browser.page

    answer = both.browser.post(f"{address}/approve")

    assert answer.status_code == 403
    assert "Another person must approve it" in both.browser.page
    assert state_of(wired, address) is State.ANALYZED


def test_an_analyst_can_neither_approve_nor_activate_and_the_refusal_is_on_record(
    analyst: Person, wired: Wired
) -> None:
    address = analysed(analyst, numbered(next_number(wired)))
    assert 'action="' + address + '/approve"' not in analyst.browser.page

    for step in ("approve", "activate"):
        assert analyst.browser.post(f"{address}/{step}", if_match="1-x").status_code == 403

    links = wired.store.ledger.read(lambda tx: [json.loads(link.body) for link in tx.audit.links()])
    refused = [each["action"] for each in links if each["result"] == "refused"]
    assert {"policy.approve", "policy.activate"} <= set(refused)


def test_findings_stand_in_the_way_until_they_are_accepted_by_name(
    analyst: Person, approver: Person, wired: Wired
) -> None:
    address = analysed(analyst, milder(next_number(wired)))
    approver.browser.get(f"{address}?lang=en")
    assert 'name="accepting" value="weaker-than-active"' in approver.browser.page

    assert approver.browser.post(f"{address}/approve").status_code == 422
    assert "What stands in the way is listed below" in approver.browser.page
    assert approver.browser.post(f"{address}/approve", accepting="weaker-than-active").status_code == 303


def test_an_activation_of_what_another_policy_has_overtaken_is_refused_and_says_what_to_do(
    analyst: Person, approver: Person, wired: Wired
) -> None:
    address = analysed(analyst, numbered(next_number(wired)))
    approver.browser.get(address)
    approver.browser.post(f"{address}/approve")

    answer = approver.browser.post(f"{address}/activate?lang=en", if_match="0-0000000000000000")

    assert answer.status_code == 412
    assert "Another policy has become active since this page was made" in approver.browser.page
    assert state_of(wired, address) is State.APPROVED


def test_a_step_before_its_time_says_so(analyst: Person, wired: Wired) -> None:
    address = drafted(analyst, numbered(next_number(wired)))
    analyst.browser.get(address)

    assert analyst.browser.post(f"{address}/shadow").status_code == 409


# -- Trying ------------------------------------------------------------------------------------------------------------


def test_what_if_shows_fired_nearly_and_the_smallest_change_beside_the_active_policy(
    analyst: Person, wired: Wired
) -> None:
    address = analysed(analyst, stricter(next_number(wired)))
    query = "type=transfer&amount_minor=125000&currency=CNY&novelty=new&risk_score=73&lang=en"

    answer = analyst.browser.get(f"{address}/what-if?{query}")

    assert answer.status_code == 200
    for said in (
        "new-device",
        "probation-high-risk",
        "<strong>75</strong>",
        "always-a-code",
        "Active policy",
    ):
        assert said in analyst.browser.page


def test_a_payment_that_is_none_says_which_input(analyst: Person, wired: Wired) -> None:
    address = drafted(analyst, numbered(next_number(wired)))

    answer = analyst.browser.get(f"{address}/what-if?type=transfer&amount_minor=12.5&currency=CNY&lang=en")

    assert answer.status_code == 422
    assert "amount_minor" in analyst.browser.page


def test_a_witness_of_a_finding_leads_to_its_explanation(analyst: Person, wired: Wired) -> None:
    analysed(analyst, milder(next_number(wired)))
    found = re.search(r'href="(/console/policies/[^"]+/what-if\?[^"]+)"', analyst.browser.page)
    assert found is not None

    answer = analyst.browser.get(found.group(1).replace("&amp;", "&"))

    assert answer.status_code == 200
    assert "Active policy" in analyst.browser.page or "当前" in analyst.browser.page


def test_a_backtest_is_asked_for_shown_and_cancelled(analyst: Person, wired: Wired) -> None:
    address = analysed(analyst, stricter(next_number(wired)))
    analyst.browser.get(f"{address}/backtests?lang=en")

    answer = analyst.browser.post(f"{address}/backtests", days="30")

    assert answer.status_code == 303
    job = answer.headers["Location"]
    analyst.browser.get(job)
    assert "progress.js" in analyst.browser.page
    assert analyst.browser.post(f"{job}/cancel").status_code == 303
    analyst.browser.get(job)
    assert "Cancelled" in analyst.browser.page


def test_days_that_are_none_are_refused(analyst: Person, wired: Wired) -> None:
    address = analysed(analyst, stricter(next_number(wired)))
    analyst.browser.get(f"{address}/backtests")

    assert analyst.browser.post(f"{address}/backtests", days="-3").status_code == 400


def test_a_shadow_run_is_started_shown_and_stopped(analyst: Person, wired: Wired) -> None:
    address = analysed(analyst, stricter(next_number(wired)))
    analyst.browser.get(f"{address}/shadow?lang=en")
    assert "never ran beside" in analyst.browser.page

    assert analyst.browser.post(f"{address}/shadow").status_code == 303
    analyst.browser.get(f"{address}/shadow")
    assert "since" in analyst.browser.page
    assert analyst.browser.post(f"{address}/shadow/stop").status_code == 303


def test_thresholds_without_an_installed_model_say_that_nothing_is_known(
    analyst: Person, wired: Wired
) -> None:
    address = drafted(analyst, numbered(next_number(wired)))

    assert analyst.browser.get(f"{address}/thresholds?lang=en").status_code == 200
    assert "No calibrated model is installed here" in analyst.browser.page


def test_a_calibration_is_shown_as_curve_point_and_numbers_and_a_target_beyond_it_is_refused(
    analyst: Person, wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = manifest(point("1 in 10000", 0.5, 300_000))
    monkeypatch.setattr(wired.console.policies, "_models", lambda: (Model(measured, (curve(),)),))
    address = drafted(analyst, numbered(next_number(wired)))

    assert analyst.browser.get(f"{address}/thresholds?lang=en").status_code == 200
    page = analyst.browser.page
    for said in ("<polyline", "0.01 % · no interval stated · 12 / 300,000", " · 300 people · 2026-11-22"):
        assert said in page
    assert page.count('<tr><th scope="row" class="number">') == len(curve().points)

    strict = drafted(analyst, shipped().replace('fmr = "1 in 10000"', 'fmr = "1 in 100000"'))
    analyst.browser.get(f"{strict}/thresholds")
    assert "This target is refused" in analyst.browser.page
    assert analyst.browser.post(f"{strict}/validate").status_code == 422
    assert "needs 3,000,000 impostor pairs" in analyst.browser.page


def test_the_change_is_a_picture_too(analyst: Person, wired: Wired) -> None:
    address = analysed(analyst, stricter(next_number(wired)))

    answer = analyst.browser.get(f"{address}/change.svg")

    assert answer.mimetype == "image/svg+xml"
    assert b"<svg" in answer.data


def test_a_draft_that_is_no_policy_can_be_looked_at_everywhere(analyst: Person) -> None:
    address = drafted(analyst, 'format = 1\nid = "broken"')

    for page in ("", "/backtests", "/shadow"):
        assert analyst.browser.get(f"{address}{page}").status_code == 200
    for page in ("/thresholds", "/what-if?type=payment"):
        assert analyst.browser.get(f"{address}{page}").status_code == 422
    analyst.browser.get(address)
    assert analyst.browser.post(f"{address}/validate").status_code == 422
    assert "reference_currency" in analyst.browser.page
