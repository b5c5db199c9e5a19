"""The folders of three public sets are read as they are unpacked, and what is none of them is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from authsvc.errors import InvalidRequest
from authsvc.lab.gait_corpus import read_corpus
from tests.gait.walkers import Walker

SECONDS = 15


def uci_har(folder: Path, people: int, seconds: float = SECONDS) -> None:
    """Windows of 128 that overlap by half, a table for each axis."""
    signals = folder / "UCI HAR Dataset" / "train" / "Inertial Signals"
    signals.mkdir(parents=True)
    rows, subjects, activities = [], [], []
    for number in range(people):
        walked = Walker.of(number).walks(seconds, number)
        windows = [walked[at : at + 128] for at in range(0, len(walked) - 127, 64)]
        rows += [*windows, np.zeros((128, 3))]
        subjects += [str(number + 1)] * (len(windows) + 1)
        activities += [*(["1"] * len(windows)), "5"]
    for place, axis in enumerate("xyz"):
        np.savetxt(signals / f"total_acc_{axis}_train.txt", [row[:, place] for row in rows])
    (signals.parent / "subject_train.txt").write_text("\n".join(subjects))
    (signals.parent / "y_train.txt").write_text("\n".join(activities))


def motionsense(folder: Path, people: int, seconds: float = SECONDS) -> None:
    """Two trials, gravity in columns of its own."""
    names = [f"{kind}.{axis}" for kind in ("gravity", "userAcceleration") for axis in "xyz"]
    for trial in (7, 8):
        below = folder / "A_DeviceMotion_data" / f"wlk_{trial}"
        below.mkdir(parents=True)
        for number in range(people):
            walked = Walker.of(number).walks(seconds, 100 * trial + number)
            lines = [f"{at},0,0,1,{x},{y},{z - 1}" for at, (x, y, z) in enumerate(walked)]
            (below / f"sub_{number + 1}.csv").write_text("\n".join(["," + ",".join(names), *lines]))


def wisdm(folder: Path, people: int, seconds: float = SECONDS) -> None:
    """One file at 20 Hz, with a broken line and somebody who sits."""
    lines = ["33,Jogging", "5,Sitting,1000000000,1,2,3;", ";"]
    for number in range(people):
        walked = Walker.of(number).walks(seconds, number, 20.0)
        lines += [
            f"{number + 1},Walking,{int(1e9 + at * 5e7)},{x},{y},{z};" for at, (x, y, z) in enumerate(walked)
        ]
    (folder / "WISDM_ar_v1.1_raw.txt").write_text("\n".join(lines))


LAYOUTS: dict[str, Callable[..., None]] = {"UCI HAR": uci_har, "MotionSense": motionsense, "WISDM": wisdm}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_read_by_person_and_session(tmp_path: Path, layout: str) -> None:
    LAYOUTS[layout](tmp_path, 3)
    corpus = read_corpus(tmp_path)
    assert corpus.layout == layout
    assert len({walk.person for walk in corpus.walks}) == 3
    sessions = {walk.session for walk in corpus.walks}
    assert sessions == ({"wlk_7", "wlk_8"} if layout == "MotionSense" else {None})
    for walk in corpus.walks:
        assert walk.acceleration.shape[1] == 3
        assert len(walk.acceleration) / walk.rate == pytest.approx(SECONDS, abs=1.5)
        # Gravity is in it, in whichever unit.
        assert np.linalg.norm(walk.acceleration, axis=1).mean() == pytest.approx(1, abs=0.2)


def test_windows_that_overlap_are_joined_once(tmp_path: Path) -> None:
    uci_har(tmp_path, 1)
    (walk,) = read_corpus(tmp_path).walks
    expected = Walker.of(0).walks(SECONDS, 0)[: len(walk.acceleration)]
    assert np.allclose(walk.acceleration, expected)


def test_a_gap_begins_another_recording(tmp_path: Path) -> None:
    lines = [f"1,Walking,{int(at * 5e7)},0,0,{at};" for at in (*range(1, 41), *range(100, 121))]
    (tmp_path / "WISDM_ar_v1.1_raw.txt").write_text("\n".join(lines))
    assert [len(walk.acceleration) for walk in read_corpus(tmp_path).walks] == [40, 21]


@pytest.mark.parametrize("name", ["notes.txt", "train/subject_train.txt", "wlk_7/sub_1.csv"])
def test_what_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(InvalidRequest):
        read_corpus(tmp_path)
