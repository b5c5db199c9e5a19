"""Secrets that operators carry: found by id, matched by MAC, also after a rotation."""

import pytest

from authsvc.errors import Unauthenticated
from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.operators.token import INVITATION, SESSION


def test_a_secret_is_shown_once_and_matches_its_mac_alone() -> None:
    ring = KeyRing.create()
    token_id, shown, mac = SESSION.new(ring)
    found_id, secret = SESSION.split(shown)
    assert found_id == token_id
    assert secret.encode() not in mac
    assert SESSION.matches(ring, secret, mac)
    assert not SESSION.matches(ring, secret + "x", mac)
    assert not INVITATION.matches(ring, secret, mac)
    assert not SESSION.matches(ring, secret, None)
    ring.rotate(Purpose.HMAC)
    assert SESSION.matches(ring, secret, mac)


@pytest.mark.parametrize("wrong", ["", "os_", "os_id", "os_id_", "os__secret", "oi_id_secret", "secret"])
def test_what_does_not_look_like_one_is_refused(wrong: str) -> None:
    with pytest.raises(Unauthenticated):
        SESSION.split(wrong)
