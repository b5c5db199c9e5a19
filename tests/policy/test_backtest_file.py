"""A backtest over a file can be stopped at any line and taken up again, and the command says what it found."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from authsvc.errors import InvalidRequest
from authsvc.policy.backtest import Backtest
from authsvc.policy.backtest_file import open_backtest, run_file
from authsvc.policy.commands import policy as command
from tests.policy.builders import mapping
from tests.policy.chance import payment as random_payment
from tests.policy.test_backtest import CANDIDATE, FACE_FROM_80, OTP_FROM_40, OTP_FROM_60, PAST, decided, line


def _file(folder: Path, count: int = 500) -> Path:
    chance = Random(5)
    path = folder / "decisions.jsonl"
    decisions = [
        decided(random_payment(chance), id=f"dec_{number}", ending="settled") for number in range(count)
    ]
    path.write_text("\n".join(map(line, decisions)) + "\n", encoding="utf-8")
    return path


def test_a_backtest_that_stops_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    decisions, state = _file(tmp_path), tmp_path / "state.json"
    whole = open_backtest(CANDIDATE, [PAST], None)
    run_file(whole, decisions, None, lambda _: None)
    told = iter(range(200))

    with pytest.raises(RuntimeError, match="stopped"):
        run_file(open_backtest(CANDIDATE, [PAST], state), decisions, state, lambda _: _stop_after(told))
    again = open_backtest(CANDIDATE, [PAST], state)
    assert again.tally.read == 200
    run_file(again, decisions, state, lambda _: None)

    assert again.report() == whole.report()
    assert again.tally.read == 500


def _stop_after(told: Any) -> None:
    if next(told, None) is None:
        raise RuntimeError("stopped")


def test_a_state_of_another_candidate_or_of_nothing_at_all_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps(Backtest(PAST, []).state()), encoding="utf-8")
    with pytest.raises(InvalidRequest, match="another document"):
        open_backtest(CANDIDATE, [PAST], state)

    state.write_text("[]", encoding="utf-8")
    with pytest.raises(InvalidRequest, match="not the state of a backtest"):
        open_backtest(CANDIDATE, [PAST], state)


def test_the_command_reports_and_fails_on_a_mismatch(tmp_path: Path) -> None:
    past, candidate, decisions = tmp_path / "past.json", tmp_path / "new.json", _file(tmp_path, 50)
    past.write_text(json.dumps(mapping(OTP_FROM_40)), encoding="utf-8")
    candidate.write_text(json.dumps(mapping(OTP_FROM_60, FACE_FROM_80, version=2)), encoding="utf-8")
    arguments = ["backtest", str(candidate), str(decisions), "--decided-by", str(past)]

    good = CliRunner().invoke(command, [*arguments, "--json"])
    decisions.write_text(
        decisions.read_text(encoding="utf-8").replace('"level": "otp"', '"level": "face"'), "utf-8"
    )
    bad = CliRunner().invoke(command, arguments)

    assert good.exit_code == 0
    assert json.loads(good.output)["eligible"] == 50
    assert bad.exit_code == 1
    assert "cannot be reproduced" in bad.output
