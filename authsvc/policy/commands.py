"""`authsvc policy …`: try a document, a payment or a change on the command line before anything of it is live."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import click

from authsvc.errors import AuthsvcError, PolicyInvalid
from authsvc.policy import loading
from authsvc.policy.conditions import Reason
from authsvc.policy.engine import Policy
from authsvc.policy.explain import Explanation, explain
from authsvc.policy.inputs import Inputs

_Result = TypeVar("_Result")

_document = click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")


@click.group()
def policy() -> None:
    """Policy documents: what must a payer prove."""


@policy.command("validate")
@_document
@_json
def validate_command(document: Path, as_json: bool) -> None:
    """Check a document's schema, its bounds and its own tests; exit code 1 when it may not be used."""
    try:
        valid = loading.from_file(document)
    except PolicyInvalid as error:
        findings = error.extra["findings"]
        _print(as_json, {"valid": False, "findings": findings}, _fault_lines(findings))
        raise SystemExit(1) from error
    described = {"id": valid.id, "version": valid.version, "digest": valid.digest}
    tests = len(valid.document.tests)
    _print(
        as_json,
        {
            "valid": True,
            "policy": described,
            "rules": len(valid.document.rules),
            "tests": tests,
            "findings": [],
        },
        [f"{valid.id} version {valid.version} is valid, {tests} tests pass", valid.digest],
    )


@policy.command("explain")
@click.argument("payment", type=click.File("rb"), default="-")
@click.option(
    "--policy",
    "document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The document to ask; by default the shipped one.",
)
@_json
def explain_command(payment: BinaryIO, document: Path | None, as_json: bool) -> None:
    """Explain one payment: an input snapshot as JSON, from a file or standard input; what it leaves out is not known."""
    # A broken document may be looked at too: this is how a counter-example of `analyze` is confirmed.
    asked = _refusing(lambda: _policy_of(document))
    inputs = _refusing(lambda: Inputs.from_json(payment.read()))
    explanation = explain(asked, inputs)
    _print(as_json, explanation.to_json(), _explanation_lines(explanation))


def _policy_of(document: Path | None) -> Policy:
    return loading.shipped() if document is None else loading.from_file(document, for_analysis=True)


def _explanation_lines(explanation: Explanation) -> Iterator[str]:
    outcome = explanation.outcome
    lifted = f" (asked {outcome.asked}, lifted by exemption {outcome.exemption})" if outcome.exemption else ""
    yield f"level    {outcome.level}{lifted}"
    yield f"sets     {' or '.join(' + '.join(each) for each in outcome.sets) or 'none'}"
    yield f"fired    {', '.join(outcome.fired) or 'no rule'}"
    for reason in outcome.reasons:
        yield f"because  {_reason_line(reason)}"
    for near in explanation.nearly:
        yield f"nearly   {near.level}: {_reason_line(near.missing)}"
    for change in explanation.changes:
        was = "not stated" if change.was is None else change.was
        yield f"change   {change.field} from {was} to {change.becomes}: {change.level}"


def _reason_line(reason: Reason) -> str:
    return f"{reason.rule}: {reason.field} is {reason.value}, bound {reason.bound}"


def _fault_lines(findings: object) -> Iterator[str]:
    for finding in findings if isinstance(findings, list) else []:
        where = ":".join(str(part) for part in (finding["source"], finding["line"]) if part is not None)
        yield f"{where}: {finding['message']}"


def _refusing(work: Callable[[], _Result]) -> _Result:
    """What cannot be read is the caller's mistake: one line, no traceback."""
    try:
        return work()
    except AuthsvcError as error:
        raise click.ClickException(error.detail) from error


def _print(as_json: bool, described: dict[str, object], lines: Iterator[str] | list[str]) -> None:
    if as_json:
        click.echo(json.dumps(described, ensure_ascii=False))
        return
    for line in lines:
        click.echo(line)
