"""A backtest over a file of recorded decisions, which may be stopped and taken up again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from authsvc.errors import InvalidRequest
from authsvc.policy.backtest import Backtest
from authsvc.policy.engine import Policy
from authsvc.policy.recorded import read

SAVE_EVERY = 100_000


def open_backtest(candidate: Policy, policies: Iterable[Policy], state: Path | None) -> Backtest:
    """A new backtest, or the one that a state file was left by; raises InvalidRequest for what is no such file."""
    if state is None or not state.exists():
        return Backtest(candidate, policies)
    try:
        return Backtest.resumed(candidate, policies, json.loads(state.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest(f"`{state.name}` is not the state of a backtest") from error


def run_file(
    backtest: Backtest, decisions: Path, state: Path | None, progress: Callable[[int], None]
) -> None:
    """Take in every line that was not taken in yet; `progress` is called with the bytes of each. The state is kept as it goes."""
    try:
        with decisions.open("rb") as lines:
            for number, line in enumerate(lines):
                progress(len(line))
                if number < backtest.tally.read:
                    continue
                if not backtest.take(read(line)):
                    return
                if number % SAVE_EVERY == 0:
                    _save(backtest, state)
    finally:
        _save(backtest, state)


def _save(backtest: Backtest, state: Path | None) -> None:
    """Written beside and moved, so that a state file is always whole."""
    if state is not None:
        beside = state.with_name(f"{state.name}.new")
        beside.write_text(json.dumps(backtest.state()), encoding="utf-8")
        beside.replace(state)
