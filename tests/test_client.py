"""What a payment backend does with the client, against a service that plays the answers of the HTTP contract."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from authsvc.client import AuthsvcClient, Device, ReceiptRefused
from authsvc.clock import FrozenClock
from authsvc.errors import InvalidRequest, ReceiptConsumed, Unavailable
from tests.caller.playing import Played, Service
from tests.caller.signing import CLIENT, NOW, PAYMENT, Signer

SIGNER = Signer()
DIGEST = "sha256:" + "0" * 64
STATUS = {
    "user_id": "u_42",
    "status": "frozen",
    "factors": ["otp"],
    "locked_until": {"any": "2026-11-30T12:30:00.000Z"},
    "verify_always": False,
    "low_value": {"count": 0, "sum_minor": 0},
}


def decided(status: str = "challenge_required", receipt: str | None = None) -> Played:
    challenge = {
        "id": "chl_1",
        "token": "ct_1",
        "url": "https://auth.example/c/chl_1",
        "sets": [["face"], ["device_uv", "otp"]],
        "attempts_remaining": 3,
        "expires_at": "2026-11-30T12:05:00.000Z",
    }
    reason = {"rule": "new-device", "field": "device.novelty", "is": "new", "bound": "probation"}
    answer = {
        "id": "dec_1",
        "status": status,
        "level": "face",
        "device": {"novelty": "new"},
        "reasons": [reason],
        "exemption": None,
        "missing": [],
        "policy": {"id": "default", "version": 1, "digest": DIGEST},
        "binding": {"v": 1, "digest": DIGEST},
        "challenge": challenge if status == "challenge_required" else None,
        "receipt": receipt,
        "created_at": "2026-11-30T12:00:00.000Z",
        "expires_at": "2026-11-30T12:05:00.000Z",
        "a_field_of_tomorrow": 1,
    }
    return Played(201, answer)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[AuthsvcClient]:
    with AuthsvcClient(
        service.url, "ak_1_secret", client=CLIENT, clock=FrozenClock(NOW), sleep=service.slept.append
    ) as client:
        yield client


def test_the_backends_record_is_the_bound_payment(client):
    payment = client.payment(
        "u_42",
        "pay_7731",
        type="transfer",
        amount_minor=125_000,
        currency="CNY",
        payee_id="cn:6228480402564890018",
        payee_name="友谊商店",
    )
    assert payment == PAYMENT
    with pytest.raises(InvalidRequest, match="amount_minor"):
        client.payment(
            "u_42", "p", type="transfer", amount_minor=-1, currency="CNY", payee_id="p", payee_name="p"
        )


def test_a_decision_is_asked_for_in_the_words_of_the_contract(client, service):
    service.plays(decided())
    decision = client.decide(
        PAYMENT,
        device=Device("dev_9k", "s3cret"),
        risk_score=73,
        risk_reasons=("new_payee",),
        proven=("knowledge",),
        channel="app",
        ip="203.0.113.7",
        locale="zh-CN",
        idempotency_key="8e03978e",
    )
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("POST", "/v1/decisions")
    assert asked.json == {
        "transaction": {
            "id": "pay_7731",
            "type": "transfer",
            "amount_minor": 125_000,
            "currency": "CNY",
            "payee": {"id": "cn:6228480402564890018", "name": "友谊商店"},
        },
        "user_id": "u_42",
        "device": {"id": "dev_9k", "secret": "s3cret"},
        "risk": {"score": 73, "reasons": ["new_payee"]},
        "proven": ["knowledge"],
        "context": {"channel": "app", "ip": "203.0.113.7", "locale": "zh-CN"},
    }
    assert decision.is_open
    assert decision.challenge is not None
    assert decision.challenge.sets == (("face",), ("device_uv", "otp"))
    assert str(decision.reasons[0]) == "new-device: device.novelty is new, bound probation"


def test_what_is_not_known_is_not_sent(client, service):
    service.plays(decided())
    client.decide(PAYMENT)
    assert set(service.asked[0].json) == {"transaction", "user_id", "proven", "context"}


def test_every_call_makes_an_idempotency_key_of_its_own(client, service):
    service.plays(decided(), decided())
    client.decide(PAYMENT)
    client.decide(PAYMENT)
    assert len({asked.headers["Idempotency-Key"] for asked in service.asked}) == 2


def test_waiting_goes_on_until_the_payer_is_done(client, service):
    service.plays(decided(), decided(), decided("authenticated", "receipt"))
    decision = client.decision("dec_1", wait=60)
    assert (decision.status, decision.is_open) == ("authenticated", False)
    assert [asked.headers["Prefer"] for asked in service.asked][:1] == ["wait=25"]


def test_not_waiting_asks_once(client, service):
    service.plays(decided())
    assert client.decision("dec_1").is_open
    assert "Prefer" not in service.asked[0].headers


def test_a_receipt_is_verified_here_and_then_consumed_there(client, service):
    service.plays(
        Played(200, SIGNER.jwks),
        Played(200, {"consumed_at": "2026-11-30T12:00:01.000Z", "decision": "dec_1"}),
        Played(409, {"type": "https://auth.example/v1/problems/receipt-consumed", "detail": "used before"}),
    )
    receipt = SIGNER.receipt()
    consumed = client.consume(receipt, PAYMENT)
    assert (consumed.decision_id, consumed.replayed) == ("dec_1", False)
    with pytest.raises(ReceiptConsumed):
        client.consume(receipt, PAYMENT)
    assert [asked.path for asked in service.asked] == [
        "/.well-known/jwks.json",
        "/v1/receipts/consume",
        "/v1/receipts/consume",
    ]


def test_a_receipt_for_another_payment_never_leaves_this_machine(client, service):
    service.plays(Played(200, SIGNER.jwks))
    receipt = SIGNER.receipt(
        client.payment(
            "u_42", "pay_7731", type="transfer", amount_minor=1, currency="CNY", payee_id="x", payee_name="x"
        )
    )
    with pytest.raises(ReceiptRefused):
        client.consume(receipt, PAYMENT)
    assert [asked.path for asked in service.asked] == ["/.well-known/jwks.json"]


def test_a_code_a_ticket_and_an_outcome(client, service):
    expires = "2026-11-30T12:02:00.000Z"
    service.plays(
        Played(201, {"code": "01234567", "text": "…", "expires_at": expires, "tries": 3}),
        Played(201, {"id": "enr_1", "token": "et_1", "url": "u", "user_id": "u_42", "expires_at": expires}),
        Played(200, {"decision": "dec_1", "outcome": "settled", "recorded_at": expires}),
        decided("cancelled"),
    )
    assert client.issue_code("dec_1", locale="zh-CN").code == "01234567"
    assert client.enroll("u_42").token == "et_1"
    client.record_outcome("dec_1", "settled")
    assert client.cancel("dec_1").status == "cancelled"
    assert [asked.path for asked in service.asked] == [
        "/v1/decisions/dec_1/code",
        "/v1/enrollments",
        "/v1/decisions/dec_1/outcome",
        "/v1/decisions/dec_1/cancel",
    ]


def test_a_freeze_is_repeated_through_an_outage(client, service):
    service.plays(Played(503, None), Played(200, STATUS), Played(200, STATUS), Played(200, STATUS))
    assert client.freeze("u/42", "phone stolen").status == "frozen"
    assert client.status("u_42").locked_until["any"].minute == 30
    assert client.unfreeze("u_42", operators=("ann", "bob")).factors == ("otp",)
    assert service.asked[0].path == "/v1/users/u%2F42/freeze"
    assert service.asked[3].json == {"operators": ["ann", "bob"]}


def test_events_come_in_pages(client, service):
    event = {
        "seq": 8,
        "type": "receipt:consumed",
        "user_id": "u_42",
        "at": "2026-11-30T12:00:00Z",
        "data": {},
    }
    service.plays(Played(200, {"events": [event], "next": 8}), Played(200, {"events": [], "next": 8}))
    page = client.events(after=7)
    assert (page.events[0].type, page.next) == ("receipt:consumed", 8)
    assert page.events[0].alert is None
    assert client.events(page.next).events == ()
    assert service.asked[1].path == "/v1/events?after=8&limit=100"


def test_an_event_brings_the_sentence_for_the_payer(client, service):
    event = {
        "seq": 9,
        "type": "decision:warning:stopped",
        "user_id": "u_42",
        "at": "2026-11-30T12:00:00Z",
        "data": {},
        "alert": {"zh-CN": "已拦截", "en": "It was stopped."},
    }
    service.plays(
        Played(200, {"events": [event], "next": 9}), Played(200, {"events": [{**event, "alert": 7}]})
    )
    assert client.events().events[0].alert == {"zh-CN": "已拦截", "en": "It was stopped."}
    with pytest.raises(Unavailable, match="not understood"):
        client.events()


@pytest.mark.parametrize("answer", [{}, {"id": "dec_1"}, {**decided().value, "reasons": 7}])  # type: ignore[dict-item]
def test_an_answer_that_breaks_the_contract_is_unavailable(client, service, answer):
    service.plays(Played(200, answer))
    with pytest.raises(Unavailable, match="not understood"):
        client.decision("dec_1")


def test_importing_the_client_loads_nothing_heavy():
    heavy = "flask pydantic sqlalchemy alembic redis numpy PIL onnxruntime dlib cv2 torch babel pyotp webauthn uvicorn"
    probe = (
        "import sys, authsvc.client\n"
        f"print(*[name for name in {heavy.split()!r} if name in sys.modules])\n"
        "print(*sorted(name for name in sys.modules if name.startswith('authsvc.')))"
    )
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    loaded, rooms = out.splitlines()
    assert loaded == ""
    assert set(rooms.split()) == {
        "authsvc.canonical",
        "authsvc.caller",
        "authsvc.caller.endpoints",
        "authsvc.caller.given",
        "authsvc.caller.people",
        "authsvc.caller.receipts",
        "authsvc.caller.records",
        "authsvc.caller.results",
        "authsvc.caller.signing",
        "authsvc.caller.webhooks",
        "authsvc.caller.wire",
        "authsvc.client",
        "authsvc.clock",
        "authsvc.http",
        "authsvc.text",
        "authsvc.errors",
        "authsvc.payment",
        "authsvc.subject",
    }


NOT_TEXT = (None, 7, b"receipt", ["a"], {"a": 1}, True)


@pytest.mark.parametrize("wrong", NOT_TEXT)
def test_a_receipt_that_is_none_is_refused_as_one(client, wrong):
    for check in (client.verify, client.consume):
        with pytest.raises(ReceiptRefused) as refused:
            check(wrong, PAYMENT)
        assert refused.value.reason == "malformed"


@pytest.mark.parametrize("wrong", NOT_TEXT)
def test_a_name_that_is_no_text_is_an_error_of_ours(client, service, wrong):
    calls = (
        lambda: client.decision(wrong),
        lambda: client.issue_code(wrong),
        lambda: client.cancel(wrong),
        lambda: client.record_outcome(wrong, "settled"),
        lambda: client.status(wrong),
        lambda: client.freeze(wrong, "stolen"),
        lambda: client.unfreeze(wrong),
        lambda: client.issue_recovery_code(wrong),
        lambda: client.decide(wrong),
    )
    for call in calls:
        with pytest.raises(InvalidRequest):
            call()
    assert not service.asked


@pytest.mark.parametrize("wrong", [None, 7, 1.5, "", "ann ", ["u"]])
@pytest.mark.parametrize(
    "name", ["user_id", "transaction_id", "type", "amount_minor", "currency", "payee_id", "payee_name"]
)
def test_a_payment_that_is_none_is_an_error_of_ours(client, name, wrong):
    good = {
        "user_id": "u_42",
        "transaction_id": "pay_1",
        "type": "transfer",
        "amount_minor": 1,
        "currency": "CNY",
        "payee_id": "x",
        "payee_name": "x",
    }
    if (name, wrong) in (("amount_minor", 7), ("payee_name", "ann ")):
        client.payment(**good | {name: wrong})
        return
    with pytest.raises(InvalidRequest):
        client.payment(**good | {name: wrong})
