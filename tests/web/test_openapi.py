"""The published document: complete, well-formed, and the same as what is served."""

import json
import re
from collections.abc import Iterator
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


def test_examples_of_requests_are_admitted():
    examples = 0
    for operation in OPERATIONS:
        if not isinstance(operation.body, JsonBody | JsonEvidence):
            continue
        (media,) = document(BASE_URL)["paths"][operation.path][operation.method.lower()]["requestBody"][
            "content"
        ].values()
        operation.body.model.model_validate_json(json.dumps(media["example"]))
        examples += 1
    assert examples > 20


def test_every_event_is_a_webhook(described: dict[str, Any]):
    assert set(described["webhooks"]) == set(EVENTS)
    for tag, item in described["webhooks"].items():
        content = item["post"]["requestBody"]["content"]["application/json"]
        assert content["example"]["type"] == tag


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
