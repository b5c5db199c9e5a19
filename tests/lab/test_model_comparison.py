"""Two matchers side by side: the same people, the same rates, each with the threshold that these people ask for."""

from __future__ import annotations

from authsvc.lab.model_comparison import compared
from tests.lab.faces import people_of

_TARGETS = ("1 in 10", "1 in 100", "1 in 1000000")


def test_the_matcher_that_mixes_people_up_refuses_more_of_them_at_the_same_rate() -> None:
    better, worse = (compared(people_of(60, 8, scatter), _TARGETS, {}) for scatter in (1.0, 2.0))
    for one, other in zip(better["rows"][:2], worse["rows"][:2], strict=True):
        assert (one["target_fmr"], one["samples"], one["frames"]) == (other["target_fmr"], 1, 1)
        assert one["fmr_upper_bound"] <= 1 / int(one["target_fmr"].split()[-1])
        assert one["fnmr"] < other["fnmr"]


def test_a_rate_that_too_few_comparisons_stand_behind_is_none() -> None:
    rows = compared(people_of(20, 8), _TARGETS, {})["rows"]
    assert [row["threshold"] is None for row in rows if row["target_fmr"] == "1 in 1000000"] == [True, True]
    assert all(row["reason"] for row in rows if row["threshold"] is None)


def test_each_group_gets_a_row_at_each_rate() -> None:
    data = people_of(60, 8)
    groups = {"half": {person.name: str(number % 2) for number, person in enumerate(data.people)}}
    found = compared(data, ("1 in 10",), groups)["rows"][0]["groups"]
    assert [(row["group"], row["n_persons"]) for row in found] == [("0", 30), ("1", 30)]
    assert all("fnmr_verdict" in row for row in found)
