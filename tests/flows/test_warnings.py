"""A warning is read and answered before any proof; whoever was asked to pay has stopped it by saying so."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from authsvc.domain.warned import PAUSE
from authsvc.errors import ChallengeClosed, InvalidRequest, ProofRequired, WarningUnanswered
from authsvc.factor import Factor, Submission
from tests.support.service import Bench, Phone, Said, challenge_of
from tests.support.warned import warned


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    service = warned(tmp_path_factory.mktemp("warned"))
    yield service
    service.close()


def phone_of(bench: Bench, user: str) -> Phone:
    """Somebody of their own for each story."""
    return bench.enroll(user)


def strictly(bench: Bench, user: str, phone: Phone) -> Said:
    return bench.decide(bench.payment(125_000, user=user), phone.device)


def mildly(bench: Bench, user: str, phone: Phone) -> Said:
    return bench.decide(bench.payment(60_000, user=user), phone.device, risk=45)


def begin(bench: Bench, decision: Said) -> Said:
    return bench.services.challenges.begin_warning(*challenge_of(decision))


def say(bench: Bench, decision: Said, answer: str) -> Said:
    return bench.services.challenges.answer_warning(*challenge_of(decision), answer)


def lines(bench: Bench, decision: Said) -> list[dict[str, Any]]:
    found = bench.wired.store.ledger.read(lambda tx: tx.audit.links_of(decision["id"]))
    return [json.loads(link.body) for link in found]


def test_nothing_is_taken_and_nothing_judged_before_a_warning_is_acknowledged(bench: Bench):
    phone = phone_of(bench, "u_first")
    decision = strictly(bench, "u_first", phone)
    opened = challenge_of(decision)
    challenges = bench.services.challenges
    assert decision["warning"] == {
        **decision["warning"], "kind": "refund", "strict": True, "rule": "medium-amount", "state": "unanswered",
    }  # fmt: skip

    def refused() -> None:
        with pytest.raises(WarningUnanswered):
            challenges.begin_step(*opened, Factor.OTP)
        with pytest.raises(WarningUnanswered):
            challenges.take_step(*opened, Factor.OTP, Submission({"code": "000000"}))
        assert challenges.find(*opened)["attempts_remaining"] == 3

    refused()
    with pytest.raises(WarningUnanswered):
        say(bench, decision, "own_decision")
    shown = begin(bench, decision)
    assert shown["wait_seconds"] == PAUSE.total_seconds()
    assert {each["heading"] for each in shown["text"].values()} > {"No refund asks you to pay first"}
    assert sorted(shown["answers"]) == ["asked", "own_decision", "unsure"]
    assert shown["why"]
    refused()
    with pytest.raises(WarningUnanswered) as early:
        say(bench, decision, "own_decision")
    assert early.value.extra["retry_after"] == 5
    with pytest.raises(InvalidRequest):
        say(bench, decision, "read")
    bench.clock.advance(PAUSE)
    again = begin(bench, decision)
    assert again == {**shown, "wait_seconds": 0}
    assert say(bench, decision, "own_decision") == {
        "state": "acknowledged", "status": "challenge_required", "can_freeze": False,
    }  # fmt: skip
    with pytest.raises(ChallengeClosed):
        say(bench, decision, "own_decision")
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated
    ended = bench.again(decision)
    assert ended["warning"]["answer"] == "own_decision"
    claims = jwt.decode(ended["receipt"], options={"verify_signature": False})
    assert claims["warning"] == ended["warning"]
    assert [line["action"] for line in lines(bench, decision)] == [
        "decision.decide", "decision.warn", "decision.answer-warning", "decision.complete",
    ]  # fmt: skip
    assert lines(bench, decision)[-1]["details"]["warning"] == ended["warning"]
    evidence = bench.services.records.evidence(bench.key, decision["id"])
    rests_on: Any = evidence["evidence"]
    assert rests_on["warning"] == ended["warning"]


def test_the_order_of_the_answers_is_drawn_for_each_payment(bench: Bench):
    phone = phone_of(bench, "u_drawn")
    orders = {tuple(begin(bench, strictly(bench, "u_drawn", phone))["answers"]) for _ in range(24)}
    # Of six orders one alone comes up 24 times in 6**-23.
    assert len(orders) > 1


@pytest.mark.parametrize("answer", ["asked", "unsure"])
@pytest.mark.parametrize("ask", [strictly, mildly])
def test_whoever_was_asked_has_stopped_it_without_waiting(bench: Bench, answer: str, ask: Any):
    user = f"u_{answer}_{ask.__name__}"
    phone = phone_of(bench, user)
    decision = ask(bench, user, phone)
    begin(bench, decision)
    assert say(bench, decision, answer) == {
        "state": "stopped", "status": "declined_by_user", "can_freeze": True,
    }  # fmt: skip
    opened = challenge_of(decision)
    for late in (
        lambda: say(bench, decision, "own_decision"),
        lambda: bench.services.challenges.begin_step(*opened, Factor.OTP),
        lambda: bench.complete(decision),
    ):
        with pytest.raises(ChallengeClosed):
            late()
    told = [each for each in bench.events() if each["data"].get("decision") == decision["id"]]
    assert [each["type"] for each in told] == ["decision:warning:stopped", "decision:challenge:declined"]
    assert told[0]["data"]["answer"] == answer
    assert told[1]["data"]["choice"] == "warned"
    challenges = bench.services.challenges
    assert challenges.find(*opened)["can_freeze"]
    assert challenges.freeze(*opened) == challenges.freeze(*opened) == {"frozen": True}
    assert challenges.find(*opened)["frozen"]
    assert bench.services.users.status(bench.key, user)["status"] == "frozen"
    assert bench.decide(bench.payment(2_500, user=user), phone.device)["status"] == "denied"


@pytest.mark.parametrize("answer", ["asked", "unsure"])
def test_whoever_went_on_and_doubts_before_the_end_has_stopped_it(bench: Bench, answer: str):
    user = f"u_after_all_{answer}"
    phone = phone_of(bench, user)
    decision = mildly(bench, user, phone)
    begin(bench, decision)
    say(bench, decision, "read")
    bench.answer_otp(decision, phone.code(bench.clock))
    assert say(bench, decision, answer)["state"] == "stopped"
    with pytest.raises(ChallengeClosed):
        bench.complete(decision)
    ended = bench.again(decision)
    assert (ended["status"], ended["receipt"], ended["warning"]["answer"]) == (
        "declined_by_user",
        None,
        answer,
    )
    actions = [line["action"] for line in lines(bench, decision)]
    assert actions == ["decision.decide", "decision.warn", "decision.answer-warning", "decision.decline"]
    told = [each["type"] for each in bench.events() if each["data"].get("decision") == decision["id"]]
    assert told == ["decision:warning:stopped", "decision:challenge:declined"]


def test_nobody_freezes_an_account_who_has_shown_nothing_or_comes_late(bench: Bench):
    phone = phone_of(bench, "u_shown")
    challenges = bench.services.challenges
    stranger = bench.decide(bench.payment(125_000, user="u_shown"))
    with pytest.raises(ChallengeClosed):
        challenges.freeze(*challenge_of(stranger))
    begin(bench, stranger)
    assert say(bench, stranger, "asked")["can_freeze"] is False
    with pytest.raises(ProofRequired):
        challenges.freeze(*challenge_of(stranger))
    owner = strictly(bench, "u_shown", phone)
    begin(bench, owner)
    say(bench, owner, "asked")
    bench.clock.advance(timedelta(minutes=5))
    with pytest.raises(ChallengeClosed):
        challenges.freeze(*challenge_of(owner))
    assert bench.services.users.status(bench.key, "u_shown")["status"] == "active"


def test_whoever_enrolls_next_under_a_name_is_neither_frozen_nor_shown_from_there(bench: Bench):
    phone = phone_of(bench, "u_erased")
    decision = strictly(bench, "u_erased", phone)
    begin(bench, decision)
    say(bench, decision, "asked")
    bench.services.users.erase(bench.key, "u_erased")
    bench.clock.advance(timedelta(seconds=1))
    phone_of(bench, "u_erased")
    bench.services.users.freeze(bench.key, "u_erased", "a call")
    opened, challenges = challenge_of(decision), bench.services.challenges
    seen = challenges.find(*opened)
    assert (seen["can_freeze"], seen["frozen"]) == (False, False)
    with pytest.raises(ChallengeClosed, match="erased"):
        challenges.freeze(*opened)


def test_a_mild_one_is_read_and_an_ordinary_payment_has_none(bench: Bench):
    phone = phone_of(bench, "u_mild")
    assert bench.decide(bench.payment(2_500, user="u_mild"), phone.device)["warning"] is None
    decision = mildly(bench, "u_mild", phone)
    shown = begin(bench, decision)
    assert (shown["answers"], shown["wait_seconds"]) == (["read", "asked"], 0)
    with pytest.raises(InvalidRequest):
        say(bench, decision, "own_decision")
    assert say(bench, decision, "read")["state"] == "acknowledged"
    bench.services.challenges.decline(*challenge_of(decision), "cancel")
    assert bench.again(decision)["status"] == "declined_by_user"


def test_an_act_on_the_account_carries_no_warning(bench: Bench):
    phone = phone_of(bench, "u_act")
    act = bench.decide(bench.payment(0, user="u_act", type="enrollment"), phone.device)
    assert act["status"] == "challenge_required"
    assert act["warning"] is None
    with pytest.raises(InvalidRequest):
        begin(bench, act)


def test_what_is_asked_again_at_more_risk_gets_the_stricter_warning(bench: Bench):
    phone = phone_of(bench, "u_again")
    payment = bench.payment(100_000 - 1, "pay_again", user="u_again")
    first = bench.decide(payment, phone.device, risk=45)
    assert first["warning"]["kind"] == "investment"
    begin(bench, first)
    say(bench, first, "read")
    assert bench.decide(payment, phone.device, risk=45)["id"] == first["id"]
    second = bench.decide(payment, phone.device, risk=55)
    assert (second["level"], second["warning"]["kind"]) == ("otp", "screen_sharing")
    assert bench.again(first)["status"] == "cancelled"
    assert bench.decide(payment, phone.device, risk=5)["id"] == second["id"]


def test_the_words_are_the_operators(tmp_path: Path):
    file = tmp_path / "words.toml"
    file.write_text('[kinds.refund.en]\nheading = "Ask us first"\nsentences = ["Call 12345."]\n', "utf-8")
    service = warned(tmp_path, warnings_file=file)
    try:
        decision = strictly(service, "u_1", service.enroll())
        text = begin(service, decision)["text"]
        assert text["en"]["heading"] == "Ask us first"
        assert text["zh-CN"]["heading"] == "“客服退款”不需要您付款"
        digest = service.again(decision)["warning"]["text"]
        assert digest.startswith("sha256:")
    finally:
        service.close()
