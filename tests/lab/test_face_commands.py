"""The face commands on real photographs: what they print, and what they refuse in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.face.build import DEFAULT_MODEL, PASSIVE_MODEL
from tests.lab.conftest import Run


@pytest.fixture(scope="module")
def measured(run: Run, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    svg = tmp_path_factory.mktemp("drawing") / "det.svg"
    groups = svg.with_name("groups.csv")
    groups.write_text("person,show\nbbt_amy,yes\nobama,no\nbiden,no\n")
    done = run("face", "--dir", folder, "--svg", svg, "--groups", groups, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), svg.read_text()


def test_faces_are_evaluated_at_every_shipped_target(measured):
    found, _ = measured
    manifest = read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")
    assert (found["engine"], found["model_digest"]) == (manifest.engine, manifest.digest)
    assert (found["n_persons"], found["unreadable"], found["k"]) == (4, 1, 3)
    assert found["n_samples"] == 1 + found["fta_trials"]
    expected = {(point.target_fmr, point.frames, point.threshold) for point in manifest.operating_points}
    assert {(one["target_fmr"], one["frames"], one["threshold"]) for one in found["targets"]} == expected
    assert "4 people are far too few" in found["warnings"][0]


def test_different_people_do_not_match_and_the_same_do(measured):
    found, _ = measured
    one_frame = next(one for one in found["targets"] if (one["samples"], one["frames"]) == (3, 1))
    assert one_frame["fmr_errors"] == 0
    assert one_frame["fnmr"] < 0.5


def test_groups_and_curves_come_with_it(measured):
    found, svg = measured
    assert {row["group"] for row in found["groups"]} == {"yes", "no"}
    assert svg.startswith("<svg ")
    assert found["data_set"] in svg


def test_a_person_reads_the_same_in_lines(run, folder):
    done = run("face", "--dir", folder, "--exclude", "bbt_amy", "--without-quality-gate")
    assert done.exit_code == 0, done.output
    assert "3 people" in done.stdout
    assert "warning: a threshold does not transfer" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "nobody"), "no manifest of a face matcher calls itself `nobody`"),
        (("--model", PASSIVE_MODEL), "no manifest of a face matcher"),
        (("--exclude", "nobody"), "`nobody`"),
        (("--model", "mobilefacenet-arcface"), "is missing: run `authsvc models pull"),
        (("--svg", "/nowhere/at/all.svg"), "there is no folder"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(run, folder, tmp_path, words, said):
    done = run("face", "--dir", folder, *words)
    assert done.exit_code != 0
    assert said in done.stderr
    assert "Traceback" not in done.output
