"""Ended between two transactions of one act: what was charged stays charged, and nobody is stuck."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authsvc.errors import ChallengeClosed
from authsvc.factor import Json
from authsvc.stepup.proving import Proving
from tests.support.service import Bench, Phone, embedded

WRONG = "00000000"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(embedded(tmp_path / "data"))
    yield made
    made.close()


def killed_at_judgement(bench: Bench, decision: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """A completion that charges its attempt and never comes to judge it."""

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    bench.answer_otp(decision, WRONG)
    with monkeypatch.context() as patched:
        patched.setattr(Proving, "_judge", die)
        with pytest.raises(RuntimeError, match="killed"):
            bench.complete(decision)


def open_decision(bench: Bench) -> tuple[Phone, Json]:
    phone = bench.enroll()
    return phone, bench.decide(bench.payment(125_000), phone.device)


def test_an_attempt_that_was_charged_and_not_judged_is_not_handed_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, decision = open_decision(bench)
    killed_at_judgement(bench, decision, monkeypatch)
    bench.answer_otp(decision, WRONG)
    assert bench.complete(decision).attempts_remaining == 1


def test_a_challenge_whose_last_attempt_died_is_closed_and_not_broken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, decision = open_decision(bench)
    for _ in range(3):
        killed_at_judgement(bench, decision, monkeypatch)
    bench.answer_otp(decision, phone.code(bench.clock))
    with pytest.raises(ChallengeClosed):
        bench.complete(decision)
