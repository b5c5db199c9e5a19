"""The policy chooses the liveness gates of a face; what it asks and nobody can judge is not possible, and attacks are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.words import Liveness, LivenessGate
from authsvc.device.novelty import StatedDevice
from authsvc.factor import Factor
from authsvc.policy import loading
from tests.support.service import Bench, Phone, challenge_of, embedded


class Watched(Bench):
    """A service with one person and their phone."""

    device = StatedDevice()
    owner = Phone()


Open = Callable[[tuple[str, ...], Mapping[str, str]], Watched]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A service with liveness on: the gates that are installed, and what the policy asks by level."""
    made: list[Watched] = []

    def open_bench(installed: tuple[str, ...], asked: Mapping[str, str]) -> Watched:
        policy = tmp_path / "policy.toml"
        policy.write_text(_shipped_asking(asked), encoding="utf-8")
        bench = Watched(embedded(tmp_path / "data", policy_file=policy, unsafe_no_pad=False))
        made.append(bench)
        bench.faces.gates, bench.faces.liveness = installed, Liveness.BONA_FIDE
        bench.services.public.readyz()
        bench.device = bench.enroll(face="ann").device
        return bench

    yield open_bench
    for bench in made:
        bench.close()


def _shipped_asking(asked: Mapping[str, str]) -> str:
    stated = ", ".join(f'{level} = "{word}"' for level, word in asked.items())
    head = "[biometrics.face]\n"
    text = loading.shipped_source().text
    assert head in text
    return text.replace(head, f"{head}liveness = {{ {stated} }}\n") if asked else text


def risky(bench: Watched, amount: int = 2_500) -> Mapping[str, Any]:
    return bench.decide(bench.payment(amount), bench.device, risk=75)


def answered(bench: Watched) -> bool:
    decision = risky(bench)
    bench.answer_face(decision, "ann 9", "ann 8", "ann 7")
    return bench.complete(decision).authenticated


@pytest.mark.parametrize(
    ("installed", "asked", "possible"),
    [
        (("active",), {}, True),
        ((), {}, False),
        (("active",), {"face": "active"}, True),
        (("active",), {"face": "both"}, False),
        (("active",), {"face": "passive"}, False),
        (("passive", "active"), {"face": "both"}, True),
    ],
)
def test_a_face_is_no_way_without_the_gates_that_are_asked(
    opened: Open, installed: tuple[str, ...], asked: dict[str, str], possible: bool
) -> None:
    decision = risky(opened(installed, asked))
    assert decision["level"] == "face"
    assert decision["status"] == ("challenge_required" if possible else "not_possible")
    assert ("face" in decision["missing"]) is not possible


def test_a_stricter_level_is_not_possible_where_its_gates_are_missing(opened: Open) -> None:
    bench = opened(("active",), {"face": "active", "face_fingerprint": "both"})
    milder, stricter = risky(bench), risky(bench, 6_000_000)
    assert (milder["status"], stricter["status"]) == ("challenge_required", "not_possible")
    assert "face" in stricter["missing"]


@pytest.mark.parametrize(
    ("asked", "gestures", "judged"),
    [
        ({"face": "passive"}, 0, (LivenessGate.PASSIVE,)),
        ({"face": "active"}, 1, (LivenessGate.ACTIVE,)),
        ({"face": "both"}, 1, (LivenessGate.PASSIVE, LivenessGate.ACTIVE)),
        ({}, 1, None),
    ],
)
def test_what_the_policy_asks_reaches_payer_and_worker(
    opened: Open, asked: dict[str, str], gestures: int, judged: object
) -> None:
    bench = opened(("passive", "active"), asked)
    begun = bench.services.challenges.begin_step(*challenge_of(risky(bench)), Factor.FACE)
    shown = begun["gestures"]
    assert isinstance(shown, list)
    assert len(shown) == gestures
    assert answered(bench)
    assert bench.faces.contexts[-1].liveness == judged


@pytest.mark.parametrize(("verdict", "told"), [(Liveness.ATTACK, ["presentation"]), (Liveness.UNDECIDED, [])])
def test_an_attack_is_told_and_doubt_is_not_but_neither_passes(
    opened: Open, verdict: Liveness, told: list[str]
) -> None:
    bench = opened(("active",), {})
    bench.faces.liveness = verdict
    assert not answered(bench)
    alarms = [event["data"]["alarm"] for event in bench.events() if event["type"] == "attack:suspected"]
    assert alarms == told


@pytest.mark.parametrize(
    ("verdict", "counted"), [(Liveness.BONA_FIDE, 1), (Liveness.ATTACK, 0), (Liveness.UNDECIDED, 0)]
)
def test_only_the_score_of_a_living_person_counts_for_drift(
    opened: Open, verdict: Liveness, counted: int
) -> None:
    bench = opened(("active",), {})
    bench.faces.liveness = verdict
    answered(bench)
    assert bench.tally.scores == [(bench.faces.model, 0.99)] * counted
