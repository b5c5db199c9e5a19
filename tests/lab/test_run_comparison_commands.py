"""`authsvc lab compare`: its exit code, and files that are no reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.cli.main import main
from tests.lab.test_gate import run_of


@pytest.mark.parametrize(("accepted", "code"), [(0, 0), (60, 1)])
def test_the_command_ends_with_1_when_anything_is_worse(accepted: int, code: int, tmp_path: Path) -> None:
    for name, run in (("a", run_of(100, 60)), ("b", run_of(100, 60, accepted=accepted))):
        (tmp_path / name).write_text(json.dumps(run))
    done = CliRunner().invoke(main, ["lab", "compare", str(tmp_path / "a"), str(tmp_path / "b")])
    assert done.exit_code == code, done.output
    assert ("worse" in done.stdout) == bool(code)


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    for text in ("{", "[]", "{}"):
        (tmp_path / "a").write_text(text)
        assert (
            CliRunner().invoke(main, ["lab", "compare", str(tmp_path / "a"), str(tmp_path / "a")]).exit_code
            == 1
        )
