"""When a delivery is tried again: soon, then rarely, and not for ever."""

from datetime import timedelta

import pytest

from authsvc.webhook.schedule import PAUSES, SPAN, pause_after


@pytest.mark.parametrize("tries", range(1, len(PAUSES) + 1))
def test_a_pause_is_up_to_a_fifth_longer_by_chance(tries: int) -> None:
    drawn = {pause_after(tries) for _ in range(50)}
    assert all(each is not None and PAUSES[tries - 1] <= each <= 1.2 * PAUSES[tries - 1] for each in drawn)
    assert len(drawn) > 1


def test_pauses_grow_for_three_days_and_end() -> None:
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=3) < SPAN < timedelta(days=4)
    assert pause_after(len(PAUSES) + 1) is None
