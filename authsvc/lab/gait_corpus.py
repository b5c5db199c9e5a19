"""Recordings of people who walk, from the folders in which three public sets come: UCI HAR, MotionSense and WISDM.

None is shipped. Which set a folder holds is told by its files. Sessions are kept apart where the set has them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import InvalidRequest

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One unbroken recording; `session` is None where the set does not say."""

    person: str
    session: str | None
    rate: float
    acceleration: Samples


@dataclass(frozen=True, slots=True)
class Corpus:
    layout: str
    walks: tuple[Walk, ...]


def read_corpus(folder: Path) -> Corpus:
    """Raises InvalidRequest for a folder in no layout that is known, or whose files cannot be read."""
    for layout, (pattern, read) in _LAYOUTS.items():
        files = sorted(folder.rglob(pattern))
        if files:
            try:
                walks = tuple(read(files))
            except (OSError, ValueError, KeyError, IndexError) as error:
                raise InvalidRequest(
                    f"`{folder.name}` looks like {layout} and cannot be read: {error}"
                ) from error
            return Corpus(layout, walks)
    raise InvalidRequest(f"`{folder.name}` holds neither UCI HAR, MotionSense nor WISDM")


def _uci_har(files: list[Path]) -> Iterator[Walk]:
    """Rows are windows of 128 samples at 50 Hz, each half of the one before; activity 1 is walking."""
    for subjects in files:
        part = subjects.stem.removeprefix("subject_")
        people = subjects.read_text().split()
        activities = (subjects.parent / f"y_{part}.txt").read_text().split()
        axes = [
            np.loadtxt(subjects.parent / "Inertial Signals" / f"total_acc_{axis}_{part}.txt", ndmin=2)
            for axis in "xyz"
        ]
        windows = np.stack(axes, axis=2)
        if not len(people) == len(activities) == len(windows):
            raise ValueError("its tables are not equally long")
        rows = enumerate(zip(people, activities, strict=True))
        for (person, activity), run in groupby(rows, key=lambda row: row[1]):
            if activity == "1":
                numbers = [number for number, _ in run]
                half = windows.shape[1] // 2
                joined = [windows[numbers[0]], *(windows[number][half:] for number in numbers[1:])]
                yield Walk(person, None, 50.0, np.concatenate(joined))


def _motionsense(files: list[Path]) -> Iterator[Walk]:
    """A CSV for each person in a folder for each trial (`wlk_7/sub_1.csv`), at 50 Hz; gravity stands in columns of its own."""
    for file in files:
        with file.open(newline="") as text:
            rows = [
                [float(row[f"userAcceleration.{axis}"]) + float(row[f"gravity.{axis}"]) for axis in "xyz"]
                for row in csv.DictReader(text)
            ]
        yield Walk(file.stem, file.parent.name, 50.0, np.array(rows, dtype=np.float64).reshape(-1, 3))


def _wisdm(files: list[Path]) -> Iterator[Walk]:
    """Lines `person,activity,nanoseconds,x,y,z;` at 20 Hz, some of them broken; a gap of a second begins another recording."""
    runs: defaultdict[str, list[tuple[float, list[float]]]] = defaultdict(list)
    for file in files:
        for line in file.read_text(errors="replace").replace(";", "\n").splitlines():
            fields = [each.strip() for each in line.strip().rstrip(",").split(",")]
            if len(fields) == 6 and fields[1] == "Walking" and all(fields):
                runs[fields[0]].append((float(fields[2]) / 1e9, [float(each) for each in fields[3:]]))
    for person, samples in sorted(runs.items()):
        begun = 0
        for at in range(1, len(samples) + 1):
            if at == len(samples) or not 0 <= samples[at][0] - samples[at - 1][0] < 1:
                rows = [values for _, values in samples[begun:at]]
                yield Walk(person, None, 20.0, np.array(rows, dtype=np.float64))
                begun = at


_LAYOUTS = {
    "UCI HAR": ("subject_*.txt", _uci_har),
    "MotionSense": ("wlk_*/sub_*.csv", _motionsense),
    "WISDM": ("WISDM_ar_*_raw.txt", _wisdm),
}
