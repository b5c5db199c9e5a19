"""What is published for other languages: vectors of bindings, receipts and webhooks, and an example in each that agrees."""

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from authsvc.caller.receipts import ReceiptRefused, verify_receipt
from authsvc.caller.webhooks import WebhookRefused, verify_webhook
from authsvc.payment import Payee, Payment
from authsvc.subject import Subject
from tests.support.other_languages import LANGUAGES, Example, built

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
BINDINGS, RECEIPTS, WEBHOOKS = (
    json.loads((VECTORS / f"{kind}-v1.json").read_text()) for kind in ("binding", "receipt", "webhook")
)

OTHER_SPELLING = "the payee's name in its other spelling"


def payment_of(said: dict[str, Any]) -> Payment:
    rest = {name: said[name] for name in ("transaction_id", "type", "amount_minor", "currency")}
    subject = Subject(said["client"], said["user_id"])
    return Payment.stated(**rest, payee=Payee(**said["payee"]), subject=subject)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize("case", RECEIPTS["cases"], ids=lambda case: case["name"])
def test_a_receipt_of_the_vectors_is_what_it_is_said_to_be(case: dict[str, Any]):
    came = "ok"
    try:
        verify_receipt(
            case["receipt"],
            jwks=RECEIPTS["jwks"],
            audience=case["audience"],
            issuer=case["issuer"],
            payment=payment_of(case["payment"]),
            now=at(case["now"]),
            tolerated_warnings=case["tolerated_warnings"],
        )
    except ReceiptRefused as refused:
        came = refused.reason
    assert came == case["expected"]


@pytest.mark.parametrize("case", WEBHOOKS["cases"], ids=lambda case: case["name"])
def test_a_webhook_of_the_vectors_is_what_it_is_said_to_be(case: dict[str, Any]):
    came = "ok"
    try:
        verify_webhook(case["headers"], case["body"].encode(), case["secret"], at(case["now"]))
    except WebhookRefused as refused:
        came = refused.reason
    assert came == case["expected"]


def test_the_vectors_have_every_reason_at_least_once():
    """But `malformed` of a webhook, whose body a good signature vouches for."""
    reasons = {case["expected"] for case in RECEIPTS["cases"]}
    assert reasons == {
        *("ok", "malformed", "unknown-key", "signature", "audience", "issuer", "expired", "not-yet"),
        *("too-long", "other-payment", "other-payer", "not-released", "warnings"),
    }
    assert {case["expected"] for case in WEBHOOKS["cases"]} == {"ok", "signature", "stale", "incomplete"}


@pytest.fixture(scope="module", params=LANGUAGES)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    return built(request.param, tmp_path_factory.mktemp(request.param))


def test_another_language_agrees_about_every_receipt_and_webhook(example: Example):
    for kind, file in (("receipts", RECEIPTS), ("webhooks", WEBHOOKS)):
        expected = {case["name"]: case["expected"] for case in file["cases"]}
        if kind == "receipts" and not example.normalises:
            expected[OTHER_SPELLING] = "other-payment"
        assert example.verdicts(kind, file) == expected


def test_another_language_computes_every_binding_that_is_spelled_in_nfc(example: Example):
    found = example.verdicts("bindings", {"accepted": BINDINGS["accepted"]})
    for case in BINDINGS["accepted"]:
        name = case["payment"]["payee"]["name"]
        if example.normalises or unicodedata.is_normalized("NFC", name):
            assert found[case["name"]] == case["digest"], case["name"]
