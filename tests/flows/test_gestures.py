"""Gestures over a whole challenge: drawn once for an attempt, shown one at a time, and not to be drawn again for free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.words import Liveness
from authsvc.errors import CaptureUnusable, ChallengeClosed, InvalidRequest
from authsvc.face.drawing import gesture_sequences
from authsvc.factor import Factor, Submission
from authsvc.policy import loading
from authsvc.services.enrollments import TicketWanted
from tests.flows.test_liveness import Watched, risky
from tests.support.service import challenge_of, embedded, said

Shown = Mapping[str, Any]


BOTH_STORES = pytest.mark.parametrize("bench", ["embedded", "servers"], indirect=True)


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    changes = {}
    if getattr(request, "param", "embedded") == "servers":
        changes = {
            "database_url": request.getfixturevalue("postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    made = Watched(embedded(tmp_path / "data", **{"unsafe_no_pad": False, **changes}))
    made.faces.gates, made.faces.liveness = ("active",), Liveness.BONA_FIDE
    made.services.public.readyz()
    made.device = made.enroll(face="ann").device
    yield made
    made.close()


class Payer:
    def __init__(self, bench: Watched) -> None:
        self.bench = bench
        self.decision = risky(bench)
        self.opened = challenge_of(self.decision)

    def begin(self) -> Shown:
        return self.bench.services.challenges.begin_step(*self.opened, Factor.FACE)

    def send(self, submission: Submission) -> Shown:
        return self.bench.services.challenges.take_step(*self.opened, Factor.FACE, submission)

    def answer(self, shown: Shown, *pictures: str, **meta: object) -> Shown:
        return self.send(self.bench.part(shown, *(pictures or ("ann 1", "ann 2")), **meta))

    def gestures(self, until: int = 4) -> tuple[str, ...]:
        """Those of a whole capture, by answering it."""
        seen: list[str] = []
        shown = self.begin()
        while shown.get("state") != "received" and len(seen) < until:
            seen += shown["gestures"]
            if len(seen) < until:
                shown = self.answer(shown)
        return tuple(seen)

    @property
    def left(self) -> int:
        found: Shown = self.bench.services.challenges.find(*self.opened)
        return int(found["attempts_remaining"])


@BOTH_STORES
def test_beginning_again_shows_the_same_gesture_and_costs_nothing(bench: Watched) -> None:
    """However often: there is nothing to draw for until it fits a recording."""
    payer = Payer(bench)
    assert len({payer.begin()["gestures"][0] for _ in range(25)}) == 1
    assert payer.left == 3
    bench.clock.advance(timedelta(seconds=130))
    other = Payer(bench)
    assert {payer.begin()["gestures"][0] for _ in range(2)} == {payer.begin()["gestures"][0]}
    assert other.left == 3


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_policy_says_how_many_by_level(tmp_path: Path, count: int) -> None:
    head = "[biometrics.face]\n"
    text = loading.shipped_source().text.replace(
        head, f"{head}gestures = {{ face = {count}, face_fingerprint = 5 }}\n"
    )
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    bench = Watched(embedded(tmp_path / "data", policy_file=tmp_path / "policy.toml", unsafe_no_pad=False))
    try:
        bench.faces.gates, bench.faces.liveness = ("active",), Liveness.BONA_FIDE
        bench.services.public.readyz()
        bench.device = bench.enroll(face="ann").device
        payer = Payer(bench)
        shown = payer.begin()
        assert (shown["parts"], shown["can_swap"]) == (count, True)
        for _ in range(count - 1):
            assert (shown := payer.answer(shown))["state"] == "more"
        assert payer.answer(shown) == {"state": "received"}
        assert bench.complete(payer.decision).authenticated
    finally:
        bench.close()


def test_the_next_gesture_is_shown_once_the_one_before_is_in(bench: Watched) -> None:
    payer = Payer(bench)
    shown = payer.begin()
    seen = [*shown["gestures"]]
    while (shown := payer.answer(shown))["state"] == "more":
        assert len(shown["gestures"]) == 1
        assert shown["part"] == len(seen) + 1
        seen += shown["gestures"]
    assert shown == {"state": "received"}
    assert tuple(seen) in {tuple(map(str, sequence)) for sequence in gesture_sequences(4)}
    assert bench.complete(payer.decision).authenticated
    assert tuple(map(str, bench.faces.shown[-1])) == tuple(seen)


@BOTH_STORES
def test_whoever_begins_anew_after_more_was_shown_gives_the_attempt_up_and_gets_other_gestures(
    bench: Watched,
) -> None:
    payer = Payer(bench)
    drawn = [payer.gestures()]
    assert payer.left == 3
    drawn.append(payer.gestures())
    assert payer.left == 2
    drawn.append(payer.gestures())
    assert payer.left == 1
    assert len(set(drawn)) == 3, "the draws of one challenge exclude one another"
    with pytest.raises(ChallengeClosed):
        payer.begin()
    assert bench.again(payer.decision)["status"] == "failed"


def test_waiting_does_not_make_beginning_anew_free(bench: Watched) -> None:
    payer = Payer(bench)
    payer.gestures(until=2)
    bench.clock.advance(timedelta(seconds=125))
    payer.begin()
    assert payer.left == 2


def test_a_failed_attempt_has_gestures_of_its_own(bench: Watched) -> None:
    payer = Payer(bench)
    first = payer.gestures(until=4)
    shown = payer.begin()
    while (shown := payer.answer(shown, "eve 1"))["state"] == "more":
        pass
    assert not bench.complete(payer.decision).authenticated
    left = payer.left
    assert payer.gestures() != first
    assert payer.left == left


def test_a_late_part_ends_the_capture(bench: Watched) -> None:
    payer = Payer(bench)
    shown = payer.answer(payer.begin())
    bench.clock.advance(timedelta(seconds=30))
    with pytest.raises(InvalidRequest, match="too late"):
        payer.answer(shown)
    with pytest.raises(InvalidRequest, match="not begun"):
        payer.answer(shown)
    payer.begin()
    assert payer.left == 2


def test_a_part_counts_once_and_in_its_order(bench: Watched) -> None:
    payer = Payer(bench)
    first = payer.begin()
    submission = bench.part(first, "ann 1")
    second = payer.send(submission)
    with pytest.raises(InvalidRequest, match="nonce"):
        payer.send(submission)
    with pytest.raises(InvalidRequest, match="not begun"):
        payer.answer(second)


def test_a_part_that_cannot_be_judged_may_be_made_again_within_its_time(bench: Watched) -> None:
    payer = Payer(bench)
    shown = payer.answer(payer.begin())
    with pytest.raises(CaptureUnusable):
        payer.answer(shown, "dark")
    assert payer.answer(shown)["part"] == 3
    assert payer.left == 3


def test_a_gesture_that_somebody_cannot_do_is_swapped_once_and_one_more_is_asked(bench: Watched) -> None:
    payer = Payer(bench)
    shown = payer.answer(payer.begin())
    swapped = payer.answer(shown, swap=True)
    assert (swapped["state"], swapped["part"], swapped["parts"]) == ("more", 1, 5)
    with pytest.raises(InvalidRequest, match="swapped"):
        payer.answer(swapped, swap=True)
    payer.begin()
    assert payer.left == 2


def test_swapping_and_then_doing_what_is_asked_passes(bench: Watched) -> None:
    payer = Payer(bench)
    shown = payer.answer(payer.begin(), swap=True)
    seen = [*shown["gestures"]]
    while (shown := payer.answer(shown))["state"] == "more":
        seen += shown["gestures"]
    assert len(seen) == 5
    assert bench.complete(payer.decision).authenticated


def test_the_evidence_says_how_long_each_part_took(bench: Watched) -> None:
    payer = Payer(bench)
    shown = payer.begin()
    while (shown := payer.answer(shown))["state"] == "more":
        pass
    assert bench.complete(payer.decision).authenticated
    assert payer.left == 2
    proofs = [
        line["details"]["proofs"]
        for line in said_lines(bench)
        if line["object"] == payer.decision["id"] and line["details"].get("proofs")
    ]
    assert proofs[-1][0]["prompt_to_part_ms"] == [1000] * 4


def said_lines(bench: Watched) -> list[Shown]:
    found: Shown = bench.services.records.audit_events(bench.key, None, 1000)
    return list(found["events"])


@BOTH_STORES
def test_an_enrollment_shows_the_same_gesture_until_more_was_shown_and_then_others(bench: Watched) -> None:
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), TicketWanted("u_new", "en")))
    opened = (str(ticket["id"]), str(ticket["token"]))
    steps: Any = bench.services.enrollments
    steps.begin_step(*opened, "consent", {})
    steps.take_step(*opened, "consent", Submission({"modalities": ["face"], "look_alikes": False}))
    assert len({steps.begin_step(*opened, "face", {})["gestures"][0] for _ in range(10)}) == 1
    seen = set()
    for _ in range(5):
        shown = steps.begin_step(*opened, "face", {})
        made = [*shown["gestures"]]
        while (shown := steps.take_step(*opened, "face", bench.part(shown, "eve 1")))["state"] == "more":
            made += shown["gestures"]
        seen.add(tuple(made))
    assert len(seen) == 5
