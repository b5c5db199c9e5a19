"""A candidate is tried on what was decided and on what is being decided, before it decides anything itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from authsvc.errors import NotFound, PolicyStep
from authsvc.policy.jobs import Backtesting, JobState
from authsvc.policy.life import State, Version
from authsvc.policy.shadow import FAILED, NOT_COMPARED
from authsvc.policy_life.backtesting import LEASE, Backtester
from authsvc.policy_life.service import PolicyService
from authsvc.policy_life.shadowing import LONGEST_LINE
from tests.support.policies import ANN, BOB, WEAKER, milder, stricter
from tests.support.service import Bench, Phone


@pytest.fixture
def policies(bench: Bench) -> PolicyService:
    return bench.services.policies


@pytest.fixture
def phone(bench: Bench) -> Phone:
    return bench.enroll()


def candidate(policies: PolicyService, text: str) -> Version:
    version = policies.draft(ANN, text)
    policies.validate(ANN, version.id)
    return policies.analyze(ANN, version.id)


def compare(bench: Bench) -> None:
    """What the watching thread does four times a second."""
    bench.wired.watch.look()


def worker(bench: Bench, name: str = "worker-1", page: int = 2) -> Backtester:
    return Backtester(bench.wired.store.ledger, bench.clock, name, page)


def pay(bench: Bench, phone: Phone, *amounts: int) -> list[str]:
    return [str(bench.decide(bench.payment(amount), phone.device)["id"]) for amount in amounts]


def report_of(job: Backtesting) -> Any:
    assert job.report is not None
    return job.report


# -- Beside the active policy -------------------------------------------------------------------------------------------


def test_a_candidate_is_compared_with_live_decisions_and_never_used(
    bench: Bench, policies: PolicyService, phone: Phone
) -> None:
    version = candidate(policies, stricter(2))
    run = policies.start_shadow(ANN, version.id)
    assert policies.version(ANN, version.id).state is State.SHADOWING
    small, medium = pay(bench, phone, 90_000, 125_000)
    assert bench.services.decisions.find(bench.key, small)["level"] == "none"
    compare(bench)
    report = policies.shadow(ANN, version.id)
    assert (report.run, report.comparison.moves) == (run, {("none", "otp"): 1, ("otp", "otp"): 1})
    assert report.comparison.samples == {("none", "otp"): (small,)}
    assert (report.comparison.compared, report.comparison.different) == (2, 1)
    assert medium not in str(report.comparison.samples)


def test_counts_of_all_processes_add_up(bench: Bench, policies: PolicyService, phone: Phone) -> None:
    version = candidate(policies, stricter(2))
    policies.start_shadow(ANN, version.id)
    other = Bench(bench.settings, bench.clock)
    try:
        for each in (bench, other):
            pay(each, phone, 90_000)
            compare(each)
        pay(other, phone, 90_000)
    finally:
        other.close()  # What it has counted is put into the store at its end.
    assert policies.shadow(ANN, version.id).comparison.moves == {("none", "otp"): 3}


def test_an_answer_told_again_is_counted_once(bench: Bench, policies: PolicyService, phone: Phone) -> None:
    version = candidate(policies, stricter(2))
    policies.start_shadow(ANN, version.id)
    payment, once = bench.payment(90_000), bench.once()
    for _ in range(3):
        bench.decide(payment, phone.device, once=once)
    bench.clock.advance(timedelta(seconds=1))
    bench.decide(payment, phone.device)
    compare(bench)
    assert policies.shadow(ANN, version.id).comparison.compared == 1


def test_a_candidate_that_fails_is_a_finding_and_no_payment_notices(
    bench: Bench, policies: PolicyService, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = candidate(policies, stricter(2))
    policies.start_shadow(ANN, version.id)
    held = bench.wired.watch.active.held()
    assert held.shadow is not None

    def fail(inputs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(held.shadow.candidate, "evaluate", fail)
    assert bench.decide(bench.payment(90_000), phone.device)["level"] == "none"
    compare(bench)
    comparison = policies.shadow(ANN, version.id).comparison
    assert (comparison.failed, comparison.moves) == (1, {("none", FAILED): 1})


def test_what_the_comparison_cannot_keep_up_with_is_told(
    bench: Bench, policies: PolicyService, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LONGEST_LINE > 1_000
    monkeypatch.setattr("authsvc.policy_life.shadowing.LONGEST_LINE", 1)
    version = candidate(policies, stricter(2))
    policies.start_shadow(ANN, version.id)
    pay(bench, phone, 90_000, 90_001)
    compare(bench)
    comparison = policies.shadow(ANN, version.id).comparison
    assert comparison.moves == {("none", "otp"): 1, ("none", NOT_COMPARED): 1}
    assert (comparison.compared, comparison.not_compared) == (1, 1)


def test_a_shadow_ends_when_it_is_told_to_and_when_another_policy_becomes_active(
    bench: Bench, policies: PolicyService, phone: Phone
) -> None:
    version, other = candidate(policies, stricter(2)), candidate(policies, stricter(3))
    policies.start_shadow(ANN, version.id)
    assert policies.stop_shadow(ANN, version.id).state is State.ANALYZED
    with pytest.raises(NotFound):
        policies.stop_shadow(ANN, version.id)
    policies.start_shadow(ANN, version.id)
    policies.approve(BOB, other.id)
    policies.activate(BOB, other.id, policies.active(BOB).publication.etag)
    pay(bench, phone, 90_000)
    compare(bench)
    report = policies.shadow(ANN, version.id)
    assert (report.run.stopped_at, report.comparison.compared) == (bench.clock.now(), 0)
    assert policies.version(ANN, version.id).state is State.ANALYZED


def test_there_is_one_place_beside_the_active_policy(policies: PolicyService) -> None:
    version, other = candidate(policies, stricter(2)), candidate(policies, stricter(3))
    policies.start_shadow(ANN, version.id)
    policies.start_shadow(ANN, other.id)
    assert policies.version(ANN, version.id).state is State.ANALYZED
    assert policies.shadow(ANN, version.id).run.stopped_at is not None
    assert policies.approve(BOB, other.id).state is State.APPROVED
    assert policies.shadow(ANN, other.id).run.stopped_at is not None


# -- Against what was decided -------------------------------------------------------------------------------------------


def test_a_backtest_repeats_what_was_decided_and_counts_what_would_change(
    bench: Bench, policies: PolicyService, phone: Phone
) -> None:
    fraud, *_ = pay(bench, phone, 90_000, 90_001, 125_000, 2_500)
    bench.services.decisions.record_outcome(bench.key, fraud, "settled")
    bench.services.decisions.record_outcome(bench.key, fraud, "fraud")
    version = candidate(policies, stricter(2))
    asked = policies.start_backtest(ANN, version.id)
    assert (asked.state, asked.share) == (JobState.QUEUED, None)
    assert worker(bench).work_off()
    assert not worker(bench).work_off()
    job = policies.backtest(ANN, version.id, asked.id)
    assert (job.state, job.read, job.total, job.share) == (JobState.DONE, 4, 4, 1.0)
    report = report_of(job)
    assert (report["mismatch"], report["eligible"]) == (None, 4)
    assert report["migrations"] == {
        "none": {"exempted low_value": 1, "otp": 2},
        "otp": {"otp": 1},
    }
    assert report["fraud"] == {
        "labelled": 1,
        "before": {"caught": 0, "missed": 1},
        "after": {"caught": 1, "missed": 0},
    }
    assert report["stricter"]["amount_minor"] == 180_001
    lines = _audit(bench, "policy.backtest")
    assert [(line["actor"], line["result"]) for line in lines] == [
        ("operator:op_ann", "done"),
        ("service", "ended"),
    ]


def test_what_was_decided_by_an_earlier_version_is_repeated_by_it(
    bench: Bench, policies: PolicyService, phone: Phone
) -> None:
    pay(bench, phone, 90_000)
    second = candidate(policies, stricter(2))
    policies.approve(BOB, second.id)
    policies.activate(BOB, second.id, policies.active(BOB).publication.etag)
    pay(bench, phone, 90_000)
    version = candidate(policies, milder(3))
    policies.start_backtest(ANN, version.id)
    worker(bench).work_off()
    report = report_of(policies.backtests(ANN, version.id)[0])
    assert (report["eligible"], report["migrations"]) == (2, {"none": {"none": 1}, "otp": {"none": 1}})


def test_what_no_policy_can_repeat_is_skipped_with_the_reason(
    bench: Bench, policies: PolicyService, phone: Phone
) -> None:
    bench.decide(bench.payment(type="unfreeze"), phone.device)
    denied = bench.decide(bench.payment(125_000), phone.device)
    bench.services.users.freeze(bench.key, "u_1", "lost")
    bench.answer_otp(denied, phone.code(bench.clock))
    bench.complete(denied)
    version = candidate(policies, stricter(2))
    policies.start_backtest(ANN, version.id)
    worker(bench).work_off()
    report = report_of(policies.backtests(ANN, version.id)[0])
    assert (report["mismatch"], report["eligible"]) == (None, 0)
    assert sorted(report["skipped"].values()) == [1, 1]


def test_a_decision_that_does_not_repeat_itself_ends_the_backtest_and_is_shown(
    bench: Bench, policies: PolicyService, phone: Phone
) -> None:
    ids = pay(bench, phone, 90_000, 90_001, 90_002)
    ledger = bench.wired.store.ledger

    def tamper(tx: Any) -> None:
        decision = tx.decisions.find(ids[1])
        tx.decisions.save(replace(decision, level="otp"))

    ledger.transact(tamper)
    version = candidate(policies, stricter(2))
    policies.start_backtest(ANN, version.id)
    worker(bench).work_off()
    [job] = policies.backtests(ANN, version.id)
    assert job.state is JobState.MISMATCH
    assert report_of(job)["mismatch"]["id"] == ids[1]


@pytest.mark.parametrize("page", [1, 2])
def test_another_worker_goes_on_where_one_was_killed(
    bench: Bench, policies: PolicyService, phone: Phone, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    pay(bench, phone, *range(90_000, 90_007))
    version = candidate(policies, stricter(2))
    policies.start_backtest(ANN, version.id)
    first = worker(bench, "worker-1", page)
    _die_after(monkeypatch, bench, first, pages=3)
    with pytest.raises(KeyboardInterrupt):
        first.work_off()
    [half] = policies.backtests(ANN, version.id)
    assert half.state is JobState.RUNNING
    assert 0 < half.read < 7
    second = worker(bench, "worker-2", page)
    assert not second.work_off(), "the lease has not run out"
    bench.clock.advance(LEASE + timedelta(seconds=1))
    read = _ids_read(monkeypatch, second)
    assert second.work_off()
    [job] = policies.backtests(ANN, version.id)
    assert (job.state, job.read, report_of(job)["eligible"]) == (JobState.DONE, 7, 7)
    assert len(read) == 7 - half.read


def test_a_cancelled_backtest_stops_and_leaves_no_report(
    bench: Bench, policies: PolicyService, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(bench, phone, *range(90_000, 90_006))
    version = candidate(policies, stricter(2))
    asked = policies.start_backtest(ANN, version.id)
    running = worker(bench)
    _after_each_page(monkeypatch, bench, running, lambda: policies.cancel_backtest(ANN, version.id, asked.id))
    assert running.work_off()
    job = policies.backtest(ANN, version.id, asked.id)
    assert (job.state, job.report) == (JobState.CANCELLED, None)
    assert not running.work_off()


def test_a_backtest_is_of_the_days_that_were_asked_for(
    bench: Bench, policies: PolicyService, phone: Phone
) -> None:
    pay(bench, phone, 90_000)
    bench.clock.advance(timedelta(days=3))
    pay(bench, phone, 90_000, 90_001)
    version = candidate(policies, stricter(2))
    policies.start_backtest(ANN, version.id, days=2)
    worker(bench).work_off()
    assert report_of(policies.backtests(ANN, version.id)[0])["read"] == 2


def test_a_version_that_was_not_analyzed_is_not_tried(policies: PolicyService) -> None:
    version = policies.draft(ANN, stricter(2))
    policies.validate(ANN, version.id)
    with pytest.raises(PolicyStep):
        policies.start_backtest(ANN, version.id)


def test_an_approval_by_name_is_what_lets_a_weaker_candidate_through(policies: PolicyService) -> None:
    version = candidate(policies, milder(2))
    policies.start_shadow(ANN, version.id)
    assert policies.approve(BOB, version.id, (WEAKER,)).state is State.APPROVED


def _audit(bench: Bench, action: str) -> list[dict[str, Any]]:
    links = bench.wired.store.ledger.read(lambda tx: tuple(tx.audit.links()))
    return [line for line in (json.loads(link.body) for link in links) if line["action"] == action]


def _after_each_page(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, worker: Backtester, do: Callable[[], object]
) -> None:
    """Time passes while a page is worked on, and something happens."""
    read = worker._read

    def reading(job: Backtesting) -> Any:
        page = read(job)
        bench.clock.advance(timedelta(seconds=1))
        do()
        return page

    monkeypatch.setattr(worker, "_read", reading)


def _die_after(monkeypatch: pytest.MonkeyPatch, bench: Bench, worker: Backtester, pages: int) -> None:
    seen: list[int] = []

    def count() -> None:
        seen.append(1)
        if len(seen) > pages:
            # Not one of the exceptions that a worker answers: a killed process answers nothing.
            raise KeyboardInterrupt

    _after_each_page(monkeypatch, bench, worker, count)


def _ids_read(monkeypatch: pytest.MonkeyPatch, worker: Backtester) -> list[str]:
    ids: list[str] = []
    read = worker._read

    def reading(job: Backtesting) -> Any:
        page = read(job)
        ids.extend(decision_id for decision_id, _ in page)
        return page

    monkeypatch.setattr(worker, "_read", reading)
    return ids
