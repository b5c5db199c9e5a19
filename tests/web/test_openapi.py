"""The published document: complete, well-formed, and the same as what is served."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from authsvc.events import TAGS as EVENTS
from authsvc.web.body import JsonBody, JsonEvidence
from authsvc.web.openapi import document
from authsvc.web.openapi_fields import fields
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


def test_every_property_has_a_sentence_and_no_sentence_is_left_over(described: dict[str, Any]):
    schemas = described["components"]["schemas"]
    names = [(schema, name) for schema, found in schemas.items() for name in found.get("properties", {})]
    for schema, name in names:
        sentence = schemas[schema]["properties"][name]["description"]
        assert sentence[0].isupper() or sentence[0] == "`", (schema, name)
        assert sentence.endswith("."), (schema, name)
    own = {f"{schema}.{name}" for schema, name in names} & set(fields().said)
    shared = {name for schema, name in names if f"{schema}.{name}" not in own}
    assert own | shared == set(fields().said)
    assert set(fields().bodies) <= set(schemas)


def test_every_parameter_has_a_sentence_and_an_example(described: dict[str, Any]):
    names = set()
    for at, found in _parts(described["paths"]):
        if "in" in found and "name" in found and "schema" in found:
            names.add(found["name"])
            assert found["description"].endswith("."), at
            assert "example" in found, at
    assert {name.rpartition(".")[2] for name in fields().parameters} <= names


def test_every_property_of_a_capture_has_a_sentence(described: dict[str, Any]):
    forms = [
        found["multipart/form-data"]["schema"]
        for _, found in _parts(described)
        if "multipart/form-data" in found
    ]
    assert len(forms) > 4
    assert all(each["description"].endswith(".") for form in forms for each in form["properties"].values())


def test_every_example_is_one(described: dict[str, Any]):
    for at, found in _parts(described):
        for example in found.get("examples", ()):
            _of(described, at).validate(example)
        if "example" in found and "schema" in found and not at.endswith("multipart~1form-data"):
            _of(described, f"{at}/schema").validate(found["example"])


def test_every_body_of_every_operation_has_an_example(described: dict[str, Any]):
    bodies = [found for at, found in _parts(described) if re.search(r"/content/[^/]+$", at)]
    assert len(bodies) > 2 * len(OPERATIONS)
    assert all("example" in body for body in bodies)


def test_examples_of_requests_are_admitted(described: dict[str, Any]):
    examples = 0
    for operation in OPERATIONS:
        if not isinstance(operation.body, JsonBody | JsonEvidence):
            continue
        call = described["paths"][operation.path][operation.method.lower()]
        (media,) = call["requestBody"]["content"].values()
        operation.body.model.model_validate_json(json.dumps(media["example"]))
        examples += 1
    assert examples > 20


def test_every_event_is_a_webhook(described: dict[str, Any]):
    assert set(described["webhooks"]) == set(EVENTS)
    for tag, item in described["webhooks"].items():
        content = item["post"]["requestBody"]["content"]["application/json"]
        assert content["example"]["type"] == tag


_ALWAYS: Mapping[str, set[Any]] = {
    "user_id": {"u_42"},
    "currency": {"CNY"},
    "amount_minor": {125000},
    "transaction_id": {"order-1001"},
    "decision": {"dec_tsxfvyplp6rftastm23s34ko"},
    "suspended_device": {"小明的手机", None},
    "device_name": {"小明的手机"},
}
"""One payer, one payment, one device: what these properties say in whatever example they stand."""

_TOGETHER: Mapping[str, Callable[[Any], bool]] = {  # Any: whatever JSON holds.
    "a challenge is open where one is required": lambda said: (
        not {"transaction_id", "challenge"} <= set(said)
        or (said["status"] == "challenge_required") == (said["challenge"] is not None)
    ),
    "a receipt comes with a payment that may go": lambda said: (
        not {"transaction_id", "receipt"} <= set(said)
        or (said["status"] in ("approved", "exempted", "authenticated")) == (said["receipt"] is not None)
    ),
    "a payer's challenge is open": lambda said: (
        "chosen" not in said
        or (
            said["status"] == "challenge_required"
            and said["declined"] is None
            and said["chosen"] in said["sets"]
        )
    ),
    "each way says what must be known of its captures": lambda said: (
        "capture_at_least" not in said or len(said["capture_at_least"]) == len(said["sets"])
    ),
    "a message carries the code": lambda said: (
        not {"code", "tries"} <= set(said) or said["code"] in said["text"]
    ),
    "an endpoint is enabled, or says why it is not": lambda said: (
        "disabled_reason" not in said or said["enabled"] is (said["disabled_reason"] is None)
    ),
    "a delivery ends, or is tried again": lambda said: (
        "next_attempt_at" not in said
        or (said["state"] == "pending", said["state"] != "pending")
        == (said["next_attempt_at"] is not None, said["ended_at"] is not None)
    ),
    "an attempt went well, or says what was wrong": lambda said: (
        "duration_ms" not in said or (said["error"] is None) == (said["status"] == 200)
    ),
    "a backtest has a report where it is done": lambda said: (
        "share" not in said
        or ((said["state"] == "done") == (said["report"] is not None) and said["error"] is None)
    ),
    "a version was approved where it is, and by somebody else": lambda said: (
        not {"approval", "author"} <= set(said)
        or (
            (said["state"] in ("approved", "active")) == (said["approval"] is not None)
            and (said["approval"] or {}).get("by") != said["author"]
        )
    ),
    "a receipt that is good was not consumed": lambda said: (
        "valid" not in said or said["valid"] is (said["consumed_at"] is None)
    ),
    "whoever declined did": lambda said: (
        "device_suspended" not in said or "chosen" in said or said["status"] == "declined_by_user"
    ),
    "gestures or digits": lambda said: (
        not {"nonce", "digits"} <= set(said) or (said["digits"] is None) != (said.get("gestures") is None)
    ),
}


def _said(described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every object in an example of a body, with the place of the example."""
    return [
        (at, said)
        for at, found in _parts(described)
        if "example" in found and "schema" in found and "in" not in found
        for _, said in _parts(found["example"])
    ]


def test_the_examples_tell_one_story(described: dict[str, Any]):
    said = _said(described)
    assert len(said) > 200
    odd = [
        (at, name, each[name])
        for at, each in said
        for name, values in _ALWAYS.items()
        if name in each
        and not (each[name] in values or (each.get("amount") == "masked" and each[name] is None))
    ]
    assert not odd
    assert set(fields().answers) <= {operation.name for operation in OPERATIONS}
    assert set(fields().notifications) == set(EVENTS)


def test_each_call_has_a_key_of_repetition_of_its_own(described: dict[str, Any]):
    keys = [found["example"] for _, found in _parts(described) if found.get("name") == "Idempotency-Key"]
    assert len(keys) > 10
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("rule", _TOGETHER)
def test_no_example_contradicts_itself(described: dict[str, Any], rule: str):
    assert not [(at, said) for at, said in _said(described) if not _TOGETHER[rule](said)]


def test_it_is_a_document_of_the_specification(described: dict[str, Any]):
    openapi_spec_validator.validate(described)


def _parts(value: object, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in the document with its JSON pointer."""
    if isinstance(value, dict):
        yield at, value
    for key, each in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from _parts(each, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")


def _of(described: dict[str, Any], pointer: str) -> Draft202012Validator:
    document_itself = DRAFT202012.create_resource(described)
    return Draft202012Validator(
        {"$ref": f"urn:api#{pointer}"}, registry=Registry().with_resource("urn:api", document_itself)
    )
