"""Evidence bundles: one decision, checked by somebody who has nothing but the bundle and the public keys."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from authsvc.audit.chain import Entry, Head, Link, extend, sign_head
from authsvc.audit.checkpoint import take_checkpoint
from authsvc.audit.evidence import Evidence, Inclusion, PolicyUsed, document_digest, write_bundle
from authsvc.audit.witness import verify_bundle
from authsvc.keys.keyring import KeyRing
from tests.audit.samples import ALICE, START

DOCUMENT = {"id": "default", "version": 3, "rules": [{"name": "new-device", "risk_at_least": 70.5}]}
EVIDENCE = Evidence(
    decision_id="dec_7",
    subject=ALICE,
    decided_at=START,
    status="authenticated",
    level="face",
    binding="sha256:" + "a" * 64,
    inputs={"amount_minor": 125000, "risk_score": 73},
    reasons=({"rule": "new-device", "field": "device.novelty", "is": "new", "bound": "probation"},),
    policy=PolicyUsed("default", 3, document_digest(DOCUMENT)),
    proofs=({"factor": "face", "passed": True, "model": "dlib-1", "score": 0.71},),
    device={"id": "dev_9k", "novelty": "new"},
)


def recorded(object_id: str, seconds: int, **details: object) -> Entry:
    return Entry(
        START + timedelta(seconds=seconds), "client:shop", "decision:made", ALICE, object_id, "ok", details
    )


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.create()


@pytest.fixture(scope="module")
def timeline(ring: KeyRing) -> list[Inclusion]:
    """The decision in chain `a`, its completion later in chain `b`, other people's entries between."""
    first = _chain(
        "a", [recorded("dec_7", 1, evidence_hash="sha256:earlier"), recorded("dec_8", 2, payee="Bob")]
    )
    second = _chain(
        "b", [recorded("dec_7", 9, evidence_hash=EVIDENCE.hash()), recorded("dec_9", 9, payee="Eve")]
    )
    return [
        Inclusion(second, take_checkpoint(None, [second[-1].head()], START, ring.audit_signing_key())),
        Inclusion(first, sign_head(first[-1].head(), START, ring.audit_signing_key())),
    ]


def _chain(chain: str, entries: list[Entry]) -> tuple[Link, ...]:
    links: list[Link] = []
    for entry in entries:
        links.append(extend(links[-1].head() if links else Head(chain), entry))
    return tuple(links)


@pytest.fixture(scope="module")
def bundle(timeline: list[Inclusion]) -> str:
    return write_bundle(EVIDENCE, DOCUMENT, timeline)


def test_an_untouched_bundle_is_sound(bundle: str, ring: KeyRing):
    witness = verify_bundle(bundle, ring.audit_public_keys())
    assert witness.faults == ()
    assert witness.evidence_hash == EVIDENCE.hash()


def test_the_timeline_is_told_in_order(bundle: str, ring: KeyRing):
    witness = verify_bundle(bundle, ring.audit_public_keys())
    assert [body["at"] for body in witness.timeline] == [
        "2026-03-01T12:00:01.000Z",
        "2026-03-01T12:00:09.000Z",
    ]


def test_nobody_else_is_named(bundle: str):
    assert "Bob" not in bundle
    assert "Eve" not in bundle
    assert "dec_8" not in bundle


def test_a_bundle_is_the_same_whoever_prints_it(bundle: str, ring: KeyRing):
    printed = json.dumps(json.loads(bundle), indent=4)
    assert verify_bundle(printed, ring.audit_public_keys()).is_sound


def test_a_bundle_signed_by_somebody_else_does_not_hold(bundle: str):
    faults = verify_bundle(bundle, KeyRing.create().audit_public_keys()).faults
    assert faults == ("no known key signed chain `b` at entry 2", "no known key signed chain `a` at entry 2")


def _spoil(bundle: dict[str, Any], how: str) -> None:  # Any: a JSON document about to be spoiled.
    match how:
        case "inputs":
            bundle["evidence"]["inputs"]["risk_score"] = 3
        case "proofs":
            bundle["evidence"]["proofs"] = []
        case "added":
            bundle["evidence"]["note"] = "approved by phone"
        case "hash":
            bundle["evidence_hash"] = EVIDENCE.hash().replace("sha256:", "sha256:0")[:-1]
        case "document":
            bundle["policy_document"]["rules"] = []
        case "no policy":
            bundle["evidence"]["policy"] = "default"
        case "entry":
            step = bundle["timeline"][0]["links"][0]
            step["body"] = step["body"].replace('"result":"ok"', '"result":"no"')
        case "gap":
            bundle["timeline"][1]["links"].pop(0)
            bundle["timeline"][0]["links"].pop(1)
        case "order":
            bundle["timeline"][0]["links"].reverse()
        case "no entry":
            bundle["timeline"][0]["links"] = []
        case "no timeline":
            bundle["timeline"] = []
        case "no signature":
            del bundle["timeline"][0]["checkpoint"]
        case "seq":
            bundle["timeline"][0]["links"][1]["seq"] = 2**70
        case "digest":
            bundle["timeline"][0]["links"][1]["body_digest"] = "00"
        case "only the earlier":
            bundle["timeline"].pop(0)


@pytest.mark.parametrize(
    "how",
    ["inputs", "proofs", "added", "hash", "document", "no policy", "entry", "gap", "order", "no entry",
     "no timeline", "no signature", "seq", "digest", "only the earlier"],
)  # fmt: skip
def test_a_spoiled_bundle_does_not_hold(bundle: str, ring: KeyRing, how: str):
    spoiled = json.loads(bundle)
    _spoil(spoiled, how)
    assert not verify_bundle(json.dumps(spoiled), ring.audit_public_keys()).is_sound


def test_no_spoiled_character_goes_unseen(bundle: str, ring: KeyRing):
    keys = ring.audit_public_keys()
    for at in range(0, len(bundle), len(bundle) // 300):
        # The lowest bits of base64's last character before its `=` mean nothing.
        if bundle[at + 1 : at + 2] != "=":
            spoiled = bundle[:at] + chr(ord(bundle[at]) ^ 1) + bundle[at + 1 :]
            assert not verify_bundle(spoiled, keys).is_sound, bundle[max(0, at - 20) : at + 20]


def test_evidence_rewritten_with_its_hash_is_found_by_the_audit_log(timeline: list[Inclusion], ring: KeyRing):
    rewritten = write_bundle(replace(EVIDENCE, inputs={"risk_score": 3}), DOCUMENT, timeline)
    (fault,) = verify_bundle(rewritten, ring.audit_public_keys()).faults
    assert fault == "the last audit entry of this decision carries another evidence hash"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[" * 20_000, b"\xff", '{"format": "other"}', '{"format": "authsvc-evidence-v1"}'],
)
def test_what_is_no_bundle_is_said_to_be_none(text: str, ring: KeyRing):
    assert verify_bundle(text, ring.audit_public_keys()).faults == (
        "this is not a bundle of the form `authsvc-evidence-v1`",
    )


def test_evidence_with_a_secret_has_no_hash():
    with pytest.raises(ValueError, match="names a secret"):
        replace(EVIDENCE, proofs=({"factor": "otp", "code": "123456"},)).hash()


def test_the_document_digest_is_that_of_the_canonical_form():
    text = '{"a":"友","b":1}'
    assert document_digest({"b": 1.0, "a": "友"}) == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
