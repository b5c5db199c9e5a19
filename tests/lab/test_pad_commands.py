"""Presentation attacks on real pictures: refused, and the living accepted."""

import json
from pathlib import Path

import pytest

from authsvc.lab.clips import frames_of


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
    for path, *_ in rows[:3]:
        (made / path.name).symlink_to(path)
    lines = ["path,label,subject", *(f"{path.name},{label},{subject}" for path, label, subject in rows)]
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


@pytest.mark.parametrize(
    ("name", "said"), [("dlib-resnet-v1", "is not one of a passive"), ("other", "are needed")]
)
@pytest.mark.parametrize("command", [("pad",), ("calibrate", "pad")])
def test_a_detector_is_chosen_by_its_manifest(run, presentations, command, name, said):
    done = run(*command, "--manifest", presentations, "--detector", name)
    assert done.exit_code == 1
    assert said in done.stderr


def test_without_a_detector_the_command_says_how_to_get_one(run, presentations, model_dir):
    if (model_dir / "minifasnet_v2_2.7_80.onnx").exists():
        pytest.skip("the passive detector is installed here")
    done = run("pad", "--manifest", presentations)
    assert done.exit_code == 1
    assert "run `authsvc models pull minifasnet`" in done.stderr
