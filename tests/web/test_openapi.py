"""The published document: complete, well-formed, and the same as what is served."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from authsvc.web.openapi import document
from authsvc.web.registry import OPERATIONS, TAGS
from tests.web.support import BASE_URL, Api

# The contract, call by call; `…` stands for the address before it.
PROMISED = """
POST /v1/decisions
GET /v1/decisions/{}
POST /v1/decisions/{}/code
POST /v1/decisions/{}/cancel
POST /v1/decisions/{}/outcome
POST /v1/receipts/verify
POST /v1/receipts/consume
GET /v1/challenges/{}
POST /v1/challenges/{}/steps/otp/begin
PUT /v1/challenges/{}/steps/otp
PUT /v1/challenges/{}/steps/face
PUT /v1/challenges/{}/steps/voice
PUT /v1/challenges/{}/steps/device_uv
POST /v1/challenges/{}/complete
POST /v1/challenges/{}/switch
POST /v1/challenges/{}/decline
POST /v1/enrollments
POST /v1/enrollments/{}/steps/consent/begin
PUT /v1/enrollments/{}/steps/device
POST /v1/enrollments/{}/complete
POST /v1/enrollments/{}/code
PUT /v1/enrollments/{}/steps/recovery
POST /v1/enrollments/{}/steps/proof_face/begin
PUT /v1/enrollments/{}/steps/proof_otp
POST /v1/overviews
GET /v1/overviews/{}
PATCH /v1/overviews/{}
PATCH /v1/overviews/{}/devices/{}
DELETE /v1/overviews/{}/devices/{}
DELETE /v1/overviews/{}/biometrics/face
DELETE /v1/overviews/{}/biometrics/voice
DELETE /v1/overviews/{}/factors/otp
DELETE /v1/overviews/{}/factors/recovery_codes
POST /v1/overviews/{}/freeze
GET /v1/users/{}/devices/{}
PATCH /v1/users/{}/devices/{}
DELETE /v1/users/{}/devices/{}
POST /v1/users/{}/devices/{}/restore
DELETE /v1/users/{}/biometrics/face
DELETE /v1/users/{}/biometrics/voice
DELETE /v1/users/{}
GET /v1/users/{}/export
POST /v1/users/{}/freeze
POST /v1/users/{}/unfreeze
GET /v1/users/{}/status
PATCH /v1/users/{}/status
POST /v1/policies
GET /v1/policies
GET /v1/policies/active
GET /v1/policies/history
GET /v1/policies/{}
POST /v1/policies/{}/validate
POST /v1/policies/{}/analyze
POST /v1/policies/{}/simulate
POST /v1/policies/{}/backtests
GET /v1/policies/{}/backtests/{}
DELETE /v1/policies/{}/backtests/{}
POST /v1/policies/{}/shadow
GET /v1/policies/{}/shadow
DELETE /v1/policies/{}/shadow
POST /v1/policies/{}/approve
POST /v1/policies/{}/activate
POST /v1/policies/rollback
GET /v1/events
POST /v1/webhooks
GET /v1/webhooks
GET /v1/webhooks/{}
PATCH /v1/webhooks/{}
DELETE /v1/webhooks/{}
POST /v1/webhooks/{}/rotate
POST /v1/webhooks/{}/test
GET /v1/webhooks/{}/deliveries
GET /v1/webhooks/{}/deliveries/{}
POST /v1/webhooks/{}/deliveries/{}/redeliver
GET /v1/decisions/{}/evidence
GET /.well-known/jwks.json
GET /.well-known/webauthn
GET /v1/openapi.json
GET /healthz
GET /readyz
GET /metrics
"""


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(BASE_URL)


def test_every_promised_call_is_described(described: dict[str, Any]):
    calls = {
        f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path)}"
        for path, item in described["paths"].items()
        for method in item
    }
    assert set(PROMISED.strip().splitlines()) <= calls


def test_it_is_served_as_it_is(api: Api, described: dict[str, Any]):
    answer = api.get("/v1/openapi.json")
    assert answer.get_json() == described
    assert "max-age" in answer.headers["Cache-Control"]


def test_every_schema_is_a_schema_and_every_reference_leads_somewhere(described: dict[str, Any]):
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in set(_references(described)):
        found: Any = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert isinstance(found, dict)


def _references(value: object) -> list[str]:
    if isinstance(value, list):
        return [each for item in value for each in _references(item)]
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for item in value.values() for each in _references(item)]
    return []


def test_operations_have_names_summaries_and_known_tags():
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation.summary for operation in OPERATIONS)
    assert {operation.tag for operation in OPERATIONS} == set(TAGS)


def test_requests_refuse_unknown_fields_at_every_depth(described: dict[str, Any]):
    schemas = described["components"]["schemas"]
    for name in (
        "DecisionWanted",
        "Transaction",
        "PayeeStated",
        "DeviceStated",
        "Risk",
        "Context",
        "ReceiptShown",
    ):
        assert schemas[name]["additionalProperties"] is False


def test_what_is_published_is_what_is_refused(described: dict[str, Any]):
    schemas = described["components"]["schemas"]
    amount = schemas["Transaction"]["properties"]["amount_minor"]
    assert (amount["minimum"], amount["maximum"]) == (0, 2**53 - 1)
    assert schemas["Risk"]["properties"]["score"]["maximum"] == 100
    assert schemas["DecisionWanted"]["required"] == ["transaction", "user_id"]
