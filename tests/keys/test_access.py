"""API keys and tokens: who is let in, and how soon no longer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authsvc.errors import InsufficientScope, InvalidRequest, Unauthenticated
from authsvc.keys.access import (
    ALL_SCOPES,
    FRESH_FOR,
    ApiKey,
    KeyAdmission,
    Scope,
    must_open,
    new_api_key,
    object_token,
)
from authsvc.keys.keyring import KeyRing, Purpose

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Shelf:
    """The stored keys, a count of look-ups, and a clock."""

    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.asked = 0
        self.seconds = 0.0
        self.ring = KeyRing.create()
        self.admission = KeyAdmission(self.ring, self.find, lambda: self.seconds)

    def find(self, key_id: str) -> ApiKey | None:
        self.asked += 1
        return self.keys.get(key_id)

    def add(self, **options: object) -> str:
        key, shown = new_api_key(self.ring, "shop", ALL_SCOPES, NOON, **options)  # type: ignore[arg-type]  # As named.
        self.keys[key.id] = key
        return shown


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_the_key_that_was_shown_is_admitted(shelf: Shelf):
    assert shelf.admission.admit(shelf.add(), NOON).client == "shop"


def test_the_stored_key_does_not_hold_its_secret(shelf: Shelf):
    shown = shelf.add()
    (key,) = shelf.keys.values()
    assert shown.rsplit("_", 1)[1].encode() not in key.mac
    assert shown.rsplit("_", 1)[1] not in repr(key)


@pytest.mark.parametrize(
    "spoil", [lambda k: k[:-1], lambda k: k + "x", lambda k: "ak_", lambda k: "", lambda k: "bk" + k[2:]]
)
def test_anything_else_is_not(shelf: Shelf, spoil):
    shown = spoil(shelf.add())
    with pytest.raises(Unauthenticated):
        shelf.admission.admit(shown, NOON)


def test_a_revocation_shows_within_a_second(shelf: Shelf):
    shown = shelf.add()
    shelf.admission.admit(shown, NOON)
    (key,) = shelf.keys.values()
    shelf.keys[key.id] = replace(key, revoked_at=NOON)
    shelf.seconds += FRESH_FOR
    with pytest.raises(Unauthenticated):
        shelf.admission.admit(shown, NOON)


def test_a_busy_key_is_looked_up_twice_a_second(shelf: Shelf):
    shown = shelf.add()
    for _ in range(100):
        shelf.admission.admit(shown, NOON)
        shelf.seconds += 0.01
    assert shelf.asked == 2


def test_an_expired_key_is_refused(shelf: Shelf):
    shown = shelf.add(lifetime=timedelta(days=1))
    shelf.admission.admit(shown, NOON)
    with pytest.raises(Unauthenticated):
        shelf.admission.admit(shown, NOON + timedelta(days=1))


def test_a_key_made_before_the_ring_was_rotated_is_still_good(shelf: Shelf):
    shown = shelf.add()
    shelf.ring.rotate(Purpose.HMAC)
    assert shelf.admission.admit(shown, NOON).client == "shop"


def test_a_scope_that_was_not_given_is_missing(shelf: Shelf):
    key, _ = new_api_key(shelf.ring, "shop", frozenset({Scope.DECIDE}), NOON)
    key.must_have(Scope.DECIDE)
    with pytest.raises(InsufficientScope):
        key.must_have(Scope.AUDIT)


def test_a_token_opens_its_own_object_of_its_own_kind(shelf: Shelf):
    token = object_token(shelf.ring, "ct", "chl_a")
    must_open(shelf.ring, "ct", "chl_a", token)
    for prefix, object_id, shown in (
        ("ct", "chl_b", token),
        ("et", "chl_a", token),
        ("ct", "chl_a", token[:-1]),
        ("ct", "chl_a", "é"),
        ("ct", "chl_a", ""),
    ):
        with pytest.raises(Unauthenticated):
            must_open(shelf.ring, prefix, object_id, shown)


def test_a_token_survives_one_rotation_of_the_ring(shelf: Shelf):
    token = object_token(shelf.ring, "ct", "chl_a")
    shelf.ring.rotate(Purpose.HMAC)
    must_open(shelf.ring, "ct", "chl_a", token)


@pytest.mark.parametrize(
    "client", ["", " ", "shop ", "Cafe\u0301", "a\nb", "sh\u200bop", "\u212a", "a  b"], ids=ascii
)
def test_a_client_without_a_canonical_name_gets_no_key(tmp_path: Path, client: str):
    ring = KeyRing.create(tmp_path / "ring")
    with pytest.raises(InvalidRequest, match="`client` "):
        new_api_key(ring, client, ALL_SCOPES, NOON)
