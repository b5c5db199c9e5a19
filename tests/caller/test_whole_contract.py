"""The client speaks the whole backend plane: each operation has a method, sent as declared and understood as documented."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from authsvc import client as client_module
from authsvc.caller.endpoints import Endpoints
from authsvc.caller.people import Users
from authsvc.caller.records import Records
from authsvc.caller.wire import UnexplainedProblem, problem_of
from authsvc.client import AuthsvcClient, Device
from authsvc.clock import FrozenClock
from authsvc.errors import AuthsvcError, ConfigurationError, InvalidRequest
from authsvc.web.operations import Operation, Plane
from authsvc.web.problems import PROBLEMS
from authsvc.web.registry import OPERATIONS
from tests.caller.playing import Played, Service
from tests.caller.signing import CLIENT, NOW, PAYMENT, Signer
from tests.support.described import described

SIGNER = Signer()
RECEIPT = SIGNER.receipt()

Call = Callable[[AuthsvcClient], object]

METHODS: dict[str, Call] = {
    "decide": lambda auth: auth.decide(PAYMENT),
    "get_decision": lambda auth: auth.decision("dec_1"),
    "issue_code": lambda auth: auth.issue_code("dec_1"),
    "cancel_decision": lambda auth: auth.cancel("dec_1"),
    "record_outcome": lambda auth: auth.record_outcome("dec_1", "settled"),
    "verify_receipt": lambda auth: auth.receipt_state(RECEIPT, PAYMENT),
    "consume_receipt": lambda auth: auth.consume(RECEIPT, PAYMENT),
    "create_enrollment": lambda auth: auth.enroll("u_42"),
    "issue_enrollment_code": lambda auth: auth.issue_recovery_code("enr_1"),
    "create_overview": lambda auth: auth.overview("u_42"),
    "list_devices": lambda auth: auth.users.devices("u_42"),
    "get_device": lambda auth: auth.users.device("u_42", "dev_1"),
    "rename_device": lambda auth: auth.users.rename_device("u_42", "dev_1", "the blue one"),
    "revoke_device": lambda auth: auth.users.revoke_device("u_42", "dev_1"),
    "restore_device": lambda auth: auth.users.restore_device("u_42", "dev_1", operators=("ann", "ben")),
    "withdraw_face": lambda auth: auth.users.withdraw_face("u_42"),
    "withdraw_voice": lambda auth: auth.users.withdraw_voice("u_42"),
    "withdraw_gait": lambda auth: auth.users.withdraw_gait("u_42"),
    "erase_user": lambda auth: auth.users.erase("u_42"),
    "list_activity": lambda auth: auth.users.activity("u_42", before="dec_1", limit=5),
    "export_user": lambda auth: auth.users.export("u_42"),
    "set_user_status": lambda auth: auth.users.verify_always("u_42", True),
    "freeze_user": lambda auth: auth.freeze("u_42", "stolen"),
    "unfreeze_user": lambda auth: auth.unfreeze("u_42", operators=("ann", "ben")),
    "get_user_status": lambda auth: auth.status("u_42"),
    "list_events": lambda auth: auth.events(),
    "create_webhook": lambda auth: auth.webhooks.create("https://shop.example/hook"),
    "list_webhooks": lambda auth: auth.webhooks.list(),
    "get_webhook": lambda auth: auth.webhooks.get("whk_1"),
    "change_webhook": lambda auth: auth.webhooks.change(
        "whk_1", url="https://a.example/", types=("receipt:consumed",), enabled=True
    ),
    "delete_webhook": lambda auth: auth.webhooks.delete("whk_1"),
    "rotate_webhook_secret": lambda auth: auth.webhooks.rotate("whk_1", overlap_hours=1),
    "send_webhook_test": lambda auth: auth.webhooks.test("whk_1"),
    "list_webhook_deliveries": lambda auth: auth.webhooks.deliveries("whk_1", state="failed", before=7),
    "get_webhook_delivery": lambda auth: auth.webhooks.delivery("whk_1", "dlv_1"),
    "redeliver_webhook": lambda auth: auth.webhooks.redeliver("whk_1", "dlv_1"),
    "list_audit_events": lambda auth: auth.audit.events("web-1:7"),
    "list_checkpoints": lambda auth: auth.audit.checkpoints(),
    "get_evidence": lambda auth: auth.audit.evidence("dec_1"),
}

WITHOUT = {
    Plane.PAYER: "the payer's page or app speaks it, with the token of one challenge",
    Plane.ENROLLMENT: "the page or app of the person who enrolls speaks it, with the token of one ticket",
    Plane.OVERVIEW: "the page or app of the account's owner speaks it",
    Plane.OPERATOR: "operators have the console and `authsvc policy`; a backend's key opens none of it",
    Plane.PUBLIC: "for monitoring, readers and browsers; the client reads the key set by itself",
}
"""Planes of which a payment backend calls nothing, and why."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


@pytest.fixture
def auth(service: Service) -> Iterator[AuthsvcClient]:
    with AuthsvcClient(
        service.url, "ak_1_secret", client=CLIENT, clock=FrozenClock(NOW), sleep=service.slept.append
    ) as client:
        yield client


def test_every_operation_has_a_method_or_a_reason():
    of_backends = {each.name for each in OPERATIONS if each.plane is Plane.BACKEND}
    assert set(METHODS) == of_backends
    assert set(WITHOUT) == set(Plane) - {Plane.BACKEND}


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.plane is Plane.BACKEND], ids=lambda each: each.name
)
def test_a_method_sends_what_is_declared_and_reads_the_documented_example(
    auth: AuthsvcClient, service: Service, operation: Operation
):
    if operation.name == "consume_receipt":
        service.plays(Played(200, SIGNER.jwks))
    service.plays(documented_answer(operation))
    METHODS[operation.name](auth)
    asked = service.asked[-1]
    path, _, query = asked.path.partition("?")
    assert asked.method == operation.method
    assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), path)
    assert ("Idempotency-Key" in asked.headers) == operation.once
    if operation.query is not None:
        assert {part.partition("=")[0] for part in query.split("&")} <= set(operation.query.model_fields)
    if asked.body and operation.body is not None:
        (model,) = operation.body.models()
        assert set(asked.json) <= set(model.model_fields)


def documented_answer(operation: Operation) -> Played:
    responses = described()["paths"][operation.path][operation.method.lower()]["responses"]
    status = min(each for each in responses if each.startswith("2"))
    return Played(int(status), responses[status]["content"]["application/json"]["example"])


# -- Misuse --------------------------------------------------------------------------------------------------------------

NO_TEXTS = ("knowledge", b"knowledge", 7, [7], [None])

MISUSE: dict[str, Call] = {
    "device": lambda auth: auth.decide(PAYMENT, device="dev_1"),  # type: ignore[arg-type]
    "risk as text": lambda auth: auth.decide(PAYMENT, risk_score="7"),  # type: ignore[arg-type]
    "risk as a fraction": lambda auth: auth.decide(PAYMENT, risk_score=7.5),  # type: ignore[arg-type]
    "risk as a yes": lambda auth: auth.decide(PAYMENT, risk_score=True),
    "reasons": lambda auth: auth.decide(PAYMENT, risk_reasons="new"),
    "bytes within": lambda auth: auth.decide(PAYMENT, channel=b"app"),  # type: ignore[arg-type]
    "a surrogate": lambda auth: auth.freeze("u_42", "\ud800"),
    "a surrogate in a name": lambda auth: auth.status("\ud800"),
    "a device's secret": lambda auth: auth.decide(PAYMENT, device=Device("d", object())),  # type: ignore[arg-type]
    "after": lambda auth: auth.events("7"),  # type: ignore[arg-type]
    "limit": lambda auth: auth.events(0, 1.5),  # type: ignore[arg-type]
    "recovery": lambda auth: auth.enroll("u", recovery="no"),  # type: ignore[arg-type]
    "operators": lambda auth: auth.unfreeze("u", operators="ann"),
    "types": lambda auth: auth.webhooks.create("https://a.example", types="receipt:consumed"),
    "url": lambda auth: auth.webhooks.create(None),  # type: ignore[arg-type]
    "enabled": lambda auth: auth.webhooks.change("w", enabled="false"),  # type: ignore[arg-type]
    "overlap": lambda auth: auth.webhooks.rotate("w", overlap_hours=1.5),  # type: ignore[arg-type]
    "delivery": lambda auth: auth.webhooks.delivery("w", ".."),
    "always": lambda auth: auth.users.verify_always("u", "false"),  # type: ignore[arg-type]
    "proof": lambda auth: auth.users.restore_device("u", "d", proof=7),  # type: ignore[arg-type]
    "evidence": lambda auth: auth.audit.evidence(7),  # type: ignore[arg-type]
}

WRONG_VALUES: tuple[tuple[Callable[[AuthsvcClient, Any], object], tuple[object, ...]], ...] = (
    (lambda auth, wrong: auth.decide(PAYMENT, proven=wrong), NO_TEXTS),
    (
        lambda auth, wrong: auth.enroll("u", idempotency_key=wrong),
        ('a"b', "a\nb", "", "é", "a" * 256, 7),
    ),
    (lambda auth, wrong: auth.decision("d", wait=wrong), (-1, float("nan"), float("inf"), "5", None, True)),
    (lambda auth, wrong: auth.status(wrong), ("", ".", "..")),
)


@pytest.mark.parametrize(
    ("call", "wrong"), [(call, wrong) for call, values in WRONG_VALUES for wrong in values]
)
def test_a_wrong_value_is_an_error_of_ours_and_nothing_is_sent(
    auth: AuthsvcClient, service: Service, call: Callable[[AuthsvcClient, Any], object], wrong: object
):
    with pytest.raises(InvalidRequest):
        call(auth, wrong)
    assert not service.asked


@pytest.mark.parametrize("misuse", MISUSE)
def test_a_misuse_is_an_error_of_ours_and_nothing_is_sent(auth: AuthsvcClient, service: Service, misuse: str):
    with pytest.raises(InvalidRequest):
        MISUSE[misuse](auth)
    assert not service.asked


WRONG_FROM_THE_START = {
    "base_url": (None, 7, "", "auth.example", "http://auth.example", "https://", "http://[::1"),
    "api_key": (None, "", "ak_1 x", "ak_1\r\nX: y", "é"),
    "client": (None, "", 7),
    "issuer": (None, ""),
    "timeout": (0, -1, float("nan"), float("inf"), None, "5"),
    "tries": (0, -1, 1.5, None),
    "tolerated_warnings": ("unsafe-no-pad", None, [7]),
}


@pytest.mark.parametrize(
    ("name", "wrong"), [(name, each) for name, values in WRONG_FROM_THE_START.items() for each in values]
)
def test_a_client_that_could_never_work_is_not_made(name: str, wrong: object):
    good: dict = {"base_url": "https://auth.example", "api_key": "ak_1_x", "client": "shop"}
    with pytest.raises(ConfigurationError) as error:
        AuthsvcClient(**{**good, name: wrong})
    assert name != "api_key" or not wrong or str(wrong) not in str(error.value)


@pytest.mark.parametrize("slug", PROBLEMS)
def test_every_problem_has_a_class(slug: str):
    document = {"type": f"https://auth.example/v1/problems/{slug}", "detail": "so"}
    error = problem_of(PROBLEMS[slug].status, document)
    assert not isinstance(error, UnexplainedProblem)
    assert error.slug == slug


def test_all_that_a_method_returns_or_takes_can_be_imported_from_the_client():
    """A caller annotates with these names, and never looks for them inside."""
    offered = set(client_module.__all__)
    for kind in (AuthsvcClient, Endpoints, Users, Records):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                found = set(re.findall(r"[A-Z]\w+", str(method.__annotations__)))
                ours = {each for each in found if hasattr(client_module, each)}
                assert ours - {"Any", "Json", "Collection", "Self", "Clock", "Body"} <= offered, name


def test_a_secret_of_an_endpoint_is_not_in_what_a_log_would_show(auth: AuthsvcClient, service: Service):
    operation = next(each for each in OPERATIONS if each.name == "create_webhook")
    service.plays(documented_answer(operation))
    made = auth.webhooks.create("https://shop.example/hook")
    assert made.secret is not None
    assert made.secret not in repr(made)
    assert replace(made, secret=None) != made


def test_every_error_of_the_wire_is_one_of_ours():
    assert issubclass(UnexplainedProblem, AuthsvcError)
