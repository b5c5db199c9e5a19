"""Every part of a run becomes rows of one form; what was not tried is a row that says so."""

from __future__ import annotations

import copy
from typing import Any

from authsvc.lab.figures import figures
from authsvc.lab.run_comparison import compared
from authsvc.lab.whole_page import page
from tests.lab.test_gate import run_of

ESTIMATE = {"interval": [0.0, 0.1], "upper_bound": 0.08}


def rate(name: str, value: float | None, errors: int = 0, trials: int = 40) -> dict[str, Any]:
    if value is None:
        return {name: None}
    return {
        name: value,
        f"{name}_interval": [max(0.0, value - 0.05), value + 0.05],
        f"{name}_upper_bound": value + 0.04,
        f"{name}_errors": errors,
        f"{name}_trials": trials,
    }


def a_run(fnmr: float = 0.1) -> dict[str, Any]:
    """A whole run: faces, a detector that saw no live person, the chain, one folder of voices and one of digits."""
    target = {"target_fmr": "1 in 10000", "samples": 3, "frames": 3, "threshold": 0.9}
    face = {"data_set": "people", **rate("fta", 0.0), **rate("enrolment_fta", 0.025, 1)}
    face["targets"] = [{**target, **rate("fmr", 0.0), **rate("fnmr", fnmr, 4)}]
    fmr = {"value": 0.0, "errors": 0, "trials": 40, **ESTIMATE}
    point = {"target_fmr": "1 in 200", "thresholds": {"clean": 0.84}, "fmr": fmr}
    kinds = {kind: {"operating_points": [{**point, "fnmr": None}]} for kind in ("one_phrase", "two_phrases")}
    heard = {"n": 40, "accepted": 38, "share": 0.95, **ESTIMATE}
    prompts = {"en": dict.fromkeys(("right", "one_wrong", "random_other"), heard)}
    run: dict[str, Any] = {
        "face": face,
        "face_det": '<svg class="det"></svg>',
        "pad": {**run_of(60, 0), "threshold": 0.5},
        "chain": run_of(42, 60),
        "voices": [{"data": "<b>", "conditions": {"clean": kinds}}],
        "prompts": [{"data": "digits", "least_score": -1.8, "conditions": {"clean": prompts}}],
        "models": [{"id": "m", "digest": "sha256:1"}],
        "policy": "default 1",
        "data_set": "folder",
        "data_set_digest": "sha256:2",
        "version": "1",
        "commit": None,
        "date": "2026-11-30",
        "warnings": ["few people"],
        "gate": {"faults": ["BPCER is not shown"]},
    }
    return {**run, "figures": figures(run)}


def test_each_rate_of_each_part_has_a_row() -> None:
    rows = {(row["part"], row["group"], row["rate"]): row for row in a_run()["figures"]}
    fnmr = rows["face", "k=3, m=3, 1 in 10000", "fnmr"]
    assert (fnmr["errors"], fnmr["trials"], fnmr["value"], fnmr["threshold"]) == (4, 40, 0.1, 0.9)
    assert rows["pad", "print", "apcer"]["trials"] == 60
    assert rows["chain", "print", "iapar"]["trials"] == 42
    assert rows["prompt", "digits, en, right", "accepted"]["errors"] == 38
    for untried in (("pad", "bona_fide", "bpcer"), ("voice", "<b>, one phrase, 1 in 200", "fnmr")):
        assert (rows[untried]["value"], rows[untried]["why"]) == (None, "nothing was tried")
    at_5 = rows["pad", "APCER 5%", "bpcer"]
    assert at_5["value"] is None
    assert at_5["why"]


def test_parts_that_were_not_measured_have_none() -> None:
    assert figures({"face": None, "pad": None, "chain": None}) == []


def test_the_page_says_what_is_not_shown_and_loads_nothing() -> None:
    drawn = page(a_run())
    for said in ("10.00%", "4 / 40", "sha256:1", "sha256:2", "default 1", "few people", "BPCER is not shown"):
        assert said in drawn
    assert "无法证明 not shown" in drawn
    assert '<svg class="det"></svg>' in drawn
    assert "&lt;b&gt;" in drawn
    assert "<b>, one phrase" not in drawn
    assert not any(each in drawn for each in ("<script", "src=", "href=", "url(", "@import"))


def test_two_whole_runs_are_compared_by_figure() -> None:
    before, after = a_run(), a_run(fnmr=0.3)
    verdicts = {(row["group"], row["rate"]): row["verdict"] for row in compared(before, after)["rates"]}
    assert verdicts["face k=3, m=3, 1 in 10000", "fnmr"] == "worse"
    assert verdicts["face people", "fta"] == "not shown"
    deafer = copy.deepcopy(before)
    for row in deafer["figures"]:
        if row["rate"] == "accepted":
            row |= {"value": 0.5, "interval": [0.4, 0.6]}
    for row in before["figures"]:
        if row["rate"] == "accepted":
            row |= {"interval": [0.9, 0.99]}
    heard = {
        row["group"]: row["verdict"] for row in compared(before, deafer)["rates"] if row["rate"] == "accepted"
    }
    assert heard["prompt digits, en, right"] == "worse"
    assert heard["prompt digits, en, one_wrong"] == "better"
