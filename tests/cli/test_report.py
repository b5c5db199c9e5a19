"""A month's report as a page, and the command that makes it of a service's own log."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.cli.main import main
from authsvc.cli.month_page import page
from tests.operators.test_month import told
from tests.support.service import Bench, embedded


def test_the_page_says_what_is_not_shown() -> None:
    found = {**told([]), "audit": {"lines": 0, "sound": True}, "lab": None, "open_findings": None}
    drawn = page(found)
    assert drawn.count("无法证明 not shown") == 4
    shown = page(
        {
            **found,
            "open_findings": ["<hole>"],
            "lab": {"date": "2026-11-02", "data_set": "x", "gate": {"faults": []}},
        }
    )
    assert "&lt;hole&gt;" in shown
    assert "满足所有限值" in shown
    assert not any(each in shown for each in ("<script", "src=", "href="))


def test_the_command_reads_a_services_own_log(tmp_path: Path) -> None:
    bench = Bench(embedded(tmp_path / "data"))
    phone = bench.enroll()
    bench.decide(bench.payment(2_500), phone.device)
    asked = bench.decide(bench.payment(125_000), phone.device)
    for code in ("000000", phone.code(bench.clock)):
        bench.answer_otp(asked, code)
        bench.complete(asked)
    bench.close()
    drills = {
        "drills": [
            {"name": "a", "attack": "b", "verdict": "hole"},
            {"name": "c", "attack": "d", "verdict": "stopped"},
            {"name": "e", "attack": "f", "verdict": "broken"},
        ]
    }
    (tmp_path / "drills.json").write_text(json.dumps(drills))
    words = [
        "report",
        "--month",
        "2026-11",
        "--html",
        tmp_path / "month.html",
        "--out",
        tmp_path / "month.json",
    ]
    words += ["--drills", tmp_path / "drills.json", "--data-dir", tmp_path / "data"]
    done = CliRunner().invoke(main, list(map(str, words)))
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "month.json").read_text())
    assert found["decisions"] == {"approved:none": 1, "challenge_required:otp": 1}
    assert found["false_rejects"] == {"challenges": 1, "of_authenticated": 1}
    assert found["open_findings"] == ["a: b", "e: f (could not be played, so nothing is shown)"]
    assert found["audit"]["sound"]
    assert "1 / 1" in (tmp_path / "month.html").read_text()
    assert CliRunner().invoke(main, [*map(str, words), "--month", "soon"]).exit_code == 2


@pytest.mark.parametrize("option", ["--html", "--out"])
def test_a_folder_that_is_not_there_is_refused_before_anything_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    counted: list[object] = []
    monkeypatch.setattr("authsvc.cli.report.opened_store", counted.append)
    files = {"--html": tmp_path / "month.html", option: tmp_path / "absent/file"}
    words = [str(each) for pair in files.items() for each in pair]
    done = CliRunner().invoke(main, ["report", "--month", "2026-11", *words])
    assert (done.exit_code, counted) == (2, [])
    assert f"there is no folder `{tmp_path / 'absent'}`" in done.output
