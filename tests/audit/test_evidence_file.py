"""The file that is handed over: signed as it stands, checked with the public keys alone, spoiled one byte at a time."""

from __future__ import annotations

import json

import pytest

from authsvc.audit.chain import sign_head
from authsvc.audit.evidence import Inclusion, write_bundle
from authsvc.audit.evidence_file import bundle_in, keys_in, verify_file, write_file
from authsvc.audit.evidence_page import page
from authsvc.audit.witness import verify_bundle
from authsvc.errors import InvalidRequest
from authsvc.keys.keyring import KeyRing
from tests.audit.samples import START
from tests.audit.test_evidence import DOCUMENT, EVIDENCE, _chain, recorded


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.create()


@pytest.fixture(scope="module")
def bundle(ring: KeyRing) -> str:
    links = _chain(
        "a", [recorded("dec_7", 1, evidence_hash=EVIDENCE.hash()), recorded("dec_8", 2, payee="Bob")]
    )
    head = sign_head(links[-1].head(), START, ring.audit_signing_key())
    return write_bundle(EVIDENCE, DOCUMENT, [Inclusion(links, head)])


@pytest.fixture(scope="module")
def content(ring: KeyRing, bundle: str) -> bytes:
    return write_file(bundle, ring.audit_signing_key(), ring.audit_public_keys()).encode()


def test_a_file_holds_with_the_public_keys_alone(ring: KeyRing, content: bytes, bundle: str) -> None:
    witness = verify_file(content, ring.audit_public_keys())
    assert witness.is_sound, witness.faults
    assert witness.evidence_hash == EVIDENCE.hash()
    assert bundle_in(content) == bundle
    assert verify_file(content, keys_in(content)).is_sound
    assert verify_file(bundle.encode(), ring.audit_public_keys()).is_sound


def test_every_byte_of_the_bundle_counts(ring: KeyRing, content: bytes, bundle: str) -> None:
    keys, read = ring.audit_public_keys(), json.loads(content)
    for place in range(0, len(bundle), 7):
        spoiled = f"{bundle[:place]}{'0' if bundle[place] != '0' else '1'}{bundle[place + 1 :]}"
        assert not verify_file(json.dumps({**read, "bundle": spoiled}).encode(), keys).is_sound, place


def test_parts_of_the_timeline_in_another_order_or_twice_tell_nothing_else(
    ring: KeyRing, bundle: str
) -> None:
    keys, read = ring.audit_public_keys(), json.loads(bundle)
    told = verify_bundle(bundle, keys).timeline
    for timeline in (read["timeline"][::-1], read["timeline"] * 3):
        assert verify_bundle(json.dumps({**read, "timeline": timeline}), keys).timeline == told
    assert not verify_bundle(json.dumps({**read, "timeline": []}), keys).is_sound


@pytest.mark.parametrize("field", ["signature", "key_id", "format"])
def test_a_file_without_a_part_of_its_own_does_not_hold(field: str, ring: KeyRing, content: bytes) -> None:
    read = json.loads(content)
    assert not verify_file(json.dumps({**read, field: "AAAA"}).encode(), ring.audit_public_keys()).is_sound


def test_other_keys_or_none_do_not_do(content: bytes, bundle: str) -> None:
    assert not verify_file(content, KeyRing.create().audit_public_keys()).is_sound
    assert not verify_file(content, {}).is_sound
    assert not verify_file(b"\xff{", {}).is_sound
    with pytest.raises(InvalidRequest, match="no keys came"):
        keys_in(bundle.encode())


def test_the_page_says_what_the_bundle_says_and_runs_nothing(ring: KeyRing, bundle: str) -> None:
    keys = ring.audit_public_keys()
    shown = page(json.loads(bundle), verify_bundle(bundle, keys))
    assert "dec_7" in shown
    assert "未被改动" in shown
    assert EVIDENCE.hash() in shown
    hostile = page({"evidence": {"decision_id": "<script>alert(1)</script>"}}, verify_bundle(b"{}", keys))
    assert "<script" not in hostile
    assert "It does not hold" in hostile
    assert "http" not in shown.replace("http-equiv", "")
