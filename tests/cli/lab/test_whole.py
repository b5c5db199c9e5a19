"""One command measures what a folder can show, and writes JSON, a page and an exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authsvc.cli.lab import chains
from authsvc.cli.lab.attack import with_face
from authsvc.cli.lab.chains import face_groups
from authsvc.cli.lab.in_process import InProcess
from authsvc.cli.main import main
from authsvc.lab import whole_page
from authsvc.lab.drill import captures
from authsvc.lab.drill.people import Person
from authsvc.lab.people import read_people


@pytest.fixture(scope="module")
def done(faces_dir: Path, model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("whole")
    for name, most in (("obama", 4), ("biden", 2), ("person_a", 4)):
        (folder / "faces" / name).mkdir(parents=True)
        for file in sorted((faces_dir / name).glob("*.jpg"))[:most]:
            (folder / "faces" / name / file.name).symlink_to(file)
    words = ["lab", "all", "--dir", folder, "--out", folder / "run.json", "--html", folder / "run.html"]
    words += [
        "--thumbnails",
        "--keep",
        folder / "kept",
        "--model-dir",
        model_dir,
        "--processes",
        1,
        "--max-iapar",
        0.07,
        "--max-bpcer",
        0.05,
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captures, "GESTURE_S", 0.0)
        return CliRunner().invoke(main, list(map(str, words))), folder


@pytest.fixture(scope="module")
def run(done: tuple[Result, Path]) -> Any:
    return json.loads((done[1] / "run.json").read_text())


def test_what_the_sample_cannot_show_is_not_met(done: tuple[Result, Path], run: Any) -> None:
    assert done[0].exit_code == 1, done[0].output
    assert "BPCER is not shown: no live person was tried" in run["gate"]["faults"]
    assert run["chain"]["face"]["gates"]


def test_every_figure_stands_on_the_page_beside_what_it_rests_on(done: tuple[Result, Path], run: Any) -> None:
    page = (done[1] / "run.html").read_text()
    rows = {(row["part"], row["group"], row["rate"]): row for row in run["figures"]}
    fmr = rows["face", "k=1, m=1, 1 in 10000", "fmr"]
    assert f"{fmr['errors']} / {fmr['trials']}" in page
    assert rows["face", "faces", "fta"]["trials"] == 10
    assert all(each in page for each in (run["data_set_digest"], run["policy"], run["face"]["model_digest"]))
    assert "APCER and BPCER: no manifest" in page
    assert "<svg" in page
    assert f"Worst species</span>: <b>{run['chain']['worst_species']}</b>" in page


def test_every_layer_of_a_face_is_a_row_and_was_tried(run: Any) -> None:
    tried = {row["group"]: row for row in run["figures"] if (row["part"], row["rate"]) == ("chain", "iapar")}
    assert set(tried) == {
        "photograph", "photograph+print", "photograph+screen", "photograph+re-encode", "photograph+inject",
        "photograph+other-nonce", "slideshow", "slideshow+cut", "slideshow+shuffle",
    }  # fmt: skip
    assert all((row["errors"], row["trials"]) == (0, 1) for row in tried.values())


def test_pictures_stand_on_the_page_alone_which_is_its_owners(done: tuple[Result, Path]) -> None:
    page = (done[1] / "run.html").read_text()
    assert 'src="data:image/jpeg' in page
    assert "holds pictures of people" in page
    assert "default-src 'none'" in page
    assert (done[1] / "run.html").stat().st_mode & 0o777 == 0o600
    kept = [each for each in done[1].rglob("*") if each.is_file() and not each.is_symlink()]
    assert not [each for each in kept if each.suffix != ".html" and b"data:image" in each.read_bytes()]
    without = whole_page.page(json.loads((done[1] / "run.json").read_text()))
    assert "<img" not in without


def test_a_run_that_was_broken_off_takes_what_is_kept_for_what_was_shown(
    done: tuple[Result, Path], run: Any, monkeypatch: pytest.MonkeyPatch, model_dir: Path
) -> None:
    folder = done[1]
    first, *rest = sorted((folder / "kept").glob("*.jsonl"))
    rest[-1].unlink()
    people = read_people(folder / "faces")
    groups = face_groups(people, None)
    asked: list[str] = []

    def enroll(service: InProcess, frames: Sequence[bytes]) -> Person:
        asked.append("")
        return with_face(service, frames)

    monkeypatch.setattr(chains, "with_face", enroll)
    monkeypatch.setattr(captures, "GESTURE_S", 0.0)
    again = chains.face_chain(people, groups, model_dir, folder / "kept")
    assert {**again, "service": ""} == {**run["chain"], "service": ""}
    assert len(asked) == len(groups[-1].corpus.samples)
    assert first.is_file()
