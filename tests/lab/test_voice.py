"""The voice measurements count everything they saw, and errors that were not seen have an interval all the same."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.manifest import Manifest
from authsvc.lab.intervals import clopper_pearson
from authsvc.lab.voice import Plan, measure_voices
from tests.lab.hums import engine


def test_hums_are_told_apart_and_everything_is_counted(corpus: Path, hum_manifest: Manifest):
    figures: Any = measure_voices(
        corpus, hum_manifest, engine, Plan(phrases=3, draws=2, degradations=("telephone",))
    )
    assert (figures["speakers"], figures["speakers_enrolled"], figures["utterances"]) == (4, 3, 19)
    assert figures["refused_by_the_gates"]["unreadable"] == 1
    clean = figures["conditions"]["clean"]
    assert clean["one_phrase"]["genuine"] == 3 * 2 * 3
    assert clean["one_phrase"]["impostor"] == 3 * 2 * (6 + 6 + 1)
    assert clean["one_phrase"]["eer"] == 0
    # No error was seen, which is not to say that there is none.
    [point] = clean["one_phrase"]["operating_points"]
    assert (point["fnmr"]["errors"], point["fnmr"]["trials"], point["fnmr"]["interval"][0]) == (0, 18, 0)
    assert point["fnmr"]["interval"][1] == pytest.approx(clopper_pearson(0, 18)[1], rel=1e-4)
    assert clean["two_phrases"]["operating_points"][0]["fmr"]["value"] == 0
    assert clean["ask_again"][0]["fnmr"]["value"] == 0
    assert figures["conditions"]["telephone"]["one_phrase"]["eer"] < 0.1
    json.dumps(figures)


def test_made_up_voices_are_counted_per_system_against_every_template(corpus: Path, hum_manifest: Manifest):
    figures: Any = measure_voices(corpus, hum_manifest, engine, Plan(phrases=3, draws=1, spoofs=corpus))
    assert list(figures["spoofs"]) == ["hum360", "hum440", "hum520", "hum600"]
    assert figures["spoofs"]["hum360"]["n"] == 3 * 6
    # One hum in three is the template's own; 0.6 is where another phrase is asked, 0.9 where one is enough.
    assert [limit["from"] for limit in figures["spoofs"]["hum360"]["accepted"]] == [0.6, 0.9]
    assert figures["spoofs"]["hum360"]["accepted"][1]["n"] == 6
    assert figures["spoofs"]["hum600"]["accepted"][1]["n"] == 0


def test_made_up_voices_among_the_people_are_none_of_them(
    corpus: Path, hum_manifest: Manifest, tmp_path: Path
):
    for name in ("hum360", "hum440"):
        shutil.copytree(corpus / name, tmp_path / name)
    shutil.copytree(corpus / "hum520", tmp_path / "made_up" / "hum520")
    plan = Plan(phrases=3, draws=1, spoofs=tmp_path / "made_up")
    figures: Any = measure_voices(tmp_path, hum_manifest, engine, plan)
    assert (figures["speakers"], figures["speakers_enrolled"]) == (2, 2)
    assert figures["spoofs"]["hum520"]["n"] == 2 * 6


def test_too_few_recordings_give_no_figures(corpus: Path, hum_manifest: Manifest):
    figures = measure_voices(corpus, hum_manifest, engine, Plan(phrases=6, draws=1))
    assert (figures["speakers_enrolled"], figures["conditions"]) == (0, {})
