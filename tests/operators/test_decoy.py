"""A key for a name that nobody has: shaped like real ones, always the same, and nobody's."""

from authsvc.device.response import unbase64url
from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.operators.decoy import decoy_keys


def test_a_decoy_stays_the_same_and_differs_by_name() -> None:
    ring = KeyRing.create()
    (one,) = decoy_keys(ring, "ann")
    assert decoy_keys(ring, "ann") == (one,)
    assert decoy_keys(ring, "bob") != (one,)
    assert decoy_keys(KeyRing.create(), "ann") != (one,)


def test_a_rotation_of_the_ring_changes_no_decoy() -> None:
    ring = KeyRing.create()
    before = decoy_keys(ring, "ann")
    ring.rotate(Purpose.HMAC)
    assert decoy_keys(ring, "ann") == before


def test_decoys_have_the_lengths_of_real_keys_and_several_of_them() -> None:
    ring = KeyRing.create()
    offers = [decoy_keys(ring, f"name {number}")[0] for number in range(60)]
    lengths = {len(unbase64url(offer.id, 1023)) for offer in offers}
    assert lengths <= {16, 20, 32, 48, 64}
    assert len(lengths) > 2
