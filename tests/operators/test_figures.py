"""A signal of habits has drifted where it comes more or less often than chance explains."""

import pytest

from authsvc.operators.figures import SignalShift


@pytest.mark.parametrize(
    ("current", "expected", "asked", "verdict"),
    [
        (10, 40, (1_000, 4_000), "stable"),
        (16, 40, (1_000, 4_000), "stable"),
        (200, 600, (1_000, 4_000), "watch"),
        (40, 40, (1_000, 4_000), "alarm"),
        (20, 400, (1_000, 4_000), "alarm"),
        (0, 0, (1_000, 4_000), "stable"),
        (499, 40, (499, 4_000), "too_few"),
        (40, 40, (1_000, 499), "too_few"),
    ],
)
def test_what_chance_does_alone_is_no_drift(
    current: int, expected: int, asked: tuple[int, int], verdict: str
) -> None:
    found = SignalShift("burst", current, expected, *asked).drift()
    assert found.verdict.value == verdict
    assert (found.index is None) == (verdict == "too_few")
