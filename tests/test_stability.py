"""What the last release promised still holds, or the version says that it does not. And the judge of that is judged."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.surface import breaking, may_break, released, surface

Change = Callable[[dict[str, Any]], object]

BEFORE = released()
NOW = surface()


def test_nothing_breaks_that_was_released_unless_the_version_says_so():
    found = breaking(BEFORE, NOW)
    assert not found or may_break(BEFORE["version"], NOW["version"]), (
        f"{BEFORE['version']} promised otherwise; undo it, or make it another version: {found}"
    )


def test_a_promise_breaks_nothing_of_itself():
    assert breaking(NOW, copy.deepcopy(NOW)) == []


@pytest.mark.parametrize(
    ("before", "now", "may"),
    [
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("1.9.0", "2.0.0", True),
        ("2.0.0", "1.9.0", False),
    ],
)
def test_another_version_may_break_what_was_promised(before: str, now: str, may: bool):
    assert may_break(before, now) is may


# Where the things stand that are changed below.
DECIDE = ("http", "paths", "/v1/decisions", "post")
SCHEMAS = ("http", "components", "schemas")


def at(promise: dict[str, Any], *path: str) -> Any:
    for part in path:
        promise = promise[part]
    return promise


def schema(promise: dict[str, Any], name: str) -> Any:
    return at(promise, *SCHEMAS, name)


BREAKING: dict[str, tuple[Change, str]] = {
    "a path": (lambda it: it["http"]["paths"].pop("/v1/events"), "GET /v1/events is gone"),
    "a method": (
        lambda it: it["http"]["paths"]["/v1/webhooks/{webhook_id}"].pop("delete"),
        "DELETE /v1/webhooks/{webhook_id} is gone",
    ),
    "a webhook": (
        lambda it: it["http"]["webhooks"].pop("receipt:consumed"),
        "webhook receipt:consumed is gone",
    ),
    "an answer": (
        lambda it: at(it, *DECIDE, "responses").pop("201"),
        "POST /v1/decisions: answer 201 is gone",
    ),
    "a property that was taken": (
        lambda it: schema(it, "DecisionWanted")["properties"].pop("proven"),
        "POST /v1/decisions: body.proven is gone",
    ),
    "a property that was returned": (
        lambda it: schema(it, "Decision")["properties"].pop("receipt"),
        "answer 201.receipt is gone",
    ),
    "a property that may be absent now": (
        lambda it: schema(it, "Decision")["required"].remove("status"),
        "answer 201.status may be absent",
    ),
    "an input that must be there now": (
        lambda it: schema(it, "DecisionWanted")["required"].append("risk"),
        "body.risk is required",
    ),
    "a new input that must be there": (
        lambda it: (
            schema(it, "DecisionWanted")["properties"].update(colour={"type": "string"}),
            schema(it, "DecisionWanted")["required"].append("colour"),
        ),
        "body.colour is required",
    ),
    "a parameter that must be there now": (
        lambda it: at(it, *DECIDE, "parameters").append(
            {"in": "header", "name": "X-Colour", "required": True, "schema": {"type": "string"}}
        ),
        "parameter X-Colour is required",
    ),
    "a narrower bound": (
        lambda it: schema(it, "Risk")["properties"]["score"].update(maximum=50),
        "body.risk.score: maximum is 50",
    ),
    "a bound where none was": (
        lambda it: schema(it, "DecisionWanted")["properties"].update(proven={"type": "array", "maxItems": 0}),
        "body.proven",
    ),
    "a narrower type": (
        lambda it: schema(it, "Transaction")["properties"]["amount_minor"].update(type="string"),
        "body.transaction.amount_minor: integer is no longer taken",
    ),
    "a word that is taken no more": (
        lambda it: schema(it, "Outcome")["properties"].update(
            outcome={"type": "string", "enum": ["settled"]}
        ),
        "body.outcome: `fraud` is no longer taken",
    ),
    "a new word in a closed answer": (
        lambda it: schema(it, "Status")["enum"].append("thinking"),
        "answer 201.status: `thinking` is new",
    ),
    "a new type in an answer": (
        lambda it: schema(it, "Decision")["properties"]["id"].update(type=["string", "null"]),
        "answer 201.id: null is new",
    ),
    "another credential": (lambda it: at(it, *DECIDE).update(security=[]), "another credential is asked for"),
    "a part of a policy": (lambda it: it["policy"]["properties"].pop("rules"), "policy: .rules is gone"),
    "something that a policy must say": (
        lambda it: it["policy"]["required"].append("colour"),
        "policy: .colour is required",
    ),
    "a name of the client": (lambda it: it["client"].pop("Device"), "client: Device is gone"),
    "a method of the client": (
        lambda it: it["client"].pop("AuthsvcClient.decide"),
        "AuthsvcClient.decide is gone",
    ),
    "a parameter of the client": (
        lambda it: it["client"]["AuthsvcClient.decide"].remove("risk_score="),
        "AuthsvcClient.decide: risk_score= is gone",
    ),
    "a parameter that must be given": (
        lambda it: it["client"]["AuthsvcClient.decide"].append("colour"),
        "AuthsvcClient.decide: colour must be given",
    ),
    "a parameter that had a default": (
        lambda it: it["client"].update({"AuthsvcClient.freeze": ["user_id", "reason", "colour"]}),
        "AuthsvcClient.freeze: colour must be given",
    ),
    "parameters in another order": (
        lambda it: it["client"].update({"AuthsvcClient.freeze": ["reason", "user_id"]}),
        "AuthsvcClient.freeze: its parameters stand in another order",
    ),
    "a field of a result": (
        lambda it: it["client"]["Decision"].remove("receipt"),
        "Decision: receipt is gone",
    ),
    "an error of the client": (lambda it: it["client"].pop("errors.Locked"), "errors.Locked is gone"),
    "the problem of an error": (
        lambda it: it["client"].update({"errors.Locked": ["rate-limited"]}),
        "errors.Locked stands for another problem",
    ),
}

HARMLESS: dict[str, Change] = {
    "a path": lambda it: it["http"]["paths"].update({"/v1/colours": {"get": {}}}),
    "a webhook": lambda it: it["http"]["webhooks"].update({"colour:changed": {}}),
    "a property that may be given": lambda it: schema(it, "DecisionWanted")["properties"].update(
        colour={"type": "string"}
    ),
    "a property that is returned": lambda it: schema(it, "Decision")["properties"].update(
        colour={"type": "string"}
    ),
    "a wider bound": lambda it: schema(it, "Risk")["properties"]["score"].update(maximum=1000),
    "a word that is taken": lambda it: schema(it, "Outcome")["properties"]["outcome"].update(
        enum=["settled", "fraud", "refunded", "disputed", "lost"]
    ),
    "an event": lambda it: schema(it, "EventShown")["properties"]["type"]["enum"].append("colour:changed"),
    "an answer with a problem": lambda it: at(it, *DECIDE, "responses").update(
        {"418": {"description": "tea"}}
    ),
    "a name of the client": lambda it: it["client"].update({"Colour": []}),
    "a parameter with a default": lambda it: it["client"]["AuthsvcClient.decide"].append("colour="),
    "a field of a result": lambda it: it["client"]["Decision"].append("colour"),
    "a part of a policy": lambda it: it["policy"]["properties"].update(colour={"type": "string"}),
}


@pytest.mark.parametrize("what", BREAKING)
def test_what_breaks_is_named(what: str):
    change, named = BREAKING[what]
    changed = copy.deepcopy(NOW)
    change(changed)
    found = breaking(NOW, changed)
    assert any(named in each for each in found), found


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_added_breaks_nothing(what: str):
    changed = copy.deepcopy(NOW)
    HARMLESS[what](changed)
    assert breaking(NOW, changed) == []
