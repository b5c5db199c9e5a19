"""One command measures what a folder can show, and writes JSON, a page and an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authsvc.cli.main import main
from authsvc.lab.drill import captures


@pytest.fixture(scope="module")
def done(faces_dir: Path, model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("whole")
    for name, most in (("obama", 3), ("biden", 2), ("person_a", 4)):
        (folder / "faces" / name).mkdir(parents=True)
        for file in sorted((faces_dir / name).glob("*.jpg"))[:most]:
            (folder / "faces" / name / file.name).symlink_to(file)
    words = ["lab", "all", "--dir", folder, "--out", folder / "run.json", "--html", folder / "run.html"]
    words += ["--model-dir", model_dir, "--processes", 1, "--max-iapar", 0.07, "--max-bpcer", 0.05]
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
    assert rows["face", "faces", "fta"]["trials"] == 9
    assert all(each in page for each in (run["data_set_digest"], run["policy"], run["face"]["model_digest"]))
    assert "APCER and BPCER: no manifest" in page
    assert "<svg" in page
