"""`authsvc lab gait` on made-up people in the layouts of the public sets."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.lab.commands import lab
from tests.lab.test_gait_corpus import LAYOUTS, motionsense

PEOPLE = 6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_people_are_told_apart_and_the_rate_has_its_interval(tmp_path: Path, layout: str) -> None:
    LAYOUTS[layout](tmp_path, PEOPLE, 62)
    result = CliRunner().invoke(lab, ["gait", "--dir", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert (found["layout"], found["people"], found["enrolled"]) == (layout, PEOPLE, PEOPLE)
    assert found["sessions_apart"] == (layout == "MotionSense")
    assert found["genuine"] > 0
    assert found["impostor"] == found["genuine"] * (PEOPLE - 1)
    low, high = found["eer_interval"]
    assert 0 <= low <= found["eer"] <= high <= 1
    # Made-up people walk like themselves; real ones do so less.
    assert found["eer"] < 0.2


def test_who_walks_for_too_short_a_time_is_nobody(tmp_path: Path) -> None:
    motionsense(tmp_path, 2, 12)
    result = CliRunner().invoke(lab, ["gait", "--dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "two at least" in result.output


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(lab, ["gait", "--dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "holds neither" in result.output
