"""The key ring: what is current, what still counts, and what survives a file."""

import base64
import hmac
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from authsvc.clock import FrozenClock
from authsvc.errors import ConfigurationError, Tampered
from authsvc.keys.keyring import KeyRing, Purpose

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_labels_do_not_share_a_key():
    ring = KeyRing.create()
    assert ring.mac("api-key", b"x") != ring.mac("recovery-code", b"x")
    assert len(ring.mac("api-key", b"x")) == 32


def test_a_mac_is_hmac_sha_256_under_a_key_derived_as_documented(path: Path):
    ring = KeyRing.create(path)
    ((_, key),) = [(each["id"], each["key"]) for each in json.loads(path.read_text())["hmac"]]
    extracted = hmac.digest(bytes(32), base64.b64decode(key), "sha256")
    subkey = hmac.digest(extracted, b"authsvc-keyring-v1\x00api-key\x01", "sha256")
    assert ring.mac("api-key", b"data") == hmac.digest(subkey, b"data", "sha256")


def test_two_rings_share_nothing():
    one, other = KeyRing.create(), KeyRing.create()
    assert one.mac("api-key", b"x") != other.mac("api-key", b"x")
    assert one.jwks() != other.jwks()


def test_a_stored_mac_is_found_after_rotation():
    ring = KeyRing.create()
    stored = ring.mac("api-key", b"x")
    ring.rotate(Purpose.HMAC)
    assert ring.mac("api-key", b"x") != stored
    assert ring.mac_candidates("api-key", b"x") == (ring.mac("api-key", b"x"), stored)


def test_a_discarded_key_no_longer_counts():
    ring = KeyRing.create()
    stored, old = ring.mac("api-key", b"x"), ring.current_id(Purpose.HMAC)
    ring.rotate(Purpose.HMAC)
    ring.discard(Purpose.HMAC, old)
    assert stored not in ring.mac_candidates("api-key", b"x")


def test_the_current_key_cannot_be_discarded(path: Path):
    ring = KeyRing.create(path)
    for purpose in Purpose:
        with pytest.raises(ConfigurationError, match="rotate first"):
            ring.discard(purpose, ring.current_id(purpose))


def test_a_new_key_is_published_before_it_is_used(clock: FrozenClock):
    ring = KeyRing.create(clock=clock)
    old = ring.current_id(Purpose.RECEIPT)
    new = ring.rotate(Purpose.RECEIPT, NOW + timedelta(minutes=10))
    assert [key["kid"] for key in ring.jwks()["keys"]] == [new, old]
    assert ring.receipt_signing_key()[0] == old
    clock.advance(timedelta(minutes=10))
    assert ring.receipt_signing_key()[0] == new


def test_a_key_cannot_be_made_current_in_the_past(clock: FrozenClock):
    ring = KeyRing.create(clock=clock)
    ring.rotate(Purpose.HMAC, NOW - timedelta(days=1))
    assert ring.versions(Purpose.HMAC)[-1][1] == NOW


def test_a_clock_set_back_leaves_a_key(clock: FrozenClock):
    ring = KeyRing.create(clock=clock)
    first = ring.current_id(Purpose.SEALING)
    ring.rotate(Purpose.SEALING)
    clock.advance(timedelta(days=-1))
    assert ring.current_id(Purpose.SEALING) == first


def test_a_receipt_checks_with_the_published_key():
    ring = KeyRing.create()
    kid, key = ring.receipt_signing_key()
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    token = jwt.encode({"jti": "r1"}, key, algorithm="ES256", headers={"kid": kid})
    ring.rotate(Purpose.RECEIPT)
    public = jwt.PyJWKSet.from_dict(ring.jwks())[kid]
    assert jwt.decode(token, public, algorithms=["ES256"]) == {"jti": "r1"}


def test_published_keys_are_public():
    assert all("d" not in key for key in KeyRing.create().jwks()["keys"])


def test_earlier_audit_keys_still_check():
    ring = KeyRing.create()
    key_id, key = ring.audit_signing_key()
    signature = key.sign(b"head")
    ring.rotate(Purpose.AUDIT)
    ring.audit_public_keys()[key_id].verify(signature, b"head")
    assert set(ring.audit_public_keys()) == {key_id, ring.audit_signing_key()[0]}


def test_a_ring_survives_its_file(path: Path, clock: FrozenClock):
    ring = KeyRing.create(path, clock)
    for purpose in Purpose:
        ring.rotate(purpose)
    loaded = KeyRing.load(path, clock)
    assert loaded.mac_candidates("api-key", b"x") == ring.mac_candidates("api-key", b"x")
    assert loaded.sealing_key("rows") == ring.sealing_key("rows")
    assert loaded.jwks() == ring.jwks()
    assert loaded.audit_public_keys() == ring.audit_public_keys()
    assert [loaded.versions(purpose) for purpose in Purpose] == [
        ring.versions(purpose) for purpose in Purpose
    ]
    kid, key = loaded.receipt_signing_key()
    signature = key.sign(b"x", ec.ECDSA(SHA256()))
    ring.receipt_signing_key()[1].public_key().verify(signature, b"x", ec.ECDSA(SHA256()))
    assert kid == ring.receipt_signing_key()[0]


def test_an_existing_ring_is_never_overwritten(path: Path):
    KeyRing.create(path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="exists already"):
        KeyRing.create(path)
    assert path.read_bytes() == before


def test_a_ring_that_others_may_read_is_refused(path: Path):
    KeyRing.create(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="0640"):
        KeyRing.load(path)


def test_another_worker_learns_of_a_rotation(path: Path, clock: FrozenClock):
    operator, worker = KeyRing.create(path, clock), KeyRing.load(path, clock)
    assert not worker.refresh()
    operator.rotate(Purpose.HMAC)
    assert worker.refresh()
    assert worker.mac("api-key", b"x") == operator.mac("api-key", b"x")
    assert not worker.refresh()


def test_a_worker_looks_for_a_sealing_key_that_it_does_not_know(path: Path):
    operator, worker = KeyRing.create(path), KeyRing.load(path)
    new = operator.rotate(Purpose.SEALING)
    assert worker.sealing_key_named(new, "rows") == operator.sealing_key("rows")[1]
    with pytest.raises(Tampered, match="not in the key ring"):
        worker.sealing_key_named("00" * 8, "rows")


def test_rotations_from_many_operators_are_all_kept(path: Path):
    KeyRing.create(path)
    operators = [threading.Thread(target=lambda: KeyRing.load(path).rotate(Purpose.HMAC)) for _ in range(8)]
    for operator in operators:
        operator.start()
    for operator in operators:
        operator.join()
    assert len(KeyRing.load(path).versions(Purpose.HMAC)) == 9


def test_a_ring_may_be_used_while_it_is_rotated():
    ring = KeyRing.create()
    failures: list[Exception] = []

    def use() -> None:
        try:
            for _ in range(300):
                ring.receipt_signing_key()
                ring.audit_signing_key()
                ring.mac("api-key", b"x")
        except Exception as error:  # noqa: BLE001 - whatever a thread meets must fail the test.
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        ring.rotate(Purpose.RECEIPT)
        ring.rotate(Purpose.AUDIT)
    for thread in threads:
        thread.join()
    assert not failures


def _spoil(document: dict[str, Any], how: str) -> object:  # Any: a JSON document about to be broken.
    entries = document["hmac"]
    if how == "format":
        return {**document, "format": "other"}
    if how == "purpose":
        return {name: value for name, value in document.items() if name != "audit"}
    if how == "no version":
        return {**document, "hmac": []}
    if how == "twice":
        return {**document, "hmac": entries * 2}
    changes: dict[str, dict[str, object]] = {
        "short key": {"key": "AAAA"},
        "no base64": {"key": "#" * 44},
        "no zone": {"active_from": "2026-03-01T12:00:00"},
        "no id": {"id": 7},
    }
    return {**document, "hmac": [{**entries[0], **changes[how]}]}


@pytest.mark.parametrize(
    "how",
    ["format", "purpose", "no version", "twice", "short key", "no base64", "no zone", "no id"],
)
def test_a_damaged_ring_is_refused_and_shows_no_key(path: Path, how: str):
    KeyRing.create(path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(_spoil(document, how)))
    with pytest.raises(ConfigurationError, match="not a key ring") as refusal:
        KeyRing.load(path)
    assert document["hmac"][0]["key"] not in refusal.value.detail


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"format": '])
def test_what_is_no_ring_is_refused(path: Path, content: bytes):
    KeyRing.create(path)
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="not a key ring"):
        KeyRing.load(path)


def test_a_key_never_shows_in_a_representation(path: Path):
    ring = KeyRing.create(path)
    secret = json.loads(path.read_text())["hmac"][0]["key"]
    assert secret not in repr(vars(ring)["_versions"])
