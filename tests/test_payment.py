"""The binding: the published vectors, computed here from the written rule, and what has no canonical form."""

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.errors import InvalidRequest
from authsvc.payment import LARGEST_AMOUNT, Binding, Payee, Payment
from authsvc.subject import Subject
from authsvc.text import fault_of_identifier, fault_of_label

VECTORS = json.loads((Path(__file__).parent / "vectors" / "binding-v1.json").read_text())
ACCEPTED = {case["name"]: case for case in VECTORS["accepted"]}


def stated(given: dict[str, Any]) -> Payment:
    return Payment.stated(
        transaction_id=given["transaction_id"],
        type=given["type"],
        amount_minor=given["amount_minor"],
        currency=given["currency"],
        payee=Payee(given["payee"]["id"], given["payee"]["name"]),
        subject=Subject(given["client"], given["user_id"]),
    )


def by_the_rule(given: dict[str, Any]) -> bytes:
    """The canonical form as docs/binding.md writes it down: no JSON library, no code of the service."""

    def text(value: str) -> str:
        composed = unicodedata.normalize("NFC", value)
        return '"' + composed.replace("\\", "\\\\").replace('"', '\\"') + '"'

    members = (
        f'"amount_minor":{given["amount_minor"]:d}',
        f'"client":{text(given["client"])}',
        f'"currency":{text(given["currency"])}',
        f'"payee":{{"id":{text(given["payee"]["id"])},"name":{text(given["payee"]["name"])}}}',
        f'"transaction_id":{text(given["transaction_id"])}',
        f'"type":{text(given["type"])}',
        f'"user_id":{text(given["user_id"])}',
    )
    return ("{" + ",".join(members) + "}").encode()


def digest_by_the_rule(given: dict[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(b"authsvc-payment-binding-v1\x00" + by_the_rule(given)).hexdigest()


@pytest.mark.parametrize("case", VECTORS["accepted"], ids=lambda case: case["name"])
def test_a_published_vector_follows_from_the_written_rule(case):
    assert by_the_rule(case["payment"]).decode() == case["canonical"]
    assert digest_by_the_rule(case["payment"]) == case["digest"]


@pytest.mark.parametrize("case", VECTORS["accepted"], ids=lambda case: case["name"])
def test_the_service_computes_the_published_vector(case):
    payment = stated(case["payment"])
    assert payment.canonical().decode() == case["canonical"]
    assert Binding.of(payment) == Binding(case["digest"], 1)


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["name"])
def test_a_payment_without_a_canonical_form_is_refused_by_the_name_of_its_field(case):
    with pytest.raises(InvalidRequest) as refusal:
        stated(case["payment"])
    assert f"`{case['field']}`" in refusal.value.detail


def test_two_vectors_share_a_digest_only_where_they_are_the_same_text():
    digests = {name: case["digest"] for name, case in ACCEPTED.items()}
    assert digests["composed letters"] == digests["decomposed letters"]
    assert len(set(digests.values())) == len(digests) - 1


def test_the_raw_digest_is_the_shown_one():
    binding = Binding.of(stated(VECTORS["accepted"][0]["payment"]))
    assert binding.raw().hex() == binding.digest.removeprefix("sha256:")


VISIBLE = st.text(min_size=1, max_size=20).filter(lambda text: fault_of_label(text) is None)
CANONICAL = st.text(min_size=1, max_size=20).filter(lambda text: fault_of_identifier(text) is None)
PAYMENTS = st.fixed_dictionaries(
    {
        "transaction_id": CANONICAL,
        "type": st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True),
        "amount_minor": st.integers(0, LARGEST_AMOUNT),
        "currency": st.from_regex(r"[A-Z]{3}", fullmatch=True),
        "payee": st.fixed_dictionaries({"id": CANONICAL, "name": VISIBLE}),
        "user_id": CANONICAL,
        "client": CANONICAL,
    }
)


@given(PAYMENTS)
def test_any_payment_has_the_digest_of_the_written_rule(given_payment):
    assert Binding.of(stated(given_payment)).digest == digest_by_the_rule(given_payment)


@given(PAYMENTS)
def test_stating_a_stated_payment_changes_nothing(given_payment):
    once = stated(given_payment)
    again = Payment.stated(
        transaction_id=once.transaction_id,
        type=once.type,
        amount_minor=once.amount_minor,
        currency=once.currency,
        payee=once.payee,
        subject=once.subject,
    )
    assert again == once
