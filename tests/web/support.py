"""An API client that holds every answer against the OpenAPI document, and services that do what a test tells them."""

import copy
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.test import Client, TestResponse

from authsvc.domain.once import Answer
from authsvc.keys.access import ALL_SCOPES, ApiKey
from authsvc.serving.waiting import WAITED
from authsvc.web.openapi import slugs_of
from authsvc.web.operations import Operation
from authsvc.web.problems import PROBLEMS
from authsvc.web.refusals import PROBLEM_MEDIA
from authsvc.web.registry import OPERATIONS
from tests.support.described import described

BASE_URL = "https://auth.example"
API_KEY = "ak_test_" + "s" * 43
BEARER = {"Authorization": f"Bearer {API_KEY}"}
CHALLENGE_ID = "chl_" + "a" * 24
ENROLLMENT_ID = "enr_" + "a" * 24
DECISION_ID = "dec_" + "a" * 24
PAYER = {"Authorization": "Challenge ct_" + "t" * 43}
OVERVIEW_ID = "ovw_" + "a" * 24
ENROLLING = {"Authorization": "Enrollment et_" + "t" * 43}
LOOKING = {"Authorization": "Overview vt_" + "t" * 43}

TRANSACTION = {
    "id": "pay_7731",
    "type": "transfer",
    "amount_minor": 125000,
    "currency": "CNY",
    "payee": {"id": "cn:622848", "name": "友谊商店"},
}
DECISION = {"transaction": TRANSACTION, "user_id": "u_42"}

KEY = ApiKey("test", "shop", b"", frozenset(ALL_SCOPES), datetime(2026, 1, 1, tzinfo=UTC))


def decision(**changes: object) -> dict[str, object]:
    """A decision as the services show it."""
    return {
        "id": DECISION_ID,
        "status": "challenge_required",
        "level": "otp",
        "transaction_id": "pay_7731",
        "user_id": "u_42",
        "device": {"novelty": "unknown"},
        "reasons": [{"rule": "r", "field": "risk.score", "is": 73, "bound": 40}],
        "exemption": None,
        "missing": [],
        "signals": None,
        "gait": None,
        "warning": None,
        "possible_from": None,
        "policy": {"id": "default", "version": 1, "digest": "sha256:" + "0" * 64},
        "binding": {"v": 1, "digest": "sha256:" + "0" * 64},
        "challenge": None,
        "receipt": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2026-01-01T00:05:00.000Z",
        **changes,
    }


class FakeServices:
    """Services whose methods do what a test puts there; anything else that is asked of them fails the test.

    A method goes by its dotted name, as in `decisions.decide`. `asked` lists the calls, so that a test may say that nothing
    was asked at all, beyond whether a token may be one.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self._does: dict[str, Callable[..., object]] = {}
        self.forget()

    def forget(self) -> None:
        """As if nothing had been put there or asked yet."""
        self.asked.clear()
        self._does = {
            "admission.admit_key": lambda presented: KEY,
            "admission.admit_token": lambda scheme, object_id, presented: None,
            "decisions.decide": lambda key, once, request: Answer.of(decision()),
        }

    def on(self, method: str, does: Callable[..., object] | BaseException | object) -> None:
        """What a method does from now on: a function is called, an error raised, anything else returned."""

        def act(*args: Any) -> object:
            if isinstance(does, BaseException):
                raise does
            return does(*args) if callable(does) else does

        self._does[method] = act

    def calls_of(self, method: str) -> list[tuple[Any, ...]]:
        return [args for name, args in self.asked if name == method]

    def call(self, method: str, args: tuple[Any, ...]) -> object:
        if method not in self._does:
            raise AssertionError(f"nothing should ask the services for `{method}`")
        if method != "admission.admit_token":
            self.asked.append((method, args))
        return self._does[method](*args)

    def __getattr__(self, service: str) -> "FakeService":
        return FakeService(self, service)


class FakeService:
    """One of them, by its name."""

    def __init__(self, services: FakeServices, name: str) -> None:
        self._services = services
        self._name = name

    def __getattr__(self, method: str) -> Callable[..., object]:
        return lambda *args: self._services.call(f"{self._name}.{method}", args)


class Api:
    """Sends requests to an application and checks that whatever comes back is what the document promises."""

    def __init__(self, app: Flask) -> None:
        self.client = Client(app, TestResponse)

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> TestResponse:
        answer = self.client.open(path, method=method, headers=headers, **request)
        check(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **request: Any) -> TestResponse:
        return self.send("GET", path, **request)

    def post(self, path: str, **request: Any) -> TestResponse:
        return self.send("POST", path, **request)

    def put(self, path: str, **request: Any) -> TestResponse:
        return self.send("PUT", path, **request)

    def decide(self, body: object = DECISION, *, key: str = "key-1", **headers: str) -> TestResponse:
        """A decision, with all that it needs."""
        return self.post("/v1/decisions", json=body, headers={**BEARER, "Idempotency-Key": key, **headers})


def look(api: Api, waited: float, prefer: str = "wait=25") -> TestResponse:
    """What a server that holds requests gets when it looks for a decision."""
    return api.client.get(
        f"/v1/decisions/{DECISION_ID}",
        headers={**BEARER, "Prefer": prefer},
        environ_overrides={WAITED: waited},
    )


def slug(answer: TestResponse) -> str:
    """Which problem it is."""
    assert answer.mimetype == PROBLEM_MEDIA, answer.get_data(as_text=True)
    return str(answer.get_json()["type"]).rpartition("/")[2]


def check(method: str, path: str, answer: TestResponse) -> None:
    """Assert that an answer has the form, the status and the problem that its operation declares."""
    check_headers(answer)
    if answer.mimetype == PROBLEM_MEDIA:
        check_problem(answer)
    operation = operation_at(method, path)
    if operation is None:
        assert slug(answer) in ("not-found", "method-not-allowed")
        return
    if answer.mimetype == PROBLEM_MEDIA:
        assert slug(answer) in slugs_of(operation), (operation.name, answer.get_json())
        return
    assert answer.status_code in operation.answers, (operation.name, answer.status)
    if answer.mimetype == "application/json":
        errors = [
            f"{error.json_path}: {error.message[:300]}"
            for error in validator(operation.name, answer.status_code).iter_errors(answer.get_json())
        ]
        assert not errors, (operation.name, errors)


def check_headers(answer: TestResponse) -> None:
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Request-Id"].startswith("req_")
    assert answer.headers["Cache-Control"]


def check_problem(answer: TestResponse) -> None:
    problem = answer.get_json()
    told = PROBLEMS[slug(answer)]
    assert (problem["status"], problem["title"]) == (told.status, told.title)
    assert answer.status_code == told.status
    assert problem["type"] == f"{BASE_URL}/v1/problems/{told.slug}"
    assert problem["detail"]
    assert ("WWW-Authenticate" in answer.headers) == (told.status == 401)
    if told.status in (429, 503) or "retry_after" in problem:
        assert int(answer.headers["Retry-After"]) >= 1


def operation_at(method: str, path: str) -> Operation | None:
    """The operation that serves an address, the one without parameters first."""
    for operation in sorted(OPERATIONS, key=lambda each: each.path.count("{")):
        if operation.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), path):
            return operation
    return None


@lru_cache
def validator(name: str, status: int) -> Draft202012Validator:
    """Checks an answer of an operation against the document, in which nothing undocumented is allowed."""
    found = closed_document()
    for item in found["paths"].values():
        for call in item.values():
            if call["operationId"] == name:
                schema = call["responses"][str(status)]["content"]["application/json"]["schema"]
                return Draft202012Validator({**schema, "components": found["components"]})
    raise LookupError(name)


@lru_cache
def closed_document() -> dict[str, Any]:
    """The document as the tests read it: callers ignore unknown fields in answers, the tests do not."""
    found = copy.deepcopy(described(BASE_URL))
    _close(found["components"]["schemas"])
    return found


def _close(schema: object) -> None:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            _close(each)
    elif isinstance(schema, list):
        for each in schema:
            _close(each)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()
