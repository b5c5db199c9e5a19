"""What the policy commands print for people, line by line; machines read the JSON instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from authsvc.policy.analysis import Analysis
from authsvc.policy.conditions import Reason
from authsvc.policy.diff import Difference
from authsvc.policy.explain import Explanation
from authsvc.policy.findings import Witness
from authsvc.policy.level import Level


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    outcome = explanation.outcome
    lifted = f" (asked {outcome.asked}, lifted by exemption {outcome.exemption})" if outcome.exemption else ""
    yield f"level    {outcome.level}{lifted}"
    yield f"sets     {' or '.join(' + '.join(each) or 'nothing' for each in outcome.sets) or 'none'}"
    yield f"fired    {', '.join(outcome.fired) or 'no rule'}"
    for reason in outcome.reasons:
        yield f"because  {_reason(reason)}"
    for near in explanation.nearly:
        yield f"nearly   {near.level}: {_reason(near.missing)}"
    for change in explanation.changes:
        was = "not stated" if change.was is None else change.was
        yield f"change   {change.field} from {was} to {change.becomes}: {change.level}"


def analysis_lines(analysis: Analysis) -> Iterator[str]:
    shares = ", ".join(f"{level} {analysis.levels.get(level, 0)}" for level in Level)
    yield f"{analysis.walked} of {analysis.cells} cells walked: {shares}"
    for finding in analysis.findings:
        clause = f" [{finding.clause}]" if finding.clause is not None else ""
        yield f"{finding.severity}: {finding.code}: {finding.text}{clause}"
        yield from (f"  {_witness(witness)}" for witness in finding.witnesses)
    if not analysis.findings:
        yield "nothing found: monotone, without gaps, every rule counts"


def difference_lines(difference: Difference) -> Iterator[str]:
    changed = sum(region.cells for region in difference.regions)
    yield f"{changed} of {difference.cells} cells change"
    if difference.walked < difference.cells:
        yield f"only {difference.walked} cells were compared; nothing is claimed of the others"
    for region in difference.regions:
        where = ", ".join(f"{name} {span}" for name, span in region.where.items()) or "everywhere"
        only_sets = " (other sets)" if str(region.before) == str(region.after) else ""
        yield f"{region.before} → {region.after}{only_sets}: {where}  [{region.cells} cells]"
    for name, before, after in difference.settings:
        yield f"{name}: {before} → {after}"


def report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The figures of `Backtest.report`. Any: JSON."""
    if report["mismatch"] is not None:
        mismatch = report["mismatch"]
        yield f"decision {mismatch['id']} cannot be reproduced; nothing can be said of the candidate"
        yield f"recorded {mismatch['recorded']}"
        yield f"repeated {mismatch['repeated']}"
        return
    yield f"{report['eligible']} of {report['read']} decisions reproduced"
    yield from (f"skipped {times}: {reason}" for reason, times in report["skipped"].items())
    for before, row in report["migrations"].items():
        yield from (f"{before} → {after}: {times}" for after, times in row.items())
    for name in ("challenge_rate", "fraud", "settled"):
        yield f"{name.replace('_', ' ')}: {report[name]}"
    yield f"abandoned challenges: {report['abandonment']['expected']}"
    for direction in ("stricter", "weaker"):
        yield f"{direction}: {report[direction]['decisions']} decisions over {report[direction]['amount_minor']}"


def fault_lines(findings: object) -> Iterator[str]:
    for finding in findings if isinstance(findings, list) else []:
        where = ":".join(str(part) for part in (finding["source"], finding["line"]) if part is not None)
        yield f"{where}: {finding['message']}"


def _reason(reason: Reason) -> str:
    return f"{reason.rule}: {reason.field} is {reason.value}, bound {reason.bound}"


def _witness(witness: Witness) -> str:
    inputs = witness.inputs
    risk = "no risk stated" if inputs.risk_score is None else f"risk {inputs.risk_score}"
    return (
        f"{witness.level}: {inputs.type} of {inputs.amount_minor} {inputs.currency} (smallest unit), "
        f"{inputs.novelty} device, {risk}"
    )
