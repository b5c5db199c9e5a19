"""Sealing: a value opens in its own place, for its own subject, and nowhere else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from authsvc.errors import Tampered
from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.storage.sealing import Place, Sealer
from authsvc.subject import Subject

ALICE = Subject("shop", "alice")
BOB = Subject("shop", "bob")
PLACE = Place("templates", "sealed", "tpl_1", ALICE, model="dlib-1")
ANSWER = Place("idempotency", "answer", ("shop", "key-1"), None)


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.create()


@pytest.fixture
def sealer(ring: KeyRing) -> Sealer:
    return Sealer(ring)


def test_what_is_sealed_opens_in_its_place(sealer: Sealer):
    key = sealer.new_subject_key(ALICE)
    for plaintext in (b"", b"x", bytes(512)):
        assert sealer.open(key, PLACE, sealer.seal(key, PLACE, plaintext)) == plaintext


def test_nothing_of_the_plaintext_shows(sealer: Sealer):
    key = sealer.new_subject_key(ALICE)
    canary = b"canary-canary-canary"
    sealed = sealer.seal(key, PLACE, canary)
    assert canary not in sealed
    assert sealed != sealer.seal(key, PLACE, canary)


ELSEWHERE = [
    replace(PLACE, table="otp_secrets"),
    replace(PLACE, column="draft"),
    replace(PLACE, row="tpl_2"),
    replace(PLACE, row=("tpl", "_1")),
    replace(PLACE, model="dlib-2"),
    replace(PLACE, table="template", column="ssealed"),
    replace(PLACE, subject=BOB),
    replace(PLACE, subject=Subject("other", "alice")),
    replace(PLACE, subject=Subject("shopa", "lice")),
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_value_moved_to_another_place_does_not_open(sealer: Sealer, elsewhere: Place):
    key = sealer.new_subject_key(ALICE)
    sealed = sealer.seal(key, PLACE, b"template")
    with pytest.raises(Tampered):
        sealer.open(key, elsewhere, sealed)


def test_the_key_of_another_subject_does_not_open(sealer: Sealer):
    alice, bob = sealer.new_subject_key(ALICE), sealer.new_subject_key(BOB)
    sealed = sealer.seal(alice, PLACE, b"template")
    with pytest.raises(Tampered):
        sealer.open(bob, PLACE, sealed)
    with pytest.raises(Tampered):
        sealer.seal(bob, PLACE, b"template")


def test_a_new_key_for_the_same_subject_does_not_bring_back_what_was_erased(sealer: Sealer):
    sealed = sealer.seal(sealer.new_subject_key(ALICE), PLACE, b"template")
    with pytest.raises(Tampered):
        sealer.open(sealer.new_subject_key(ALICE), PLACE, sealed)


def test_a_rotated_ring_opens_what_was_sealed_before(ring: KeyRing, sealer: Sealer):
    key = sealer.new_subject_key(ALICE)
    sealed, answer = sealer.seal(key, PLACE, b"template"), sealer.seal_service(ANSWER, b"{}")
    ring.rotate(Purpose.SEALING)
    assert sealer.open(key, PLACE, sealed) == b"template"
    assert sealer.open_service(ANSWER, answer) == b"{}"


def test_rewrapping_keeps_the_data_and_frees_the_old_key(ring: KeyRing, sealer: Sealer):
    key, old = sealer.new_subject_key(ALICE), ring.current_id(Purpose.SEALING)
    sealed = sealer.seal(key, PLACE, b"template")
    assert sealer.rewrap(key, ALICE) is None
    ring.rotate(Purpose.SEALING)
    rewrapped = sealer.rewrap(key, ALICE)
    assert rewrapped is not None
    ring.discard(Purpose.SEALING, old)
    assert sealer.rewrap(rewrapped, ALICE) is None
    assert sealer.open(rewrapped, PLACE, sealed) == b"template"
    with pytest.raises(Tampered, match="not in the key ring"):
        sealer.open(key, PLACE, sealed)


def test_a_key_is_not_rewrapped_for_another_subject(ring: KeyRing, sealer: Sealer):
    key = sealer.new_subject_key(ALICE)
    ring.rotate(Purpose.SEALING)
    with pytest.raises(Tampered):
        sealer.rewrap(key, BOB)


def test_another_service_opens_nothing(sealer: Sealer):
    key = sealer.new_subject_key(ALICE)
    sealed = sealer.seal(key, PLACE, b"template")
    stranger = Sealer(KeyRing.create())
    with pytest.raises(Tampered):
        stranger.open(key, PLACE, sealed)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(ANSWER, row=("shop", "key-2")),
        replace(ANSWER, row=("shopk", "ey-1")),
        replace(ANSWER, row="shopkey-1"),
        replace(ANSWER, column="fingerprint"),
        replace(ANSWER, subject=ALICE),
    ],
)
def test_a_service_row_opens_in_its_place_alone(sealer: Sealer, elsewhere: Place):
    answer = sealer.seal_service(ANSWER, b"{}")
    assert sealer.open_service(ANSWER, answer) == b"{}"
    with pytest.raises(Tampered):
        sealer.open_service(elsewhere, answer)


def test_every_spoiled_byte_is_noticed(sealer: Sealer):
    key = sealer.new_subject_key(ALICE)
    sealed, answer = sealer.seal(key, PLACE, b"template"), sealer.seal_service(ANSWER, b"{}")
    _refuses_every_change(sealed, lambda spoiled: sealer.open(key, PLACE, spoiled))
    _refuses_every_change(key, lambda spoiled: sealer.open(spoiled, PLACE, sealed))
    _refuses_every_change(answer, lambda spoiled: sealer.open_service(ANSWER, spoiled))


def _refuses_every_change(blob: bytes, open_it: Callable[[bytes], bytes]) -> None:
    for index in range(len(blob)):
        for bit in range(8):
            spoiled = bytearray(blob)
            spoiled[index] ^= 1 << bit
            with pytest.raises(Tampered):
                open_it(bytes(spoiled))
    for length in range(len(blob)):
        with pytest.raises(Tampered):
            open_it(blob[:length])
    with pytest.raises(Tampered):
        open_it(blob + b"\x00")


def test_a_place_of_nobody_is_not_sealed_under_a_subject(sealer: Sealer):
    with pytest.raises(ValueError, match="place with that subject"):
        sealer.seal(sealer.new_subject_key(ALICE), ANSWER, b"x")
