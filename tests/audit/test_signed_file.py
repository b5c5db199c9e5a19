"""A signature counts for one file, one label and one service, down to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from authsvc.audit.signed_file import is_signed, sign, signature_of
from authsvc.keys.keyring import KeyRing

LABEL, CONTENT = b"label\x00", b'{"a": 1}'


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.create()


def test_it_stands_beside_its_file() -> None:
    assert signature_of(Path("lab/run.json")) == Path("lab/run.json.sig")


def test_every_byte_counts(ring: KeyRing) -> None:
    written, keys = sign(LABEL, CONTENT, ring.audit_signing_key()).encode(), ring.audit_public_keys()
    assert is_signed(LABEL, CONTENT, written, keys)
    for place in range(len(CONTENT)):
        changed = CONTENT[:place] + bytes([CONTENT[place] ^ 1]) + CONTENT[place + 1 :]
        assert not is_signed(LABEL, changed, written, keys), place
    assert not is_signed(b"other\x00", CONTENT, written, keys)
    assert not is_signed(LABEL, CONTENT, written, KeyRing.create().audit_public_keys())
    assert not is_signed(LABEL, CONTENT, written, {})


@pytest.mark.parametrize(
    "changes", [{"key_id": None}, {"key_id": {}}, {"signature": "*"}, {"signature": 5}, {"signature": ""}]
)
def test_what_is_no_signature_signs_nothing(changes: dict[str, object], ring: KeyRing) -> None:
    written = {**json.loads(sign(LABEL, CONTENT, ring.audit_signing_key())), **changes}
    assert not is_signed(LABEL, CONTENT, json.dumps(written).encode(), ring.audit_public_keys())
