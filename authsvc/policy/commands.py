"""`authsvc policy …`: try a document, a payment or a change on the command line before anything of it is live."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeVar

import click

from authsvc.errors import AuthsvcError, PolicyInvalid
from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.backtest_file import open_backtest, run_file
from authsvc.policy.det_picture import det_picture
from authsvc.policy.diff import diff
from authsvc.policy.document import Document
from authsvc.policy.engine import Policy
from authsvc.policy.explain import explain
from authsvc.policy.inputs import Inputs
from authsvc.policy.model_options import model_options
from authsvc.policy.picture import picture
from authsvc.policy.profiles import Profile
from authsvc.policy.thresholds import Model, thresholds
from authsvc.policy.walk import MOST_CELLS
from authsvc.policy.wording import (
    analysis_lines,
    difference_lines,
    explanation_lines,
    fault_lines,
    gesture_lines,
    report_lines,
    threshold_lines,
)

_Result = TypeVar("_Result")

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
_most_cells = click.option(
    "--most-cells",
    type=click.IntRange(min=1),
    default=MOST_CELLS,
    show_default=True,
    help="Where to stop walking.",
)


@click.group()
def policy() -> None:
    """Policy documents: what must a payer prove."""


@policy.command("validate")
@click.argument("document", type=_file)
@model_options
@_json
def validate_command(document: Path, models: tuple[Model, ...], as_json: bool) -> None:
    """Check a document's schema, bounds, own tests and false match rates; exit code 1 when it may not be used."""
    try:
        valid = loading.from_file(document, models=models)
    except PolicyInvalid as error:
        _reject(as_json, error)
    tests = len(valid.document.tests)
    described = {"id": valid.id, "version": valid.version, "digest": valid.digest}
    counts = {"rules": len(valid.rules), "tests": tests, "models": [each.manifest.id for each in models]}
    lines = [f"{valid.id} version {valid.version} is valid, {tests} tests pass", valid.digest]
    if not models:
        lines.append("no calibrated model is installed here, so no false match rate was checked")
    _print(as_json, {"valid": True, "policy": described, **counts, "findings": []}, lines)


@policy.command("explain")
@click.argument("payment", type=click.File("rb"), default="-")
@click.option("--policy", "document", type=_file, help="The document to ask; by default the shipped one.")
@_json
def explain_command(payment: BinaryIO, document: Path | None, as_json: bool) -> None:
    """Explain one payment: an input snapshot as JSON, from a file or standard input; what it leaves out is not known."""
    inputs = _refusing(lambda: Inputs.from_json(payment.read()))
    explanation = explain(_refusing(lambda: _policy_of(document)), inputs)
    _print(as_json, explanation.to_json(), explanation_lines(explanation))


@policy.command("analyze")
@click.argument("document", type=_file, required=False)
@click.option(
    "--profile", type=click.Choice([each.value for each in Profile]), help="A rule book to check as well."
)
@click.option(
    "--enrolled", help="Only these factors are enrolled, as `otp,face`: which levels are out of reach?"
)
@_most_cells
@_json
def analyze_command(
    document: Path | None, profile: str | None, enrolled: str | None, most_cells: int, as_json: bool
) -> None:
    """Walk every cell of a document and report what is wrong with it; exit code 1 when there is an error."""
    try:
        looked_at = _policy_of(document)
    except PolicyInvalid as error:
        _reject(as_json, error)
    analysis = analyze(
        looked_at,
        profile=None if profile is None else Profile(profile),
        enrolled=None if enrolled is None else _factors(enrolled),
        most_cells=most_cells,
    )
    _print(as_json, analysis.to_json(), analysis_lines(analysis))
    if analysis.has_errors:
        raise SystemExit(1)


@policy.command("thresholds")
@click.argument("document", type=_file, required=False)
@model_options
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw the DET curves into this file."
)
@_json
def thresholds_command(
    document: Path | None, models: tuple[Model, ...], svg: Path | None, as_json: bool
) -> None:
    """What a document's false match rates are as scores, and on whom that was measured; exit code 1 for one without support."""
    looked_at = _refusing(lambda: _policy_of(document))
    found = thresholds(looked_at.document, models)
    if svg is not None:
        svg.write_text(det_picture(found), encoding="utf-8")
    described: dict[str, object] = {
        "thresholds": [each.to_json() for each in found],
        "gestures": looked_at.gestures_by_level,
    }
    lines = (*threshold_lines(found), *gesture_lines(looked_at.gestures_by_level))
    _print(as_json, described, lines)
    raise SystemExit(int(any(each.refusal is not None for each in found)))


@policy.command("diff")
@click.argument("before", type=_file)
@click.argument("after", type=_file)
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Where to draw the change as a picture."
)
@_most_cells
@_json
def diff_command(before: Path, after: Path, svg: Path | None, most_cells: int, as_json: bool) -> None:
    """Which payments get another answer from AFTER than from BEFORE, and from what to what."""
    difference = _refusing(lambda: diff(_policy_of(before), _policy_of(after), most_cells=most_cells))
    if svg is not None:
        svg.write_text(picture(difference.before, difference.after), encoding="utf-8")
    _print(as_json, difference.to_json(), difference_lines(difference))


@policy.command("backtest")
@click.argument("candidate", type=_file)
@click.argument("decisions", type=_file)
@click.option(
    "--decided-by", type=_file, multiple=True, help="A document that took them; by default the shipped one."
)
@click.option(
    "--state", type=click.Path(dir_okay=False, path_type=Path), help="Where to stop and to take up again."
)
@_json
def backtest_command(
    candidate: Path, decisions: Path, decided_by: tuple[Path, ...], state: Path | None, as_json: bool
) -> None:
    """What CANDIDATE would have answered to recorded DECISIONS, one JSON object a line; exit code 1 on a mismatch."""
    past = [_refusing(partial(_policy_of, path)) for path in decided_by or (None,)]
    backtest = _refusing(lambda: open_backtest(loading.from_file(candidate), past, state))
    hidden = as_json or not sys.stderr.isatty()
    with click.progressbar(length=decisions.stat().st_size, file=sys.stderr, hidden=hidden) as bar:
        run_file(backtest, decisions, state, bar.update)
    report = backtest.report()
    _print(as_json, report, report_lines(report))
    raise SystemExit(int(backtest.mismatch is not None))


@policy.command("schema")
def schema_command() -> None:
    """The JSON Schema of policy documents."""
    click.echo(json.dumps(Document.published_schema(), indent=2, ensure_ascii=False))


def _policy_of(document: Path | None) -> Policy:
    """A document to look at, so also one that may not be used: this is how a finding about it is confirmed."""
    if document is None:
        return loading.shipped()
    return loading.from_file(document, for_analysis=True)


def _factors(listed: str) -> frozenset[Factor]:
    try:
        return frozenset(Factor(name.strip()) for name in listed.split(",") if name.strip())
    except ValueError as error:
        raise click.BadParameter(f"{error}; known are {', '.join(Factor)}") from error


def _reject(as_json: bool, error: PolicyInvalid) -> NoReturn:
    """A document that is none: its faults are the finding."""
    findings = error.extra["findings"]
    _print(as_json, {"valid": False, "findings": findings}, fault_lines(findings))
    raise SystemExit(1) from error


def _refusing(work: Callable[[], _Result]) -> _Result:
    """What cannot be read is the caller's mistake: every fault on its line, no traceback."""
    try:
        return work()
    except PolicyInvalid as error:
        raise click.ClickException("\n".join(fault_lines(error.extra["findings"]))) from error
    except AuthsvcError as error:
        raise click.ClickException(error.detail) from error


def _print(as_json: bool, described: dict[str, object], lines: Iterable[str]) -> None:
    click.echo(json.dumps(described, ensure_ascii=False) if as_json else "\n".join(lines))
