"""Two runs: a difference that chance would do is none."""

from __future__ import annotations

from authsvc.lab.run_comparison import compared
from tests.lab.test_gate import run_of


def verdicts(before: dict, after: dict) -> dict[tuple[str, str], str]:
    return {(row["group"], row["rate"]): row["verdict"] for row in compared(before, after)["rates"]}


def test_a_difference_is_shown_where_the_intervals_do_not_meet() -> None:
    same = verdicts(run_of(42, 60), run_of(42, 60))
    assert set(same.values()) == {"not shown"}
    assert verdicts(run_of(100, 60), run_of(100, 60, accepted=60))["print", "apcer"] == "worse"
    assert verdicts(run_of(100, 60, accepted=60), run_of(100, 60))["print", "iapar"] == "better"
    assert verdicts(run_of(100, 60), run_of(0, 60))["print", "apcer"] == "not shown"
