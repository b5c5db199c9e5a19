"""What is forgotten is forgotten in pieces, and no chore stands in another's way."""

import logging
from datetime import timedelta
from functools import partial
from typing import Never

import pytest

from authsvc.bootstrap import running
from authsvc.bootstrap.running import BEHIND, Chore
from authsvc.errors import NotFound, Unavailable
from authsvc.services.housekeeping import MOST_PIECES, PIECE
from authsvc.storage.tickets import OverviewStore
from authsvc.storage.transaction import StoreTransaction
from tests.bootstrap.test_running import Stopwatch
from tests.support.service import CLIENT, Bench

ADD = "INSERT INTO idempotency (client, key, fingerprint, answer, expires_at) VALUES (:client, :key, :none, :none, 1)"


def stale_answers(bench: Bench, count: int) -> None:
    rows = [{"client": CLIENT, "key": f"old-{number}", "none": b""} for number in range(count)]
    bench.wired.store.ledger.transact(lambda tx: tx._connection.many(ADD, rows))


def left(bench: Bench) -> int:
    count = "SELECT count(*) FROM idempotency WHERE expires_at = 1"
    return int(bench.wired.store.ledger.read(lambda tx: tx._connection.all(count, {}))[0][0])


def test_a_heap_is_forgotten_in_pieces_and_what_is_late_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    stale_answers(bench, MOST_PIECES * PIECE + 7)
    sizes = []
    transact = bench.wired.store.ledger.transact

    def measured(unit, ahead=None):  # type: ignore[no-untyped-def]  # As the ledger's.
        done = transact(unit, ahead)
        sizes.append(done)
        return done

    monkeypatch.setattr(bench.wired.store.ledger, "transact", measured)
    with caplog.at_level(logging.WARNING):
        bench.services.housekeeping.sweep()
    assert max(size for size in sizes if isinstance(size, int)) == PIECE
    assert "forgetting answers is behind" in caplog.text
    assert left(bench) == 7
    bench.services.housekeeping.sweep()
    assert left(bench) == 0


def test_a_chore_that_sticks_holds_up_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.enroll()
    decision = bench.decide(bench.payment(125_000))
    stale_answers(bench, 3)
    bench.clock.advance(timedelta(hours=1))

    def sticks(*_: object) -> Never:
        raise Unavailable("the database did not answer in time")

    monkeypatch.setattr(OverviewStore, "forget_expired", sticks)
    bench.services.housekeeping.sweep()
    assert bench.again(decision)["status"] == "expired"
    assert left(bench) == 0


@pytest.mark.parametrize("end", ["failed", "behind"])
def test_what_is_late_is_counted_and_in_readiness(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(running, "time", watch := Stopwatch())
    wired = bench.wired
    wired.punctuality.expect(wired.chores)
    counted: list[tuple[str, str]] = []
    monkeypatch.setattr(wired._tally, "chore_done", lambda *done: counted.append(done))

    def do() -> str:
        if end == "failed":
            raise Unavailable("the store is slow")
        return BEHIND

    watch.now = 600
    for chore in wired.chores:
        if chore.name != "forgetting answers":
            wired.punctuality.done(chore.name)
    wired.do(Chore("forgetting answers", timedelta(seconds=10), do))
    assert counted == [("forgetting answers", end)]
    _, found = bench.services.public.readyz()
    assert "chores-late" in found["warnings"]  # type: ignore[operator]  # A list of names.
    wired.do(Chore("forgetting answers", timedelta(seconds=10), int))
    _, found = bench.services.public.readyz()
    assert "chores-late" not in found["warnings"]  # type: ignore[operator]


TABLES = ("decisions", "outcomes", "lessons", "issued_codes", "events")


def rows(bench: Bench) -> dict[str, int]:
    def count(tx: StoreTransaction) -> dict[str, int]:
        return {table: int(tx._connection.all(f"SELECT count(*) FROM {table}", {})[0][0]) for table in TABLES}

    return bench.wired.store.ledger.read(count)


def test_decisions_and_events_are_kept_as_long_as_the_settings_say(bench: Bench):
    """Nothing was ever deleted: a payment left its rows for good."""
    bench.enroll()
    settings = bench.settings
    old = bench.decide(bench.payment(2_500))
    bench.services.decisions.record_outcome(bench.key, str(old["id"]), "settled")
    bench.clock.advance(timedelta(days=settings.keep_decisions_days) - timedelta(hours=1))
    young = bench.decide(bench.payment(125_000))
    before = rows(bench)
    assert before["decisions"] == 2
    bench.services.housekeeping.sweep()
    assert rows(bench)["decisions"] == 2
    # The events of years ago are gone, the last one stays: its number must not be given again.
    newest = bench.wired.store.ledger.read(lambda tx: tx.events.newest())
    assert rows(bench)["events"] < before["events"]
    bench.clock.advance(timedelta(hours=2))
    bench.services.housekeeping.sweep()
    after = rows(bench)
    assert (after["decisions"], after["outcomes"], after["lessons"]) == (1, 0, 0)
    assert bench.again(young)["status"] in ("expired", "challenge_required", "not_possible")
    with pytest.raises(NotFound):
        bench.again(old)
    bench.clock.advance(timedelta(days=settings.keep_events_days + 1))
    bench.services.housekeeping.sweep()
    assert rows(bench)["events"] == 1
    assert bench.wired.store.ledger.read(lambda tx: tx.events.newest()) >= newest
    survey = bench.wired.store.adopting.look()
    assert survey.broken == []
    assert not survey.stray
    assert bench.wired.store.audit.verify().is_sound


def test_what_is_old_goes_in_pieces_the_oldest_first(bench: Bench):
    for _ in range(5):
        bench.decide(bench.payment())
    forget = partial(
        bench.wired.store.ledger.transact,
        lambda tx: tx.decisions.forget(bench.clock.now() + timedelta(seconds=1), 2),
    )
    assert [forget(), forget(), forget(), forget()] == [2, 2, 1, 0]
    assert rows(bench)["decisions"] == 0
