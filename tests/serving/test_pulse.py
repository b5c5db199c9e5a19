"""What processes know of each other through the memory that they share."""

from __future__ import annotations

import pytest

from authsvc.serving.pulse import Pulse


def test_another_carries_less_only_while_it_is_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("authsvc.serving.pulse.time.monotonic", lambda: now)
    pulse = Pulse(3)
    for number, connections in enumerate((5, 4, 5)):
        pulse.begin(number)
        assert not pulse.another_carries_less(0)
        pulse.beat(number, connections)
    now = 100.1
    assert pulse.another_carries_less(0)
    assert pulse.another_carries_less(2)
    assert not pulse.another_carries_less(1)
    now = 103.0
    assert not pulse.another_carries_less(0)


def test_loads_and_beats_and_the_leaving_are_kept_apart() -> None:
    pulse = Pulse(2)
    pulse.carry(1, 7)
    assert not pulse.is_leaving
    assert pulse.silence(0) == pulse.silence(1) == 0.0
    assert not pulse.all_beat()
    pulse.beat(0, 0)
    pulse.beat(1, 1)
    assert pulse.all_beat()
    pulse.leave()
    assert pulse.is_leaving
