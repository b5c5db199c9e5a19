"""What the policy commands print for people, line by line; machines read the JSON instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from authsvc.biometric.det_svg import percent
from authsvc.biometric.words import Capture
from authsvc.policy.analysis import Analysis
from authsvc.policy.conditions import Reason
from authsvc.policy.diff import Difference, Region
from authsvc.policy.explain import Explanation
from authsvc.policy.findings import Witness
from authsvc.policy.gestures import worth
from authsvc.policy.level import Level
from authsvc.policy.thresholds import Threshold
from authsvc.policy.ways import Offer


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    outcome = explanation.outcome
    lifted = f" (asked {outcome.asked}, lifted by exemption {outcome.exemption})" if outcome.exemption else ""
    yield f"level    {outcome.level}{lifted}"
    if (warning := outcome.warning) is not None:
        yield f"warning  {warning.warning} by {warning.id}"
    yield f"sets     {' or '.join(' + '.join(each) or 'nothing' for each in outcome.sets) or 'none'}"
    if outcome.gestures:
        yield f"gestures {outcome.gestures}: {worth(outcome.gestures)}"
    yield from (f"shut     {_reason(reason)}" for reason in outcome.shut)
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
    yield f"{analysis.cells} cells in {analysis.walked} steps: {shares}"
    for finding in analysis.findings:
        clause = f" [{finding.clause}]" if finding.clause is not None else ""
        yield f"{finding.severity}: {finding.code}: {finding.text}{clause}"
        yield from (f"  {_witness(witness)}" for witness in finding.witnesses)
    if not analysis.findings:
        yield "nothing found: monotone, without gaps, every rule counts"


def gesture_lines(counts: Mapping[Level, int]) -> Iterator[str]:
    """How many gestures each level asks of a face, and what so many are worth."""
    for level, count in counts.items():
        yield f"gestures    {level}: {count}; {worth(count)}"


def difference_lines(difference: Difference) -> Iterator[str]:
    if not difference.complete:
        yield f"the comparison ended after {difference.walked} steps: nothing is known of the change"
        return
    yield f"{difference.changed} of {difference.cells} cells change, {difference.weaker} ask less"
    for region in difference.regions:
        where = ", ".join(f"{name} {span}" for name, span in region.where.items()) or "everywhere"
        less = "asks less: " if region.asks_less else ""
        ways = f" ({_other_ways(region)})" if str(region.before) == str(region.after) else ""
        yield f"{less}{region.before} → {region.after}{ways}: {where}  [{region.cells} cells]"
    told = sum(region.cells for region in difference.regions)
    if told < difference.changed:
        yield f"and {difference.changed - told} more cells in regions that are too many to list"
    for name, before, after in difference.settings:
        yield f"{name}: {before} → {after}"


def _other_ways(region: Region) -> str:
    """What may be proved from then on and what no more, where the level alone would not show it."""
    gained = [_way(each) for each in region.after.offers if each not in region.before.offers]
    lost = [_way(each) for each in region.before.offers if each not in region.after.offers]
    changes = {"now": gained, "no more": lost}
    return "; ".join(f"{word} {', '.join(ways)}" for word, ways in changes.items() if ways) or "otherwise"


def _way(offer: Offer) -> str:
    captured = "" if offer.capture is Capture.BROWSER else f" {offer.capture.value}"
    young = " also on probation" if offer.on_probation else ""
    return f"{' + '.join(factor.value for factor in offer.factors)}{captured}{young}"


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
    for name in ("warned", "fraud_warned"):
        yield f"{name.replace('_', ' ')}: {report['warnings'][name]}"
    yield f"abandoned challenges: {report['abandonment']['expected']}"
    for direction in ("stricter", "weaker"):
        yield f"{direction}: {report[direction]['decisions']} decisions over {report[direction]['amount_minor']}"


def threshold_lines(found: Sequence[Threshold]) -> Iterator[str]:
    """A block for each target and model: the score, both rates with what stands behind them, on whom and when."""
    for each in found:
        yield f"{each.model.manifest.modality}: {each.target_fmr}, model {each.model.manifest.id}"
        if each.point is None:
            yield f"  refused     {each.refusal}"
            continue
        said, point = each.to_json(), each.point
        yield f"  threshold   {point.threshold}, {point.samples} sample(s) per template, {point.frames} frame(s) per probe"
        yield f"  FMR         {_rate(point.fmr, point.fmr_interval, said['false_matches'], point.impostor_pairs)}"
        yield f"  FNMR        {_rate(point.fnmr, point.fnmr_interval, said['false_non_matches'], point.genuine_pairs)}"
        yield f"  measured    {point.date} on {point.data_set}, {point.people} people: {point.population}"
        yield f"  DET curve   {_curve(each)}"
    if not found:
        yield "no calibrated model is installed here"


def _rate(rate: float, interval: tuple[float, float] | None, errors: object, pairs: int) -> str:
    within = (
        "no interval stated" if interval is None else f"95 % [{percent(interval[0])}, {percent(interval[1])}]"
    )
    counted = f"{pairs} pairs" if errors is None else f"{errors} of {pairs} pairs"
    return f"{percent(rate)} %, {within}, {counted}"


def _curve(found: Threshold) -> str:
    curve = found.curve
    return "not kept: only points were published" if curve is None else f"{len(curve.points)} points"


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
