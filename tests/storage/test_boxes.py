"""A box of the service opens under its own table and name, and nowhere else."""

import pytest

from authsvc.errors import Tampered
from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.storage.boxes import ServiceBox
from authsvc.storage.sealing import Sealer


def test_what_is_sealed_opens_in_its_place_alone() -> None:
    sealer = Sealer(KeyRing.create())
    box = ServiceBox(sealer, "answers")
    sealed = box.seal("name", b"plain")
    assert b"plain" not in sealed
    assert box.open("name", sealed) == b"plain"
    for open_it in (
        lambda: box.open("other", sealed),
        lambda: ServiceBox(sealer, "ceremonies").open("name", sealed),
        lambda: box.open("name", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        lambda: ServiceBox(Sealer(KeyRing.create()), "answers").open("name", sealed),
    ):
        with pytest.raises(Tampered):
            open_it()


def test_it_opens_after_a_rotation() -> None:
    ring = KeyRing.create()
    box = ServiceBox(Sealer(ring), "answers")
    sealed = box.seal("name", b"plain")
    ring.rotate(Purpose.SEALING)
    assert box.open("name", sealed) == b"plain"
