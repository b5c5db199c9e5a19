"""Trying a version: on one payment, on everything that was decided, and beside live decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, request
from markupsafe import Markup

from authsvc.domain.operator import Act
from authsvc.errors import InvalidRequest, NotFound, PolicyInvalid
from authsvc.policy.explain import explain
from authsvc.policy.inputs import FLAGS, Inputs
from authsvc.policy.jobs import JobState
from authsvc.subject import Novelty
from authsvc.web.console.doors import Answer, Pages, operator, requires, see, typed
from authsvc.web.console.policies.bars import Bar, bars_svg
from authsvc.web.console.policies.report_view import (
    Compared,
    Share,
    abandonment,
    challenge_rate,
    direction,
    fraud_caught,
    matrix,
)
from authsvc.web.console.policies.shown import REFUSED, policies, refused_on, version_page
from authsvc.web.console.policies.steps import Step, offered
from authsvc.web.console.policies.what_if import payment_of, shown_of
from authsvc.web.console.policies.wording import percent, refusal
from authsvc.web.console.wording import gettext, whole

pages = Pages("policy-trials")

DAYS = (7, 30, 90, 365, 3650)


@pages.get("/policies/<version_id>/what-if")
@requires(Act.TRY_POLICY)
def what_if(version_id: str) -> Response:
    """One payment, asked of this version and of the policy that decides now."""
    version = policies().version(operator(), version_id)
    stated = shown_of(request.args)
    shown: dict[str, object] = {
        "stated": stated,
        "novelties": list(Novelty),
        "habits": FLAGS,
        "said_of_habits": any(request.args.get(name) for name in FLAGS),
        "said": None,
        "active_said": None,
    }
    status = 200
    if "type" in request.args:
        try:
            inputs = Inputs.from_snapshot(payment_of(request.args))
            shown["said"] = explain(policies().policy(operator(), version_id), inputs)
            shown["active_said"] = explain(policies().active_policy(operator()), inputs)
        except (InvalidRequest, PolicyInvalid) as error:
            status, shown["message"], shown["detail"] = 422, refusal(error), error.detail
    return version_page("console/policies/what_if.html", version, status=status, **shown)


@pages.get("/policies/<version_id>/backtests")
@requires(Act.READ_POLICY)
def backtests(version_id: str) -> Response:
    return _backtests(version_id)


@pages.post("/policies/<version_id>/backtests")
@requires(Act.READ_POLICY)
def start_backtest(version_id: str) -> Answer:
    days = typed("days")
    try:
        job = policies().start_backtest(operator(), version_id, int(days) if days.isdecimal() else 0)
    except REFUSED as error:
        return refused_on(error, lambda **shown: _backtests(version_id, **shown))
    return see(f"/console/policies/{version_id}/backtests/{job.id}")


@pages.get("/policies/<version_id>/backtests/<backtest_id>")
@requires(Act.READ_POLICY)
def backtest(version_id: str, backtest_id: str) -> Response:
    """How far it is, or what it found."""
    version = policies().version(operator(), version_id)
    job = policies().backtest(operator(), version_id, backtest_id)
    done = job.state is JobState.DONE and job.report is not None
    found = _figures(dict(job.report)) if done and job.report is not None else {}
    return version_page(
        "console/policies/backtest.html",
        version,
        job=job,
        mismatch=(job.report or {}).get("mismatch"),
        may_cancel=operator().may(Act.TRY_POLICY) and not job.is_over,
        found=found,
    )


@pages.post("/policies/<version_id>/backtests/<backtest_id>/cancel")
@requires(Act.READ_POLICY)
def cancel_backtest(version_id: str, backtest_id: str) -> Answer:
    try:
        policies().cancel_backtest(operator(), version_id, backtest_id)
    except REFUSED as error:
        return refused_on(error, lambda **shown: _backtests(version_id, **shown))
    return see(f"/console/policies/{version_id}/backtests/{backtest_id}")


@pages.get("/policies/<version_id>/shadow")
@requires(Act.READ_POLICY)
def shadow(version_id: str) -> Response:
    return _shadow(version_id)


@pages.post("/policies/<version_id>/shadow")
@requires(Act.READ_POLICY)
def start_shadow(version_id: str) -> Answer:
    return _shadowed(version_id, lambda: policies().start_shadow(operator(), version_id))


@pages.post("/policies/<version_id>/shadow/stop")
@requires(Act.READ_POLICY)
def stop_shadow(version_id: str) -> Answer:
    return _shadowed(version_id, lambda: policies().stop_shadow(operator(), version_id))


def _shadowed(version_id: str, step: Callable[[], object]) -> Answer:
    try:
        step()
    except REFUSED as error:
        return refused_on(error, lambda **shown: _shadow(version_id, **shown))
    return see(f"/console/policies/{version_id}/shadow")


def _backtests(
    version_id: str, *, status: int = 200, **refusal: Any
) -> Response:  # Any: what `refused_on` tells.
    version = policies().version(operator(), version_id)
    return version_page(
        "console/policies/backtests.html",
        version,
        status=status,
        jobs=policies().backtests(operator(), version_id),
        offers=_offers(version_id),
        days=DAYS,
        **refusal,
    )


def _shadow(version_id: str, *, status: int = 200, **refusal: Any) -> Response:  # Any: as above.
    version = policies().version(operator(), version_id)
    try:
        report = policies().shadow(operator(), version_id)
    except NotFound:
        report = None
    moves: dict[str, dict[str, int]] = {}
    for (before, after), times in report.comparison.moves.items() if report else ():
        moves.setdefault(before, {})[after] = times
    return version_page(
        "console/policies/shadow.html",
        version,
        status=status,
        report=report,
        matrix=matrix(moves),
        offers=_offers(version_id),
        **refusal,
    )


def _offers(version_id: str) -> dict[Step, object]:
    version = policies().version(operator(), version_id)
    digest = policies().active(operator()).publication.digest
    return {each.step: each for each in offered(version, operator(), digest)}


def _figures(report: dict[str, Any]) -> dict[str, object]:  # Any: JSON of a report.
    moves = matrix(report["migrations"])
    return {
        "report": report,
        "matrix": moves,
        "asked": challenge_rate(moves),
        "fraud": fraud_caught(report),
        "abandonment": tuple(abandonment(report)),
        "expected": report["abandonment"]["expected"],
        "stricter": direction(report, "stricter"),
        "weaker": direction(report, "weaker"),
        # Made of our own words and of numbers, escaped where they are drawn.
        "bars": [Markup(each) for each in _bars(challenge_rate(moves), fraud_caught(report))],  # noqa: S704
    }


def _bars(asked: Compared, fraud: Compared) -> Iterator[str]:
    yield bars_svg("asked", gettext("Payments that are asked for something"), _pair(asked, "mark-3"))
    if fraud.before.whole:
        yield bars_svg("fraud", gettext("Labelled fraud that was asked or denied"), _pair(fraud, "mark-5"))


def _pair(compared: Compared, mark: str) -> tuple[Bar, Bar]:
    return (
        Bar(gettext("as decided"), compared.before.rate, _told(compared.before), "mark-1"),
        Bar(gettext("this version"), compared.after.rate, _told(compared.after), mark),
    )


def _told(share: Share) -> str:
    return f"{percent(share.rate)} ({whole(share.part)})"
