"""Whatever goes wrong is a problem with a slug that is explained, and tells nothing that it should not."""

import re

import pytest

from authsvc import errors
from authsvc.domain.once import Answer
from authsvc.errors import AuthsvcError
from authsvc.serving import refusal
from authsvc.stepup.proving import Completed
from authsvc.web.openapi import slugs_of
from authsvc.web.problems import PROBLEMS
from authsvc.web.registry import OPERATIONS
from tests.web.support import BEARER, CHALLENGE_ID, PAYER, Api, FakeServices, decision, slug

# The contract, word for word.
PROMISED = """invalid-request 400 · idempotency-key-missing 400 · unauthenticated 401 · challenge-failed 401
 · insufficient-scope 403 · user-frozen 403 · not-found 404 · idempotency-in-progress 409 · transaction-changed 409
 · challenge-closed 409 · receipt-consumed 409 · policy-conflict 412 · payload-too-large 413 · unsupported-media 415
 · capture-unusable 422 · idempotency-key-reused 422 · receipt-mismatch 422 · policy-invalid 422 · locked 423
 · rate-limited 429 · unavailable 503"""


def test_every_promised_slug_has_its_status():
    promised = dict(re.findall(r"([a-z-]+) (\d{3})", PROMISED))
    assert {name: str(PROBLEMS[name].status) for name in promised} == promised


def test_every_error_and_every_operation_uses_explained_slugs():
    ours = {
        kind.slug
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, AuthsvcError)
    }
    servers = {each.slug for each in vars(refusal).values() if isinstance(each, refusal.Refusal)}
    declared = {name for operation in OPERATIONS for name in slugs_of(operation)}
    assert ours | servers | declared <= set(PROBLEMS)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_slug_is_explained_to_machines_and_to_people(api: Api, name: str):
    path = f"/v1/problems/{name}"
    explained = api.get(path).get_json()
    assert explained["slug"] == name
    assert re.search(r"[\u4e00-\u9fff]", explained["zh"])
    page = api.client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.mimetype == "text/html"
    assert name in page.text
    assert "script" not in page.text
    assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_the_list_of_problems_leads_to_each(api: Api):
    page = api.client.get("/v1/problems").text
    assert all(f'href="/v1/problems/{name}"' in page for name in PROBLEMS)


def test_an_unknown_slug_is_not_found(api: Api):
    assert slug(api.get("/v1/problems/no-such")) == "not-found"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", "not-found"),
        ("GET", "/v1//decisions", "not-found"),
        ("GET", "/v1/decisions/", "not-found"),
        ("GET", "/v1/decisions", "method-not-allowed"),
        ("OPTIONS", "/v1/decisions", "method-not-allowed"),
        ("TRACE", "/v1/decisions", "method-not-allowed"),
        ("DELETE", "/healthz", "method-not-allowed"),
    ],
)
def test_a_wrong_address_or_method_is_a_problem(api: Api, method: str, path: str, expected: str):
    answer = api.send(method, path)
    assert slug(answer) == expected
    assert ("Allow" in answer.headers) == (expected == "method-not-allowed")


@pytest.mark.parametrize("bad", ["%2e%2e", "A%00", "dec_%0a", "dec%20x", "x" * 200])
def test_an_address_that_cannot_name_anything_is_not_found(api: Api, fake: FakeServices, bad: str):
    assert slug(api.get(f"/v1/decisions/{bad}", headers=BEARER)) == "not-found"
    assert not fake.calls_of("decisions.find")


def test_head_is_get_without_its_body(api: Api, fake: FakeServices):
    fake.on("public.healthz", {"status": "alive"})
    answer = api.client.head("/healthz")
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_replayed_answer_has_the_same_status_and_body(api: Api, fake: FakeServices):
    first = api.decide()
    fake.on("decisions.decide", Answer.of(decision()).__class__(first.data, True, None, True))
    again = api.decide()
    assert (again.status, again.data) == (first.status, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_decision_that_stands_already_is_200(api: Api, fake: FakeServices):
    fake.on("decisions.decide", Answer.of(decision(), created=False))
    assert api.decide().status_code == 200


def test_a_failed_challenge_says_only_what_is_left(api: Api, fake: FakeServices):
    fake.on("challenges.complete", Completed(False, 2))
    answer = api.post(f"/v1/challenges/{CHALLENGE_ID}/complete", headers=PAYER)
    assert slug(answer) == "challenge-failed"
    assert answer.get_json()["attempts_remaining"] == 2
    assert answer.headers["WWW-Authenticate"].startswith("Challenge")
    fake.on("challenges.complete", Completed(True, 0))
    assert api.post(f"/v1/challenges/{CHALLENGE_ID}/complete", headers=PAYER).get_json() == {
        "status": "authenticated"
    }


def test_a_service_that_is_not_ready_says_why(api: Api, fake: FakeServices):
    fake.on("public.readyz", (False, {"database": "gone"}))
    answer = api.get("/readyz")
    assert slug(answer) == "unavailable"
    assert answer.get_json()["checks"] == {"database": "gone"}
