"""Requests that nobody thought of, made from the published document, against the real services.

No answer is a 5xx, none has a status, a media type or a form that the document does not promise for its operation.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from authsvc.domain.operator import Role
from authsvc.web import credentials
from authsvc.web.capture import AUDIO, FRAMES, CaptureBody
from authsvc.web.openapi import slugs_of
from authsvc.web.operations import Operation, Plane
from authsvc.web.problems import PROBLEMS
from authsvc.web.registry import OPERATIONS
from tests.support.operators import signed_in
from tests.support.policies import ANN, stricter
from tests.web.conftest import Shop
from tests.web.odd import odd_requests
from tests.web.people import Person, challenged, decide, open_enrollment, open_overview, open_webhook

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
"""For each operation and test; set, the search is longer and another one each time."""

_searched = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

for media in (*FRAMES.media, *AUDIO.media):
    # No picture and no sound: what is in a file must not matter before the rooms behind look at it.
    schemathesis.openapi.media_type(media, st.binary(min_size=1, max_size=300))


@dataclass
class Ground:
    """What the requests may hit: a user, an open challenge, an open enrollment and overview, and who may open them."""

    ids: Mapping[str, str]
    headers: Mapping[Plane, Mapping[str, str]]


@pytest.fixture(scope="module")
def schema(shop: Shop) -> Any:
    return schemathesis.openapi.from_wsgi("/v1/openapi.json", app=shop.app)


@pytest.fixture(scope="module")
def operating(shop: Shop) -> Mapping[str, str]:
    """Somebody with every role, so that whatever is refused is refused for what was sent."""
    _, bearer = signed_in(shop.wired.store, "everybody", *Role)
    return {"Authorization": f"Operator {bearer}"}


@pytest.fixture
def trial(shop: Shop) -> Mapping[str, str]:
    """A version of the policy that may be tried, and a backtest of it."""
    policies = shop.wired.services.policies
    version = policies.draft(ANN, stricter(next(_numbers)))
    policies.validate(ANN, version.id)
    policies.analyze(ANN, version.id)
    return {"version_id": version.id, "backtest_id": policies.start_backtest(ANN, version.id).id}


_numbers = count(2)


@pytest.fixture
def ground(
    shop: Shop,
    user: str,
    operating: Mapping[str, str],
    request: pytest.FixtureRequest,
) -> Ground:
    """Fresh for each operation: what one of them ends is open for the next."""
    person = Person(shop, user)
    _, decided = challenged(shop, person)
    enrolling, path = open_enrollment(shop, f"{user}_enrolling")
    payer = {"Authorization": f"Challenge {decided['challenge']['token']}"}
    looking, overview = open_overview(shop, user)
    # A trial takes a program of its own, so there is one only where it may be hit.
    needs_trial = "{version_id}" in request.node.callspec.params["operation"].path
    trial = request.getfixturevalue("trial") if needs_trial else {}
    webhook, delivery = open_webhook(shop)
    ids = {
        **trial,
        "decision_id": decided["id"],
        "challenge_id": decided["challenge"]["id"],
        "enrollment_id": path.rpartition("/")[2],
        "overview_id": overview.rpartition("/")[2],
        "user_id": user,
        "device_id": person.device["id"],
        "webhook_id": webhook,
        "delivery_id": delivery,
        "slug": "not-found",
    }
    headers = {
        Plane.BACKEND: shop.bearer,
        Plane.PAYER: payer,
        Plane.ENROLLMENT: enrolling,
        Plane.OVERVIEW: looking,
        Plane.OPERATOR: operating,
        Plane.PUBLIC: {},
    }
    return Ground(ids, headers)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_answer_is_one_that_the_document_promises(
    schema: Any, ground: Ground, operation: Operation, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(credentials, "LONGEST_WAIT", 0.05)
    described = schema[operation.path][operation.method]
    cases = st.one_of(*(described.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @_searched
    @given(case=cases, misses=st.integers(0, 3))
    def send(case: Case, misses: int) -> None:
        if misses < 3 and isinstance(case.path_parameters, dict):
            case.path_parameters.update({name: ground.ids[name] for name in case.path_parameters})
        answer = case.call(headers=dict(ground.headers[operation.plane]))
        case.validate_response(answer, checks=CHECKS)
        _must_be_a_declared_problem(operation, answer)

    send()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_what_no_document_describes_is_answered_as_the_document_promises(
    schema: Any, shop: Shop, ground: Ground, operation: Operation, monkeypatch: pytest.MonkeyPatch
):
    """Text, numbers, encodings, headers and addresses of the odd kind; some of them in an otherwise good request."""
    monkeypatch.setattr(credentials, "LONGEST_WAIT", 0.05)
    described = schema[operation.path][operation.method]
    names = tuple(re.findall(r"\{(\w+)\}", operation.path))
    multipart = isinstance(operation.body, CaptureBody)

    @_searched
    @given(case=described.as_strategy(), data=st.data())
    def send(case: Case, data: st.DataObject) -> None:
        body = case.body if isinstance(case.body, dict) else {}
        odd = data.draw(odd_requests(body, names, multipart))
        path = operation.path.format(**{**ground.ids, **odd.names})
        headers = {**ground.headers[operation.plane], **odd.headers}
        answer = shop.api.send(
            operation.method, f"{path}?{odd.query}", headers=headers, data=odd.raw if operation.body else b""
        )
        assert answer.status_code < 500, answer.text

    send()


def _must_be_a_declared_problem(operation: Operation, answer: schemathesis.Response) -> None:
    if answer.status_code < 400:
        return
    slug = answer.json()["type"].rpartition("/")[2]
    assert PROBLEMS[slug].status == answer.status_code
    assert slug in (*slugs_of(operation), "method-not-allowed"), (operation.name, answer.json())


def test_the_service_still_decides_afterwards(shop: Shop):
    body = {
        "transaction": {
            "id": "pay_after",
            "type": "transfer",
            "amount_minor": 100,
            "currency": "CNY",
            "payee": {"id": "p", "name": "n"},
        },
        "user_id": "fuzzed_after",
    }
    assert decide(shop, body).status_code == 201
