"""What a payer usually does is learned from settled payments alone, late, and taken back; it ends with the payer."""

import json
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from authsvc.payment import Payee
from authsvc.policy import loading
from authsvc.policy.backtest import Backtest
from authsvc.policy.recorded import Recorded
from authsvc.stepup.deciding import DecisionRequest
from tests.support.service import Bench, Phone, said

WAIT = timedelta(days=14)
DAY = timedelta(days=1)


class Town:
    """One payer with a phone, and the clock."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.phone: Phone = bench.enroll()

    def pay(
        self, amount: int = 2_500, payee: str = "shop_1", place: str | None = "CN-31", **fields: Any
    ) -> dict[str, Any]:
        payment = self.bench.payment(amount, payee=Payee(payee, "店"), **fields)
        request = DecisionRequest(payment, self.phone.device, risk_score=5, channel="app", place=place)
        return dict(said(self.bench.services.decisions.decide(self.bench.key, self.bench.once(), request)))

    def ends(self, decision: dict[str, Any], outcome: str = "settled") -> None:
        self.bench.services.decisions.record_outcome(self.bench.key, decision["id"], outcome)

    def later(self, by: timedelta = WAIT) -> None:
        self.bench.clock.advance(by)
        self.bench.services.housekeeping.sweep()

    def lives(self, days: int, **fields: Any) -> list[dict[str, Any]]:  # Any: as `pay` takes them.
        """A payment a day, each settled at once."""
        decisions = []
        for _ in range(days):
            decisions.append(self.pay(**fields))
            self.ends(decisions[-1])
            self.bench.clock.advance(DAY)
        return decisions

    def habits(self) -> Any:  # Any: JSON.
        return self.bench.services.users.export(self.bench.key, "u_1")["habits"]


@pytest.fixture
def town(bench: Bench) -> Town:
    return Town(bench)


def names(decision: dict[str, Any]) -> set[str]:
    return {each["signal"] for each in decision["signals"]["present"]}


def test_what_is_settled_and_stood_the_time_is_learned_and_nothing_else(town: Town):
    first = town.pay()
    assert set(first["signals"]["unknown"]) >= {"payee_new", "amount_unusual", "place_new", "dormant"}
    town.lives(8)
    refused = town.pay(125_000)
    town.ends(refused)
    town.later(DAY)
    assert town.habits() is None
    town.later(8 * DAY)
    assert 0 < town.habits()["payments"] < 6
    town.later()
    found = town.habits()
    assert 5.5 < found["payments"] < 6
    assert [each["name"] for each in found["payees"]] == ["shop_1"]
    assert found["amounts"][0] == {**found["amounts"][0], "kind": "transfer CNY", "usual_below_minor": 4_096}
    usual = town.pay()
    assert names(usual) == set()
    unlike = town.pay(90_000, "thief", "CN-54")
    assert names(unlike) == {"payee_new", "amount_unusual", "place_new"}
    told = {
        each["data"]["decision"]: each
        for each in town.bench.events()
        if each["type"] == "decision:habits:unlike"
    }
    assert told.keys() == {unlike["id"]}
    assert told[unlike["id"]]["data"]["signals"] == [each["signal"] for each in unlike["signals"]["present"]]
    assert "unlike your habits" in told[unlike["id"]]["alert"]["en"]
    by_name = {each["signal"]: each for each in unlike["signals"]["present"]}
    assert by_name["amount_unusual"]["numbers"]["times"] == 21
    assert "21" in by_name["amount_unusual"]["sentence"]["zh-CN"]
    assert town.bench.again(unlike)["signals"] == unlike["signals"]
    (line,) = (each for each in lines(town.bench, unlike["id"]) if each["action"] == "decision.decide")
    assert line["details"]["signals"] == [each["signal"] for each in unlike["signals"]["present"]]


def lines(bench: Bench, decision_id: str) -> Iterable[dict[str, Any]]:
    return [
        json.loads(link.body)
        for link in bench.wired.store.ledger.read(lambda tx: tx.audit.links_of(decision_id))
    ]


@pytest.mark.parametrize("outcome", ["fraud", "disputed", "refunded"])
def test_another_ending_takes_a_payment_back_before_and_after_it_was_learned(town: Town, outcome: str):
    town.lives(8)
    early = town.pay(payee="thief_1")
    town.ends(early)
    town.ends(early, outcome)
    late = town.pay(payee="thief_2")
    town.ends(late)
    town.later()
    assert {each["name"] for each in town.habits()["payees"]} == {"shop_1", "thief_2"}
    town.ends(late, outcome)
    town.ends(late)
    town.later()
    assert {each["name"] for each in town.habits()["payees"]} == {"shop_1"}
    assert "payee_new" in names(town.pay(payee="thief_2"))


def test_a_frozen_account_learns_nothing_of_what_waited(town: Town):
    town.lives(8)
    town.bench.services.users.freeze(town.bench.key, "u_1", "lost")
    town.later()
    town.bench.services.users.unfreeze(town.bench.key, "u_1", None, ("ann", "bo"))
    town.later()
    assert town.habits() is None


def test_habits_are_sealed_and_end_with_the_payer(town: Town):
    town.lives(8)
    town.later()
    store = town.bench.wired.store.ledger
    ((sealed,),) = store.read(lambda tx: tx._connection.all("SELECT sealed FROM habits", {}))
    assert len(sealed) <= 600
    assert b"shop" not in bytes(sealed)
    town.ends(town.pay())
    town.bench.services.users.erase(town.bench.key, "u_1")
    for table in ("habits", "lessons"):
        rows = f"SELECT 1 FROM {table}"
        assert store.read(partial(all_of, rows)) == []
    town.later()


def all_of(rows: str, tx: Any) -> list[Any]:  # Any: the store's own transaction.
    return list(tx._connection.all(rows, {}))


def test_sealed_habits_that_do_not_open_are_noticed_and_nothing_is_known(town: Town):
    town.lives(8)
    town.later()
    store = town.bench.wired.store
    store.ledger.transact(
        lambda tx: tx._connection.run("UPDATE habits SET sealed = :junk", {"junk": b"\1" * 574})
    )
    assert "payee_new" in town.pay()["signals"]["unknown"]
    store.tell()
    assert "attack:record:broken" in {each["type"] for each in town.bench.events()}


def test_four_payments_within_an_hour_are_a_burst(town: Town):
    town.lives(8)
    town.later()
    found = [town.pay() for _ in range(4)]
    assert [names(each) for each in found] == [set(), set(), set(), {"burst"}]
    town.bench.clock.advance(timedelta(hours=2))
    assert names(town.pay()) == set()


def test_asking_again_about_a_payment_counts_once(town: Town):
    town.lives(8)
    town.later()
    town.pay()
    town.pay()
    for _ in range(4):
        assert names(town.pay(transaction="the_same")) == set()


def test_an_act_on_the_account_has_no_signals(town: Town):
    assert town.pay(0, type="unfreeze")["signals"] is None


def test_a_backtest_judges_by_the_signals_of_that_time_and_not_by_what_was_learned_since(town: Town):
    town.lives(8)
    town.later()
    first = town.pay(payee="shop_2")
    town.ends(first)
    town.later()
    second = town.pay(payee="shop_2")
    assert "payee_new" in names(first)
    assert "payee_new" not in names(second)
    rule = {"id": "strangers", "level": "otp", "payee_new": True}
    mapping = json.loads(loading.shipped().canonical)
    candidate = loading.from_mapping({**mapping, "rules": [*mapping["rules"], rule], "tests": []})
    begun = town.bench.clock.now() - timedelta(days=400)
    recorded = town.bench.wired.store.ledger.read(
        lambda tx: tx.backtests.recorded(begun, town.bench.clock.now(), "", 100)
    )
    fired = {
        each.id: "strangers" in candidate.evaluate(each.inputs).fired
        for _, each in recorded
        if isinstance(each, Recorded)
    }
    assert (fired[first["id"]], fired[second["id"]]) == (True, False)
    backtest = Backtest(candidate, [loading.shipped()])
    assert backtest.run(each for _, each in recorded) is None
    assert backtest.tally.eligible == len(recorded) == 10
