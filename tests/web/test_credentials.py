"""Who a request is from, which operation it repeats, and how long it would wait."""

import hashlib

import pytest

from authsvc.errors import Unauthenticated
from authsvc.keys.access import ApiKey, Scope
from authsvc.serving.waiting import AGAIN
from tests.web.support import (
    API_KEY,
    BEARER,
    CHALLENGE_ID,
    DECISION,
    DECISION_ID,
    ENROLLMENT_ID,
    KEY,
    OVERVIEW_ID,
    TRANSACTION,
    Api,
    FakeServices,
    as_json,
    decision,
    look,
    slug,
)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Challenge {API_KEY}",
        f"Basic {API_KEY}",
        API_KEY,
        f"Bearer {API_KEY} {API_KEY}",
        f"Bearer {API_KEY},Bearer {API_KEY}",
        "Bearer " + "x" * 513,
        "Bearer ключ",
    ],
)
def test_a_header_without_a_usable_key_is_unauthenticated(
    api: Api, fake: FakeServices, authorization: str | None
):
    headers = {"Idempotency-Key": "k"}
    if authorization is not None:
        headers["Authorization"] = authorization.encode().decode("latin-1")
    assert slug(api.post("/v1/decisions", json=DECISION, headers=headers)) == "unauthenticated"
    assert not fake.asked


def test_every_bad_credential_is_answered_alike(api: Api, fake: FakeServices):
    none = api.post("/v1/decisions", json=DECISION)
    fake.on("admission.admit_key", Unauthenticated("this one was revoked"))
    revoked = api.decide()
    assert (none.status, none.data) == (revoked.status, revoked.data)
    assert none.headers["WWW-Authenticate"] == 'Bearer realm="authsvc"'


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        (f"/v1/challenges/{CHALLENGE_ID}", "Challenge"),
        (f"/v1/enrollments/{ENROLLMENT_ID}", "Enrollment"),
        (f"/v1/overviews/{OVERVIEW_ID}", "Overview"),
        (f"/v1/decisions/{DECISION_ID}", "Bearer"),
    ],
)
def test_each_plane_names_its_scheme(api: Api, path: str, scheme: str):
    assert api.get(path).headers["WWW-Authenticate"] == f'{scheme} realm="authsvc"'


def test_the_scheme_is_not_case_sensitive(api: Api):
    assert api.decide(Authorization=f"bearer {API_KEY}").status_code == 201


def test_a_key_without_the_scope_is_told_which_it_lacks(api: Api, fake: FakeServices):
    scopes = frozenset({str(Scope.RECEIPTS)})
    fake.on("admission.admit_key", lambda presented: ApiKey("k", "shop", b"", scopes, KEY.created_at))
    answer = api.decide()
    assert slug(answer) == "insufficient-scope"
    assert "`decisions`" in answer.get_json()["detail"]


def test_nothing_of_a_body_is_read_before_the_caller_is_known(api: Api):
    answer = api.post("/v1/decisions", data=b"{", content_type="text/plain")
    assert slug(answer) == "unauthenticated"


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("8e03978e-40d5", "8e03978e-40d5"),
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        ('  "spaced"  ', "spaced"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("k" * 255, "k" * 255),
        ('"' + "k" * 255 + '"', "k" * 255),
    ],
)
def test_an_idempotency_key_comes_bare_or_quoted(api: Api, fake: FakeServices, sent: str, key: str):
    assert api.decide(key=sent).status_code == 201
    ((_, once, _),) = fake.calls_of("decisions.decide")
    said = b"POST\x00/v1/decisions\x00" + as_json(DECISION)
    assert (once.key, once.fingerprint) == (key, hashlib.sha256(said).digest())


@pytest.mark.parametrize(
    "sent", ["k" * 256, '"', '""', '"a', 'a"', "a b", "a,b", '"a", "b"', r'"a\n"', "ключ"]
)
def test_a_malformed_idempotency_key_is_refused(api: Api, fake: FakeServices, sent: str):
    assert slug(api.decide(key=sent.encode().decode("latin-1"))) == "invalid-request"
    assert not fake.calls_of("decisions.decide")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/decisions", DECISION),
        (f"/v1/decisions/{DECISION_ID}/code", {}),
        ("/v1/receipts/consume", {"receipt": "a.b.c", "transaction": TRANSACTION}),
        ("/v1/enrollments", {"user_id": "u_42"}),
        (f"/v1/enrollments/{ENROLLMENT_ID}/code", {}),
        ("/v1/overviews", {"user_id": "u_42"}),
    ],
)
def test_what_creates_or_consumes_needs_an_idempotency_key(
    api: Api, fake: FakeServices, path: str, body: dict[str, object]
):
    assert slug(api.post(path, json=body, headers=BEARER)) == "idempotency-key-missing"
    assert slug(api.post(path, json=body, headers={**BEARER, "Idempotency-Key": " "})) == (
        "idempotency-key-missing"
    )


def test_elsewhere_an_idempotency_key_is_ignored(api: Api, fake: FakeServices):
    fake.on("decisions.cancel", decision(status="cancelled"))
    headers = {**BEARER, "Idempotency-Key": "not, a key"}
    assert api.post(f"/v1/decisions/{DECISION_ID}/cancel", headers=headers).status_code == 200


# -- Waiting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=25", 25.0),
        ("wait=3", 3.0),
        ("wait = 3", 3.0),
        ("respond-async, wait=10", 10.0),
        ("Wait=600", 25.0),
        ("wait=0", 0.0),
        ("wait=-1", 0.0),
        ("wait=soon", 0.0),
        ("await=5", 0.0),
        ("", 0.0),
    ],
)
def test_under_a_server_that_cannot_hold_the_service_waits(
    api: Api, fake: FakeServices, prefer: str, seconds: float
):
    fake.on("decisions.find", decision())
    answer = api.get(f"/v1/decisions/{DECISION_ID}", headers={**BEARER, "Prefer": prefer})
    assert fake.calls_of("decisions.find")[0][2] == seconds
    assert answer.headers.get("Preference-Applied") == (f"wait={seconds:.0f}" if seconds else None)


def test_an_open_challenge_is_looked_at_again_and_no_thread_waits(api: Api, fake: FakeServices):
    fake.on("decisions.find", decision())
    assert AGAIN in look(api, 0.0).headers
    assert fake.calls_of("decisions.find")[0][2] == 0.0


def test_the_end_of_a_challenge_ends_the_wait(api: Api, fake: FakeServices):
    fake.on("decisions.find", decision(status="authenticated"))
    answer = look(api, 3.0)
    assert AGAIN not in answer.headers
    assert answer.get_json()["status"] == "authenticated"


def test_patience_over_the_challenge_is_answered_as_it_stands(api: Api, fake: FakeServices):
    fake.on("decisions.find", decision())
    answer = look(api, 25.0)
    assert AGAIN not in answer.headers
    assert answer.get_json()["status"] == "challenge_required"


def test_without_a_preference_nobody_waits(api: Api, fake: FakeServices):
    fake.on("decisions.find", decision())
    assert AGAIN not in look(api, 0.0, prefer="").headers
