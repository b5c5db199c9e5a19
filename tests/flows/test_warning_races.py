"""Of two answers to a warning that race one that stops wins, on either store; a policy that warns more releases nothing."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.domain.warned import PAUSE
from authsvc.errors import ChallengeClosed
from tests.support.policies import ANN, BOB, numbered
from tests.support.service import Bench, Phone, Said, challenge_of
from tests.support.warned import warned

ROUNDS = 6


@pytest.fixture(params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    service = warned(tmp_path, **changes)
    yield service
    service.close()


def shown(bench: Bench, phone: Phone) -> Said:
    """A strict warning that its payer has had the time to read."""
    decision = bench.decide(bench.payment(125_000), phone.device)
    bench.services.challenges.begin_warning(*challenge_of(decision))
    bench.clock.advance(PAUSE)
    return decision


def say(bench: Bench, decision: Said, answer: str) -> str | None:
    try:
        return str(bench.services.challenges.answer_warning(*challenge_of(decision), answer)["state"])
    except ChallengeClosed:
        return None


def written(bench: Bench, decision: Said) -> list[dict[str, Any]]:
    found = bench.wired.store.ledger.read(lambda tx: tx.audit.links_of(decision["id"]))
    lines = [json.loads(link.body) for link in found]
    return [line for line in lines if line["action"] not in ("decision.decide", "decision.warn")]


@pytest.mark.parametrize(
    "answers", [("own_decision", "asked"), ("own_decision", "own_decision"), ("asked", "unsure")]
)
def test_of_two_answers_that_race_what_stops_is_what_is_on_record_and_each_counts_once(
    bench: Bench, answers: tuple[str, ...]
):
    phone = bench.enroll()
    for _ in range(ROUNDS):
        decision = shown(bench, phone)
        with ThreadPoolExecutor(2) as threads:
            states = list(threads.map(lambda each, about=decision: say(bench, about, each), answers))
        counted = {answers[place]: state for place, state in enumerate(states) if state is not None}
        ended = bench.again(decision)
        stopped = "asked" in answers
        last = "own_decision" if not stopped else next(each for each in counted if each != "own_decision")
        assert ended["warning"]["answer"] == last
        assert counted[last] == ended["warning"]["state"] == ("stopped" if stopped else "acknowledged")
        assert ended["status"] == ("declined_by_user" if stopped else "challenge_required")
        actions = {
            "own_decision": "decision.answer-warning",
            "asked": "decision.decline",
            "unsure": "decision.decline",
        }
        assert [line["action"] for line in written(bench, decision)] == sorted(
            actions[each] for each in counted
        )
        # Whoever went on first has been stopped since; of two that stop, or two that go on, one counts.
        assert states.count(None) == 1 or set(counted) == {"own_decision", "asked"}
        told = [each["type"] for each in bench.events() if each["data"].get("decision") == decision["id"]]
        assert told.count("decision:warning:stopped") == (1 if stopped else 0)
        if not stopped:
            bench.services.challenges.decline(*challenge_of(decision), "cancel")


def test_a_stop_that_races_the_last_proof_releases_nothing(bench: Bench):
    """The stop comes before any acknowledgement, so whichever is first the payment does not go."""
    phone = bench.enroll()
    for _ in range(ROUNDS):
        decision = shown(bench, phone)
        with ThreadPoolExecutor(2) as threads:
            stopping = threads.submit(say, bench, decision, "asked")
            completing = threads.submit(bench.complete, decision)
            assert stopping.result() == "stopped"
            assert completing.exception() is not None
        ended = bench.again(decision)
        assert (ended["status"], ended["receipt"]) == ("declined_by_user", None)


def test_a_stop_after_going_on_races_the_last_proof_and_one_of_them_counts(bench: Bench):
    phone = bench.enroll()
    for _ in range(ROUNDS):
        decision = shown(bench, phone)
        assert say(bench, decision, "own_decision") == "acknowledged"
        # Each round has a code of its own.
        bench.clock.advance(timedelta(seconds=30))
        bench.answer_otp(decision, phone.code(bench.clock))
        with ThreadPoolExecutor(2) as threads:
            stopping = threads.submit(say, bench, decision, "asked")
            completing = threads.submit(bench.complete, decision)
            released = completing.exception() is None and completing.result().authenticated
            assert stopping.result() == (None if released else "stopped")
        ended = bench.again(decision)
        assert ended["status"] == ("authenticated" if released else "declined_by_user")
        assert (ended["receipt"] is not None) is released
        assert ended["warning"]["answer"] == ("own_decision" if released else "asked")


def of_a_policy(number: int, warning: str) -> str:
    """The shipped document, whose rule on medium amounts warns."""
    head = 'id = "medium-amount"\n'
    bare = re.sub(r"(?ms)^\[\[tests\]\].*?(?=^\[|\Z)", "", numbered(number))
    return bare.replace(head, f"{head}warning = {warning}\n")


def activate(bench: Bench, text: str) -> None:
    policies = bench.services.policies
    version = policies.draft(ANN, text)
    policies.validate(ANN, version.id)
    found = policies.analyze(ANN, version.id)
    weaker = () if found.examined is None else found.examined.errors
    policies.approve(BOB, version.id, weaker)
    policies.activate(BOB, version.id, policies.active(BOB).publication.etag)


def acknowledged(bench: Bench, phone: Phone) -> Said:
    """A mild warning was read, and the code is on its way."""
    decision = bench.decide(bench.payment(125_000), phone.device)
    bench.services.challenges.begin_warning(*challenge_of(decision))
    assert say(bench, decision, "read") == "acknowledged"
    bench.answer_otp(decision, phone.code(bench.clock))
    return decision


def test_a_policy_that_warns_more_than_what_was_read_cancels_the_challenge(bench: Bench):
    activate(bench, of_a_policy(2, '{ kind = "refund" }'))
    phone = bench.enroll()
    decision = acknowledged(bench, phone)
    activate(bench, of_a_policy(3, '{ kind = "refund", strict = true }'))
    assert not bench.complete(decision).authenticated
    ended = bench.again(decision)
    assert (ended["status"], ended["receipt"]) == ("cancelled", None)
    assert ended["warning"]["answer"] == "read"
    (line,) = [each for each in written(bench, decision) if each["action"] == "decision.reconsider"]
    assert line["actor"] == "policy"
    anew = bench.decide(bench.payment(125_000), phone.device)
    assert anew["warning"]["strict"]
    assert anew["warning"]["state"] == "unanswered"


def test_a_policy_that_warns_no_more_lets_what_was_read_go_on(bench: Bench):
    activate(bench, of_a_policy(2, '{ kind = "refund" }'))
    phone = bench.enroll()
    decision = acknowledged(bench, phone)
    activate(bench, of_a_policy(3, '{ kind = "refund" }').replace("risk_at_least = 75", "risk_at_least = 74"))
    assert bench.complete(decision).authenticated
