"""`authsvc evidence`: written beside the service, verified without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.cli.main import main
from tests.support.service import Bench, embedded


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A decision that was authenticated, and its evidence."""
    folder = tmp_path_factory.mktemp("evidence")
    bench = Bench(embedded(folder / "data"))
    phone = bench.enroll()
    decision = bench.decide(bench.payment(125_000), phone.device)
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated
    bench.close()
    decision_id = str(decision["id"])
    _run(
        "evidence",
        decision_id,
        "--data-dir",
        folder / "data",
        "--out",
        folder / "e.json",
        "--html",
        folder / "e.html",
    )
    return folder, decision_id


def _run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(each) for each in words])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def test_evidence_is_verified_with_nothing_but_its_file(written: tuple[Path, str]) -> None:
    folder, decision_id = written
    found = json.loads(_run("evidence", "verify", folder / "e.json", "--json"))
    assert found["sound"]
    assert [each["action"] for each in found["timeline"]] == ["decision.decide", "decision.complete"]
    assert decision_id in (folder / "e.html").read_text()
    keys = folder / "keys.json"
    keys.write_text(json.dumps(json.loads((folder / "e.json").read_text())["keys"]))
    _run("evidence", "verify", folder / "e.json", "--keys", keys)
    _run("audit", "evidence", folder / "e.json", "--keys", keys)


def test_what_was_touched_does_not_hold(written: tuple[Path, str]) -> None:
    folder, _ = written
    spoiled = folder / "spoiled.json"
    spoiled.write_text((folder / "e.json").read_text().replace("authenticated", "denied"))
    assert "NOT sound" in _run("evidence", "verify", spoiled, "--html", folder / "spoiled.html", code=1)
    assert "It does not hold" in (folder / "spoiled.html").read_text()


def test_a_decision_that_there_is_not_is_said_so(written: tuple[Path, str]) -> None:
    folder, _ = written
    result = CliRunner().invoke(main, ["evidence", "dec_none", "--data-dir", str(folder / "data")])
    assert result.exit_code == 1
    assert "there is no decision `dec_none`" in result.stderr


@pytest.mark.parametrize("option", ["--out", "--html"])
def test_a_folder_that_is_not_there_is_refused_before_anything_is_written(
    written: tuple[Path, str], tmp_path: Path, option: str
) -> None:
    folder, decision_id = written
    other = {"--out": "--html", "--html": "--out"}[option]
    words = [
        decision_id,
        "--data-dir",
        folder / "data",
        option,
        tmp_path / "absent" / "e",
        other,
        tmp_path / "e",
    ]
    result = CliRunner().invoke(main, ["evidence", *map(str, words)])
    assert result.exit_code == 2
    assert "there is no folder" in result.output
    assert not list(tmp_path.iterdir())
