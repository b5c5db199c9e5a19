"""The receipt of a decision: for one client, for two minutes, and under a key of ours."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from authsvc.domain.decision import Status
from authsvc.domain.receipt import (
    LIFE,
    AuditPosition,
    ReceiptIssuer,
    ReceiptReader,
    evidence_of,
    proven_claims,
)
from authsvc.errors import ReceiptMismatch
from tests.domain.test_decision import decision

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
POSITION = AuditPosition("a-1", 7)
ISSUER = ReceiptIssuer("https://pay.example", lambda: ("k1", KEY), ("unsafe_no_pad",))


def read(token: str, client: str = "shop", now: datetime = NOON, key: object = KEY) -> Mapping[str, object]:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return ReceiptReader("https://pay.example", lambda: {"k1": key.public_key()}).read(token, client, now)


def test_a_receipt_says_what_was_decided_and_where_the_audit_says_the_same() -> None:
    done = replace(decision(), status=Status.AUTHENTICATED)
    claims = read(ISSUER.issue(done, "sha256:e", POSITION, NOON).token)
    assert (claims["decision"], claims["aud"], claims["sub"]) == (done.id, "shop", "u_1")
    assert claims["audit"] == {"chain": "a-1", "seq": 7}
    assert claims["binding"] == {"v": 1, "digest": done.binding.digest}


def test_it_ends_after_two_minutes_by_the_reader_s_clock() -> None:
    token = ISSUER.issue(decision(), "sha256:e", POSITION, NOON).token
    read(token, now=NOON + LIFE - timedelta(seconds=1))
    with pytest.raises(ReceiptMismatch, match="expired"):
        read(token, now=NOON + LIFE)


def test_another_client_s_a_foreign_and_a_spoiled_one_are_refused_alike() -> None:
    token = ISSUER.issue(decision(), "sha256:e", POSITION, NOON).token
    for call in (
        lambda: read(token, client="bank"),
        lambda: read(token, key=ec.generate_private_key(ec.SECP256R1())),
        lambda: read(token[:-4] + "AAAA"),
        lambda: read("no receipt"),
    ):
        with pytest.raises(ReceiptMismatch, match="not one of ours"):
            call()


def test_the_receipt_of_an_erasure_is_no_payment_s() -> None:
    token = ISSUER.erased(decision().payment.subject, POSITION, NOON)
    assert jwt.get_unverified_header(token)["typ"] == "erasure-receipt+jwt"
    with pytest.raises(ReceiptMismatch):
        read(token)


def test_nothing_is_claimed_of_a_decision_that_was_not_proven() -> None:
    claims = proven_claims(replace(decision(), proofs=({"factor": "face"},)))
    assert (claims["acr"], claims["amr"], claims["dynamic_linked"]) == ("none", [], False)


def test_evidence_names_the_payment_the_policy_and_the_device() -> None:
    made, found = decision(), evidence_of(decision())
    assert (found.decision_id, found.binding, found.status) == (
        made.id,
        made.binding.digest,
        made.status.value,
    )
    assert found.device == {"id": made.device_id, "novelty": made.novelty}
