"""Somebody sets the machine's clock: locks stay, right codes count, and readiness says so."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from authsvc.clock import SteadyClock
from tests.support.service import Bench, embedded
from tests.test_clock import NOON, Hands


class Machine(SteadyClock):
    """A clock for a bench, which lets time pass."""

    def __init__(self) -> None:
        self.hands = hands = Hands(NOON.timestamp())
        super().__init__(lambda: round(hands.wall * 1e9), lambda: round(hands.uptime * 1e9))

    def advance(self, by: timedelta) -> None:
        self.hands.pass_(by.total_seconds())


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def bench(machine: Machine, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(embedded(tmp_path / "data"), machine)
    yield made
    made.close()


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_jump_opens_no_lock_and_spoils_no_code(bench: Bench, machine: Machine, step: int):
    """By the machine's clock the half hour of a lock was over, and a code of the payer's phone an hour old."""
    phone = bench.enroll(face=None)
    for _ in range(5):
        decision = bench.decide(bench.payment(125_000), phone.device)
        bench.answer_otp(decision, "000000")
        bench.complete(decision)
    until = bench.services.users.status(bench.key, "u_1")["locked_until"]
    assert until
    machine.hands.wall += step
    bench.wired.clock_watch.look()
    assert "clock-jumped" in bench.services.public.readyz()[1]["warnings"]  # type: ignore[operator]  # A list of names.
    assert bench.services.users.status(bench.key, "u_1")["locked_until"] == until
    assert bench.decide(bench.payment(125_000), phone.device)["status"] in ("denied", "not_possible")
    machine.advance(timedelta(minutes=31))
    decision = bench.decide(bench.payment(125_000), phone.device)
    bench.answer_otp(decision, phone.code(machine))
    bench.complete(decision)
    assert bench.again(decision)["status"] == "authenticated"
