"""The policy's life over HTTP: every answer is held against the document, every refusal has its problem."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authsvc.bootstrap.app import App, create_app
from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.domain.operator import Role
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.policy import loading
from authsvc.policy_life.backtesting import Backtester
from authsvc.web.settings import WebSettings
from tests.support.operators import signed_in
from tests.support.policies import WEAKER, milder, numbered, shipped, stricter
from tests.support.prepared import prepare
from tests.support.service import Here, embedded
from tests.web.support import BASE_URL, DECISION, Api, slug

_numbers = count(2)


class Staff:
    """An operator's program, which sends an Idempotency-Key with every POST."""

    def __init__(self, app: App, wired: Wired, name: str, *roles: Role) -> None:
        self.api = Api(app)
        self.operator, bearer = signed_in(wired.store, name, *roles)
        self.headers = {"Authorization": f"Operator {bearer}"}

    def get(self, path: str) -> TestResponse:
        return self.api.get(f"/v1/policies{path}", headers=self.headers)

    def post(
        self, path: str = "", body: object = None, if_match: str | None = None, key: str | None = None
    ) -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": key or secrets.token_hex(8)}
        if if_match is not None:
            headers["If-Match"] = if_match
        return self.api.post(f"/v1/policies{path}", json={} if body is None else body, headers=headers)

    def delete(self, path: str) -> TestResponse:
        return self.api.send("DELETE", f"/v1/policies{path}", headers=self.headers)

    def etag(self) -> str:
        return str(self.get("/active").headers["ETag"])


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    settings = embedded(tmp_path_factory.mktemp("policies"), base_url=BASE_URL)
    made = wire(prepare(settings), analyst=Here())
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(wired: Wired) -> App:
    return create_app(wired.services, WebSettings(BASE_URL))


@pytest.fixture(scope="module")
def ann(app: App, wired: Wired) -> Staff:
    return Staff(app, wired, "ann", Role.ANALYST)


@pytest.fixture(scope="module")
def bob(app: App, wired: Wired) -> Staff:
    return Staff(app, wired, "bob", Role.APPROVER)


@pytest.fixture(scope="module")
def eve(app: App, wired: Wired) -> Staff:
    return Staff(app, wired, "eve", Role.AUDITOR)


@pytest.fixture(scope="module")
def cai(app: App, wired: Wired) -> Staff:
    return Staff(app, wired, "cai", Role.ANALYST, Role.APPROVER)


def drafted(by: Staff, make: Callable[[int], str] = stricter) -> str:
    answer = by.post(body={"document": make(next(_numbers)), "note": "a test"})
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def analyzed(by: Staff, make: Callable[[int], str] = stricter) -> str:
    version = drafted(by, make)
    assert by.post(f"/{version}/validate").status_code == 200
    assert by.post(f"/{version}/analyze", {"profile": "seed"}).status_code == 200
    return version


def approved(ann: Staff, bob: Staff, make: Callable[[int], str] = stricter) -> str:
    version = analyzed(ann, make)
    answer = bob.post(f"/{version}/approve", {"accept": [WEAKER]})
    assert answer.status_code == 200, answer.text
    return version


def test_a_change_goes_from_draft_to_active_and_back(ann: Staff, bob: Staff) -> None:
    version = approved(ann, bob)
    before = ann.get("/active").get_json()["publication"]
    answer = bob.post(f"/{version}/activate", {"note": "go"}, bob.etag())
    assert (answer.status_code, answer.get_json()["version"]) == (200, version)
    active = ann.get("/active")
    assert active.get_json()["version"]["state"] == "active"
    assert active.headers["ETag"] == f'"{answer.get_json()["etag"]}"'
    back = bob.post("/rollback", if_match=active.headers["ETag"])
    assert (back.status_code, back.get_json()["digest"]) == (200, before["digest"])
    assert ann.get(f"/{version}").get_json()["state"] == "rolled_back"
    log = ann.get("/history?limit=2").get_json()
    assert [each["how"] for each in log["publications"]] == ["rolled_back", "activated"]


@pytest.mark.parametrize("most", [1, 200_000, None])
def test_whoever_asks_for_an_analysis_has_no_say_in_where_it_ends(ann: Staff, most: int | None) -> None:
    version = drafted(ann)
    assert ann.post(f"/{version}/validate").status_code == 200
    assert ann.post(f"/{version}/analyze", {"most_cells": most}).status_code == 400
    assert ann.get(f"/{version}").get_json()["state"] == "validated"


def test_the_same_request_again_gets_the_first_answer(ann: Staff, bob: Staff) -> None:
    version, etag = approved(ann, bob), bob.etag()
    first, again = (bob.post(f"/{version}/activate", {}, etag, key="the-same") for _ in range(2))
    assert (first.data, again.headers["Idempotent-Replayed"]) == (again.data, "true")
    late = bob.post(f"/{version}/activate", {}, etag)
    assert slug(late) == "policy-conflict"
    bob.post("/rollback", if_match=bob.etag())


def test_a_refusal_is_told_again_to_the_same_request(ann: Staff, bob: Staff) -> None:
    version = drafted(ann)
    answers = [bob.post(f"/{version}/approve", {}, key="too-early") for _ in range(2)]
    assert [slug(answer) for answer in answers] == ["policy-step", "policy-step"]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].get_json()["state"] == "draft"


def test_what_was_seen_must_be_named_by_its_etag(ann: Staff, bob: Staff) -> None:
    version = approved(ann, bob)
    for wrong in (None, "*", "7-abc", 'W/"7-abc"', '"a", "b"'):
        assert slug(bob.post(f"/{version}/activate", {}, wrong)) == "invalid-request"
    conflict = bob.post(f"/{version}/activate", {}, '"7-abc"')
    assert (conflict.status_code, slug(conflict)) == (412, "policy-conflict")
    assert f'"{conflict.get_json()["active"]}"' == bob.etag()


def test_roles_are_kept_apart(ann: Staff, bob: Staff, eve: Staff) -> None:
    version, etag = approved(ann, bob), bob.etag()
    refused = [
        ann.post(f"/{version}/activate", {}, etag),
        ann.post(f"/{version}/approve"),
        ann.post("/rollback", {}, etag),
        bob.post(body={"document": shipped()}),
        eve.post(body={"document": shipped()}),
        eve.post(f"/{version}/validate"),
        eve.post(f"/{version}/analyze"),
        eve.post(f"/{version}/simulate", {"payment": {}}),
        eve.post(f"/{version}/backtests"),
        eve.post(f"/{version}/shadow"),
        eve.delete(f"/{version}/shadow"),
        eve.post(f"/{version}/approve"),
        eve.post(f"/{version}/activate", {}, etag),
    ]
    assert {(answer.status_code, slug(answer)) for answer in refused} == {(403, "not-permitted")}
    assert eve.get("/active").status_code == eve.get("").status_code == 200


def test_every_refusal_of_a_role_is_in_the_audit(ann: Staff, wired: Wired) -> None:
    version = drafted(ann)
    ann.post(f"/{version}/activate", {}, '"1-a"')
    last = _audit_of(wired, ann)[-1]
    assert (last["result"], last["details"]["act"]) == ("refused", "activate-policy")


def test_nobody_approves_their_own_and_that_is_in_the_audit(cai: Staff, wired: Wired) -> None:
    version = analyzed(cai)
    answer = cai.post(f"/{version}/approve")
    assert (answer.status_code, slug(answer)) == (403, "not-permitted")
    last = _audit_of(wired, cai)[-1]
    assert (last["action"], last["result"], last["object"]) == ("policy.approve", "refused", version)


def test_a_finding_is_accepted_by_its_name(ann: Staff, bob: Staff) -> None:
    version = analyzed(ann, milder)
    analysis = ann.get(f"/{version}").get_json()["analysis"]
    assert analysis["errors"] == [WEAKER]
    assert analysis["difference"]["weakens"]
    refused = bob.post(f"/{version}/approve")
    assert (slug(refused), refused.get_json()["findings"]) == ("policy-invalid", [WEAKER])
    assert bob.post(f"/{version}/approve", {"accept": [WEAKER]}).status_code == 200


def test_a_document_may_be_the_same_as_json(ann: Staff) -> None:
    number = next(_numbers)
    document = json.loads(loading.from_toml(numbered(number)).canonical)
    objects = ann.post(body={"document": document})
    text = ann.post(body={"document": json.dumps(document), "form": "json"})
    toml = ann.post(body={"document": numbered(number)})
    digests = {answer.get_json()["policy"]["digest"] for answer in (objects, text, toml)}
    assert len(digests) == 1


def test_what_is_wrong_with_a_document_is_told_with_its_place(ann: Staff) -> None:
    answer = ann.post(body={"document": "not toml ="})
    assert slug(answer) == "policy-invalid"
    broken = numbered(next(_numbers)).replace("risk_at_least", "risk_at_leest", 1)
    version = ann.post(body={"document": broken}).get_json()["id"]
    refused = ann.post(f"/{version}/validate")
    [finding] = refused.get_json()["findings"]
    assert "did you mean `risk_at_least`?" in finding["message"]
    assert finding["line"] > 1


def test_one_payment_is_simulated(ann: Staff) -> None:
    version = drafted(ann)
    payment = {
        "type": "transfer",
        "amount_minor": 90_000,
        "currency": "CNY",
        "novelty": "trusted",
        "risk_score": 3,
    }
    answer = ann.post(f"/{version}/simulate", {"payment": payment})
    assert answer.get_json()["fired"] == ["always-a-code"]
    assert slug(ann.post(f"/{version}/simulate", {"payment": {"amuont": 1}})) == "invalid-request"


def test_a_backtest_is_a_job(ann: Staff, app: App, wired: Wired) -> None:
    key, shown = new_api_key(wired.store.ring, "shop", ALL_SCOPES, wired.store.clock.now())
    wired.store.ledger.transact(lambda tx: tx.keys.add(key))
    headers = {"Authorization": f"Bearer {shown}", "Idempotency-Key": secrets.token_hex(8)}
    assert ann.api.post("/v1/decisions", json=DECISION, headers=headers).status_code == 201
    version = analyzed(ann)
    asked = ann.post(f"/{version}/backtests", {"days": 30})
    assert (asked.status_code, asked.get_json()["state"]) == (201, "queued")
    Backtester(wired.store.ledger, wired.store.clock, "worker").work_off()
    job = ann.get(f"/{version}/backtests/{asked.get_json()['id']}").get_json()
    assert (job["state"], job["report"]["eligible"], job["share"]) == ("done", 1, 1.0)
    assert ann.get(f"/{version}/backtests").get_json()["backtests"] == [job]
    second = ann.post(f"/{version}/backtests").get_json()["id"]
    assert ann.delete(f"/{version}/backtests/{second}").get_json()["state"] == "cancelled"


def test_a_candidate_is_compared_over_http(ann: Staff, app: App, wired: Wired) -> None:
    version = analyzed(ann)
    assert slug(ann.get(f"/{version}/shadow")) == "not-found"
    assert ann.post(f"/{version}/shadow").status_code == 201
    wired.watch.look()
    comparison = ann.get(f"/{version}/shadow").get_json()
    assert (comparison["version"], comparison["stopped_at"]) == (version, None)
    assert ann.delete(f"/{version}/shadow").get_json()["state"] == "analyzed"


def test_versions_come_page_by_page(ann: Staff) -> None:
    for _ in range(3):
        drafted(ann)
    page = ann.get("?limit=2").get_json()
    rest = ann.get(f"?limit=2&after={page['next']}").get_json()
    ids = [each["id"] for each in (*page["versions"], *rest["versions"])]
    assert len(set(ids)) == 4


def test_a_large_document_is_taken_and_a_larger_one_is_not(ann: Staff) -> None:
    comment = "# " + "x" * 100 + "\n"
    assert ann.post(body={"document": comment * 5_000 + numbered(next(_numbers))}).status_code == 201
    assert slug(ann.post(body={"document": comment * 12_000})) == "payload-too-large"


@pytest.mark.parametrize("path", ["/pol_none", "/pol_none/shadow", "/pol_none/backtests", "/no-id"])
def test_what_is_not_there_is_not_found(ann: Staff, path: str) -> None:
    assert slug(ann.get(path)) == "not-found"


def test_another_planes_credential_is_none(app: App) -> None:
    answer = Api(app).get("/v1/policies", headers={"Authorization": "Bearer ak_x_y"})
    assert slug(answer) == "unauthenticated"


def _audit_of(wired: Wired, staff: Staff) -> list[dict[str, Any]]:
    links = wired.store.ledger.read(lambda tx: tuple(tx.audit.links()))
    lines = [json.loads(link.body) for link in links]
    return [line for line in lines if line["actor"] == f"operator:{staff.operator.id}"]
