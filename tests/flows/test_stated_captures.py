"""A policy says of each way what must be known of its captures: the decision states it, and less releases nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authsvc.policy import loading
from tests.support.service import Bench, embedded

Opened = Callable[[str], Bench]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    made: list[Bench] = []

    def open_bench(ways: str) -> Bench:
        """The shipped policy with other ways to prove the level `face`."""
        text = loading.shipped_source().text
        known = '    { factors = ["face"], device_at_most = "probation" },\n'
        assert known in text
        policy = tmp_path / "policy.toml"
        policy.write_text(text.replace(known, f"    {ways},\n"), encoding="utf-8")
        made.append(Bench(embedded(tmp_path / "data", policy_file=policy)))
        return made[-1]

    yield open_bench
    for bench in made:
        bench.close()


def test_the_decision_states_for_each_set_what_its_captures_need(opened: Opened) -> None:
    signed = '{ factors = ["face"], device_at_most = "probation", capture_at_least = "device_signed" }'
    bench = opened(signed)
    phone = bench.enroll()
    decision = bench.decide(bench.payment(), phone.device, risk=75)
    assert decision["challenge"]["sets"] == [["face"], ["face", "otp"]]
    assert decision["challenge"]["capture_at_least"] == ["device_signed", "browser"]
    assert bench.again(decision)["challenge"]["capture_at_least"] == ["device_signed", "browser"]


def test_a_capture_of_which_nothing_is_known_does_not_release_what_asks_for_more(opened: Opened) -> None:
    bench = opened('{ factors = ["face"], capture_at_least = "attested", device_at_most = "trusted" }')
    phone = bench.enroll()
    decision = bench.decide(bench.payment(), phone.device, risk=75)
    bench.answer_face(decision, "ann 9")
    assert not bench.complete(decision).authenticated
    assert bench.again(decision)["receipt"] is None


def test_the_more_lenient_of_two_ways_of_one_set_says_what_is_needed(opened: Opened) -> None:
    small = '{ factors = ["face"], device_at_most = "trusted", amount_at_most = 3_000 }'
    large = '{ factors = ["face"], device_at_most = "trusted", capture_at_least = "device_signed" }'
    bench = opened(f"{large}, {small}")
    phone = bench.enroll()
    within, beyond = (bench.decide(bench.payment(amount), phone.device, risk=75) for amount in (3_000, 3_001))
    assert within["challenge"]["capture_at_least"] == ["browser", "browser"]
    assert beyond["challenge"]["capture_at_least"] == ["device_signed", "browser"]
    bench.answer_face(within, "ann 9")
    assert bench.complete(within).authenticated
