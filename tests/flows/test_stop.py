"""The month's stop: what counts towards it, what happens at its edge, and who lifts it."""

import os
from collections.abc import Mapping
from datetime import timedelta

import pytest

from authsvc.domain.attempts import ANY, HARD_STOP
from authsvc.errors import ChallengeFailed, ProofRequired
from tests.flows.recovering import Visit
from tests.support.service import Bench, Phone, Said

SUCCESSES = int(os.environ.get("AUTHSVC_SUCCESSES", "8"))
"""In a row and without a failure; 10 000 in the long run."""


def ask_for_code(bench: Bench, phone: Phone) -> Said:
    return bench.decide(bench.payment(125_000), phone.device)


def type_code(bench: Bench, decision: Said, code: str) -> bool:
    bench.answer_otp(decision, code)
    return bench.complete(decision).authenticated


def stopped(bench: Bench) -> Phone:
    """Somebody who mistyped fifty codes within a month."""
    phone = bench.enroll()
    for _ in range(HARD_STOP):
        type_code(bench, ask_for_code(bench, phone), "000000")
        bench.clock.advance(timedelta(minutes=31))
    assert bench.services.users.status(bench.key, "u_1")["locked_until"]
    return phone


def locks(bench: Bench) -> Mapping[str, str]:
    shown: Said = bench.services.users.status(bench.key, "u_1")
    return dict(shown["locked_until"])


def audited(bench: Bench) -> list[Said]:
    lines: Said = bench.services.records.audit_events(bench.key, None, 500)
    return [line for line in lines["events"] if line["action"] == "user.unlock"]


def test_the_fiftieth_failure_stops_everything(bench: Bench):
    phone = stopped(bench)
    assert ANY in locks(bench)
    assert ask_for_code(bench, phone)["status"] == "denied"


def test_two_operators_lift_it(bench: Bench):
    phone = stopped(bench)
    bench.services.users.unfreeze(bench.key, "u_1", None, ["alice", "bob"])
    assert locks(bench) == {}
    (line,) = audited(bench)
    assert line["details"] == {"by": "operators", "stopped": True, "operators": ["alice", "bob"]}
    assert [event["data"] for event in bench.events() if event["type"] == "subject:unlocked"] == [
        {"by": "operators"}
    ]
    assert type_code(bench, ask_for_code(bench, phone), phone.code(bench.clock))


def test_one_operator_does_not(bench: Bench):
    stopped(bench)
    with pytest.raises(ProofRequired, match="decide a transaction"):
        bench.services.users.unfreeze(bench.key, "u_1", None, ["alice", "Alice"])
    assert ANY in locks(bench)


@pytest.mark.parametrize("operators", [(), ("alice", "bob")])
def test_a_recovery_lifts_it(bench: Bench, operators: tuple[str, ...]):
    phone = stopped(bench)
    visit = Visit.opened(bench, operators=operators)
    visit.type_recovery_code(phone.recovery_codes[0])
    if not operators:
        visit.show_face("ann 7")
    visit.add_device()
    visit.complete()
    assert locks(bench) == {}
    assert [line["details"]["by"] for line in audited(bench)] == ["recovery"]


def test_a_recovery_is_no_way_around_the_half_hour(bench: Bench):
    phone = bench.enroll()
    for _ in range(5):
        type_code(bench, ask_for_code(bench, phone), "000000")
    visit = Visit.opened(bench)
    visit.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(ChallengeFailed):
        visit.show_face("ann 7")


def test_wrong_tries_of_a_recovery_count_while_the_month_is_stopped(bench: Bench):
    phone = stopped(bench)
    visit = Visit.opened(bench)
    visit.type_recovery_code("AAAA-BBBB-CCCC-DDDD")
    for _ in range(3):
        with pytest.raises(ChallengeFailed):
            visit.show_face("ann 7")
    visit.type_recovery_code(phone.recovery_codes[0])
    with pytest.raises(ChallengeFailed):
        visit.show_face("ann 7")  # Three wrong tries closed the face.


def test_successes_leave_no_trace_of_themselves_and_five_failures_lock(bench: Bench):
    phone = bench.enroll()
    for _ in range(SUCCESSES):
        assert type_code(bench, ask_for_code(bench, phone), phone.code(bench.clock))
        bench.clock.advance(timedelta(seconds=30))
    assert set(counters(bench).values()) <= {(0, 0, None)}
    for left in (4, 3, 2, 1, 0):
        assert locks(bench) == {}, f"locked with {left + 1} tries left"
        assert not type_code(bench, ask_for_code(bench, phone), "000000")
    assert ANY in locks(bench)
    assert ask_for_code(bench, phone)["status"] == "denied"


def counters(bench: Bench) -> dict[str, tuple[int, int, object]]:
    account = bench.wired.store.ledger.read(lambda tx: tx.accounts.find(bench.payment().subject))
    assert account is not None
    kept = account.attempts.counters.items()
    return {scope: (each.consecutive, len(each.recent), each.locked_until) for scope, each in kept}
