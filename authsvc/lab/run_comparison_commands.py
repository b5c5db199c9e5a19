"""`authsvc lab compare`: two runs side by side, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from authsvc.errors import InvalidRequest
from authsvc.lab.options import echo
from authsvc.lab.run_comparison import compared

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("compare")
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def compare_command(before: Path, after: Path, as_json: bool) -> None:
    """Two runs of `lab pad` or `lab all`, BEFORE and AFTER: better, worse, or not shown; exits with 1 when anything is worse."""
    reports = _report(before), _report(after)
    if ("figures" in reports[0]) != ("figures" in reports[1]):
        raise InvalidRequest("one is a report of `authsvc lab all`, and the other is not")
    found = compared(*reports)
    echo(as_json, found, _lines(found))
    if any(row["verdict"] == "worse" for row in found["rates"]):
        raise SystemExit(1)


def _report(file: Path) -> dict[str, Any]:
    try:
        report = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"`{file.name}` is not JSON") from error
    if not isinstance(report, dict) or not ({"species", "bona_fide"} <= set(report) or "figures" in report):
        raise InvalidRequest(f"`{file.name}` is no report of `authsvc lab pad` or `authsvc lab all`")
    return report


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if not found["same_data_set"]:
        yield "warning: the runs are on different data sets, and a difference may be theirs"
    for row in found["rates"]:
        was, now = (_shown(row[name]) for name in ("before", "after"))
        yield f"{row['group']:<16} {row['rate']:<18} {was:>10} {now:>10}  {row['verdict']}"


def _shown(rate: float | None) -> str:
    return "not shown" if rate is None else f"{rate:.2%}"
