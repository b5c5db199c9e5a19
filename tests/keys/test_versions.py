"""A key ring's form at rest: written and read back, and refused where it is damaged, without saying what stands there."""

import json
from datetime import UTC, datetime

import pytest

from authsvc.keys.versions import Purpose, Versions, new_version, parsed, written

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def ring() -> Versions:
    return {purpose: (new_version(purpose, NOON),) for purpose in Purpose}


@pytest.mark.parametrize("all_bound", [True, False])
def test_a_ring_comes_back_as_it_was_written(ring: Versions, all_bound: bool) -> None:
    assert parsed(written(ring, all_bound=all_bound)) == (ring, all_bound)


def test_a_ring_of_before_says_nothing_of_rows_and_so_some_are_not_bound(ring: Versions) -> None:
    document = json.loads(written(ring, all_bound=True))
    del document["rows"]
    assert parsed(json.dumps(document).encode()) == (ring, False)


def test_a_secret_is_not_in_the_text_of_a_version(ring: Versions) -> None:
    for (version,) in ring.values():
        assert repr(version.key) not in repr(version)
        assert version.key.hex() not in repr(version)


def _damaged(ring: Versions, purpose: Purpose, change: object) -> bytes:
    document = json.loads(written(ring, all_bound=True))
    document[purpose] = change(document[purpose]) if callable(change) else change
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ([], "there is no hmac key"),
        (None, "there is no hmac key"),
        (lambda entries: entries * 2, "share an id"),
        (lambda entries: [{**entries[0], "key": "c2hvcnQ="}], "a hmac key is damaged"),
        (lambda entries: [{**entries[0], "key": "???"}], "a hmac key is damaged"),
        (lambda entries: [{**entries[0], "active_from": "2026-11-30T12:00:00"}], "a hmac key is damaged"),
        ([{}], "a hmac key is damaged"),
    ],
)
def test_what_is_damaged_is_refused_by_its_purpose(ring: Versions, change: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parsed(_damaged(ring, Purpose.HMAC, change))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": "authsvc-keyring-v0"}'])
def test_what_is_no_ring_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is not JSON|the format is not"):
        parsed(content)
