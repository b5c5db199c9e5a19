"""The commands on real photographs and clips: what they print, and what they refuse in one line.

The people are far too few for any rate; the figures are looked at for being there.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.cli.main import main
from authsvc.errors import InvalidRequest
from authsvc.face.build import DEFAULT_MODEL, PASSIVE_MODEL
from authsvc.lab.clips import MOST_FRAMES, frames_of

PEOPLE = ("obama", "biden", "rose_leslie", "bbt_amy")

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(faces_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, and a file that is no picture whatever its name says."""
    made = tmp_path_factory.mktemp("people")
    for name in PEOPLE:
        (made / name).mkdir()
        for file in (faces_dir / name).glob("*.jpg"):
            (made / name / file.name).symlink_to(file)
    (made / "biden" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return made


@pytest.fixture(scope="module")
def run(model_dir: Path) -> Run:
    def command(*words: object) -> Result:
        folder = () if "--model-dir" in words else ("--model-dir", model_dir)
        return CliRunner().invoke(main, ["lab", *map(str, (*words, *folder, "--processes", 1))])

    return command


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


def test_so_few_people_calibrate_nothing_and_nothing_is_written(run, folder, tmp_path):
    out = tmp_path / "manifest.toml"
    done = run("calibrate", "face", "--dir", folder, "--target", "1 in 1000", "--out", out, "--json")
    assert done.exit_code == 1, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    found = json.loads(done.stdout)
    assert found["operating_points"] == []
    assert all("impostor pairs, and 30000 are needed" in refusal["reason"] for refusal in found["refused"])
    assert not out.exists()


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


def test_spoiled_photographs_are_measured_by_kind(run, folder):
    done = run("degradations", "--dir", folder, "--exclude", "bbt_amy", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["degradations"]
    assert rows["dark"]["fta_hints"].get("too_dark", 0) > 0
    assert rows["blur, strong"]["fta"] == 1
    assert rows["clean"]["fta_trials"] == rows["grey"]["fta_trials"] == 4


# -- Presentation attacks ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def liveness_models(model_dir: Path, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default models, and what a user would have pulled for passive liveness."""
    made = tmp_path_factory.mktemp("models")
    for file in (*model_dir.iterdir(), *(test_data / "models").iterdir()):
        (made / file.name).symlink_to(file.resolve())
    return made


@pytest.fixture(scope="module")
def presentations(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A live picture, a print, a screen, and a folder with the frames of the replayed clip."""
    pytest.importorskip("av", reason="PyAV is not installed, so clips cannot be read")
    made = tmp_path_factory.mktemp("pad")
    frames = made / "replay"
    frames.mkdir()
    for number, frame in enumerate(frames_of(test_data / "pad" / "replay_clip.mp4")[:8]):
        (frames / f"{number:02}.png").write_bytes(frame)
    rows = [
        (test_data / "pad" / "live.jpg", "bona_fide", "ann"),
        (test_data / "pad" / "attack_print.jpg", "print", "ann"),
        (test_data / "pad" / "attack_screen.jpg", "screen", "ann"),
        (frames, "screen", "bob"),
    ]
    lines = ["path,label,subject", *(",".join(map(str, row)) for row in rows)]
    (made / "list.csv").write_text("\n".join(lines))
    return made / "list.csv"


def test_prints_and_screens_are_refused_and_the_living_accepted(
    run, presentations, liveness_models, faces_dir, tmp_path
):
    # Whoever is named `ann` here: the point is that no attack is taken for the enrolled person.
    for name, person in (("ann", "obama"), ("bob", "rose_leslie")):
        (tmp_path / name).symlink_to(faces_dir / person)
    done = run(
        "pad", "--manifest", presentations, "--enrolled", tmp_path, "--model-dir", liveness_models, "--json"
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["n_presentations"], found["n_subjects"]) == (4, 2)
    assert {species: row["apcer"] for species, row in found["species"].items()} == {"print": 0, "screen": 0}
    assert (found["bona_fide"]["bpcer"], found["bona_fide"]["non_response"]) == (0, 0)
    assert found["species"]["print"]["iapar"] == 0
    assert found["species"]["screen"]["presentations"] == 2


def test_without_a_detector_the_command_says_how_to_get_one(run, presentations, model_dir):
    if (model_dir / "minifasnet_v2_2.7_80.onnx").exists():
        pytest.skip("the passive detector is installed here")
    done = run("pad", "--manifest", presentations)
    assert done.exit_code == 1
    assert "run `authsvc models pull minifasnet`" in done.stderr


def test_a_clip_gives_frames_from_all_over_it(test_data):
    pytest.importorskip("av", reason="PyAV is not installed, so clips cannot be read")
    frames = frames_of(test_data / "pad" / "live_clip.mp4")
    assert len(frames) == MOST_FRAMES
    assert len(set(frames)) == len(frames)


def test_a_folder_gives_its_frames_in_order(tmp_path):
    for number in range(30):
        Image.new("L", (4, 4), number).save(tmp_path / f"{number:03}.png")
    frames = frames_of(tmp_path)
    assert len(frames) == MOST_FRAMES
    assert frames[0] == (tmp_path / "000.png").read_bytes()
    assert frames[-1] == (tmp_path / "029.png").read_bytes()


def test_a_clip_that_is_none_is_refused(tmp_path):
    pytest.importorskip("av", reason="PyAV is not installed, so clips cannot be read")
    (tmp_path / "clip.mp4").write_bytes(b"nothing at all")
    with pytest.raises(InvalidRequest, match="is not a clip"):
        frames_of(tmp_path / "clip.mp4")
