"""What counts once: the nonce and the files of evidence, in whatever order they came."""

from datetime import UTC, datetime
from typing import Any

from authsvc.factor import Submission
from authsvc.stepup.marks import marked, use_up
from authsvc.subject import Subject

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANN = Subject("shop", "ann")
FILES = Submission({}, {"frame": (b"one", b"two")})


class Spent:
    """Remembers what was used up."""

    def __init__(self) -> None:
        self.spent = self
        self.used: set[object] = set()

    def use(self, subject: Subject, kind: str, digest: bytes, now: datetime) -> bool:
        return self._use((subject, kind, digest))

    def use_everywhere(self, kind: str, digest: bytes, now: datetime) -> bool:
        return self._use((kind, digest))

    def _use(self, key: object) -> bool:
        fresh = key not in self.used
        self.used.add(key)
        return fresh


def test_a_nonce_and_a_capture_are_used_up_once() -> None:
    tx: Any = Spent()
    kept = marked({"score": 1}, {"nonce": "n1"}, FILES, captures=True)
    assert kept["score"] == 1
    assert use_up(tx, ANN, kept, NOON)
    assert not use_up(tx, ANN, kept, NOON)


def test_a_capture_counts_in_one_account_and_a_nonce_in_its_own() -> None:
    tx: Any = Spent()
    bob = Subject("shop", "bob")
    assert use_up(tx, ANN, marked({}, {"nonce": "n1"}, FILES, captures=True), NOON)
    assert not use_up(tx, bob, marked({}, {"nonce": "n2"}, FILES, captures=True), NOON)
    assert use_up(tx, bob, marked({}, {"nonce": "n1"}, Submission({}), captures=True), NOON)


def test_the_same_files_under_another_nonce_and_in_another_order_are_the_same_capture() -> None:
    tx: Any = Spent()
    again = Submission({}, {"frame": (b"two", b"one")})
    assert use_up(tx, ANN, marked({}, {"nonce": "n1"}, FILES, captures=True), NOON)
    assert not use_up(tx, ANN, marked({}, {"nonce": "n2"}, again, captures=True), NOON)
    assert use_up(tx, ANN, marked({}, {"nonce": "n3"}, again, captures=False), NOON)


def test_every_mark_is_used_up_even_when_an_earlier_one_was() -> None:
    tx: Any = Spent()
    use_up(tx, ANN, marked({}, {"nonce": "n1"}, Submission({}), captures=True), NOON)
    assert not use_up(tx, ANN, marked({}, {"nonce": "n1"}, FILES, captures=True), NOON)
    assert not use_up(tx, ANN, marked({}, {"nonce": "n2"}, FILES, captures=True), NOON)
