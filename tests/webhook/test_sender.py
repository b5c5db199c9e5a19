"""The sender keeps endpoints apart: one that is slow, broken or busy does not hold up another."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.clock import FrozenClock
from authsvc.errors import Unavailable
from authsvc.http import Trace, trace_of
from authsvc.webhook.delivery import Claim, Delivery, Outcome, Trouble
from authsvc.webhook.guard import LOOPBACK, Guard
from authsvc.webhook.lease import Beat, Lease
from authsvc.webhook.post import Postman
from authsvc.webhook.sender import LANE, LONGEST_RUN, Sender
from authsvc.webhook.signature import Signing
from tests.support.receiver import Received, Receiver, Told

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PATIENCE = 60.0


@dataclass
class Pile:
    """An outbox in memory: for each endpoint an address, and how many deliveries wait."""

    urls: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    settled: list[tuple[str, Outcome]] = field(default_factory=list)
    spread_is_broken: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, endpoint_id: str, url: str, count: int = 1) -> None:
        self.urls[endpoint_id], self.waiting[endpoint_id] = url, count

    def is_wanted(self) -> bool:
        return bool(self.urls)

    def spread(self) -> int:
        if self.spread_is_broken:
            raise Unavailable("the database does not answer")
        return 0

    def due(self) -> tuple[str, ...]:
        return tuple(endpoint_id for endpoint_id, count in self.waiting.items() if count)

    def claim(self, endpoint_id: str) -> Claim | None:
        with self.lock:
            if self.waiting[endpoint_id] == 0:
                return None
            self.waiting[endpoint_id] -= 1
            number = self.waiting[endpoint_id]
        delivery = Delivery(f"dlv_{number}", endpoint_id, "receipt:consumed", number, NOON, NOON, NOON)
        trace = Trace("req_1", "a" * 32, "01", "b" * 16) if number % 2 else None
        return Claim(delivery, self.urls[endpoint_id], b"{}", Signing((b"s" * 32,)), trace)

    def settle(self, claim: Claim, outcome: Outcome, *, go_on: bool) -> Claim | None:
        with self.lock:
            self.settled.append((claim.endpoint_id, outcome))
        return self.claim(claim.endpoint_id) if go_on else None

    def forget(self) -> None:
        pass


class NoOtherHost:
    def __init__(self) -> None:
        self.beat: Beat | None = None

    def read(self) -> Beat | None:
        return self.beat

    def write(self, holder: str, seen: Beat | None) -> bool:
        self.beat = Beat(holder, 1 if seen is None else seen.number + 1)
        return True


@dataclass
class Site:
    pile: Pile
    sender: Sender
    beats: NoOtherHost


@pytest.fixture
def site():
    pile, beats = Pile(), NoOtherHost()
    # No test here is about being cut off, and a busy machine takes seconds for what is done in none.
    postman = Postman(Guard(LOOPBACK), connect_seconds=PATIENCE, whole_seconds=PATIENCE)
    sender = Sender(pile, Lease(beats, "here"), postman, FrozenClock(NOON))
    yield Site(pile, sender, beats)
    sender.close(PATIENCE)


def held_until(event: threading.Event) -> Callable[[Received], Told]:
    def answer(received: Received) -> Told:
        event.wait(PATIENCE)
        return Told()

    return answer


def test_endpoints_that_hang_do_not_hold_up_the_others(site: Site):
    release = threading.Event()
    with Receiver(held_until(release)) as slow, Receiver() as quick:
        for number in range(LANE - 1):
            site.pile.add(f"slow-{number}", slow.url)
        site.pile.add("quick", quick.url, 20)
        site.sender.tick()
        quick.wait_for(20)
        assert not site.pile.settled or {name for name, _ in site.pile.settled} == {"quick"}
        release.set()
        assert site.sender.rest(PATIENCE)
    assert len(site.pile.settled) == LANE - 1 + 20


def test_what_is_sent_says_in_which_request_it_happened(site: Site):
    with Receiver() as receiver:
        site.pile.add("one", receiver.url, 2)
        site.sender.tick()
        receiver.wait_for(2)
        assert site.sender.rest(PATIENCE)
        within, without = (each.headers for each in receiver.received)
    assert within["x-request-id"] == "req_1"
    assert trace_of("req_1", within["traceparent"]) == Trace("req_1", "a" * 32, "01", "b" * 16)
    assert not {"x-request-id", "traceparent"} & set(without)


def test_who_was_slow_last_time_gets_a_lane_of_its_own(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authsvc.webhook.sender.SLOW", timedelta())
    release = threading.Event()
    release.set()
    with Receiver(held_until(release)) as slow, Receiver() as quick:
        for number in range(3 * LANE):
            site.pile.add(f"slow-{number}", slow.url)
        site.sender.tick()
        assert site.sender.rest(PATIENCE)
        # They are known now, and three times as many as a lane has threads.
        release.clear()
        site.pile.waiting = dict.fromkeys(site.pile.waiting, 1)
        site.pile.add("quick", quick.url)
        site.sender.tick()
        quick.wait_for(1)
        release.set()
        assert site.sender.rest(PATIENCE)


def test_deliveries_to_one_endpoint_go_one_after_the_other_over_one_connection(site: Site):
    with Receiver() as receiver:
        site.pile.add("busy", receiver.url, 30)
        for _ in range(5):
            site.sender.tick()
        receiver.wait_for(30)
        assert [received.id for received in receiver.received] == [f"evt_{n}" for n in reversed(range(30))]
        assert receiver.connections == 1


def test_a_busy_endpoint_gives_its_thread_back(site: Site):
    with Receiver() as receiver:
        site.pile.add("busy", receiver.url, LONGEST_RUN + 5)
        site.sender.tick()
        assert site.sender.rest(30)
        assert len(receiver.received) == LONGEST_RUN
        site.sender.tick()
        receiver.wait_for(LONGEST_RUN + 5)


def test_a_failure_ends_the_run(site: Site):
    with Receiver(lambda received: Told(500)) as receiver:
        site.pile.add("failing", receiver.url, 5)
        site.sender.tick()
        assert site.sender.rest(PATIENCE)
        assert len(receiver.received) == 1
    assert site.pile.settled[0][1].status == 500


def test_a_database_that_fails_is_the_callers_to_hear_and_the_next_tick_goes_on(site: Site):
    with Receiver() as receiver:
        site.pile.add("shop", receiver.url)
        site.pile.spread_is_broken = True
        with pytest.raises(Unavailable):
            site.sender.tick()
        site.pile.spread_is_broken = False
        site.sender.tick()
        receiver.wait_for(1)


def test_an_endpoint_that_breaks_its_thread_breaks_nothing_else(site: Site, caplog: pytest.LogCaptureFixture):
    with Receiver() as receiver:
        site.pile.add("broken", "not an address")
        site.pile.add("whole", receiver.url)
        site.sender.tick()
        receiver.wait_for(1)
        assert site.sender.rest(PATIENCE)
    assert "broken" in caplog.text


def test_nothing_is_begun_without_the_lease(site: Site):
    site.beats.beat = Beat("another host", 1)
    with Receiver() as receiver:
        site.pile.add("shop", receiver.url)
        site.sender.tick()
        assert site.sender.rest(1)
        assert not receiver.received
    assert site.pile.waiting["shop"] == 1


def test_without_endpoints_nothing_is_written(site: Site):
    site.sender.tick()
    assert site.beats.beat is None


def test_the_end_lets_the_next_sender_begin(site: Site):
    with Receiver() as receiver:
        site.pile.add("shop", receiver.url)
        site.sender.tick()
        receiver.wait_for(1)
        site.sender.close(PATIENCE)
        assert site.beats.beat is not None
        assert site.beats.beat.holder == ""
        with suppress(RuntimeError):
            site.sender.tick()
        assert len(receiver.received) == 1


def test_nobody_there_is_recorded_as_such(site: Site):
    site.pile.add("gone", "http://127.0.0.1:1/")
    site.sender.tick()
    assert site.sender.rest(PATIENCE)
    assert site.pile.settled[0][1].trouble is Trouble.UNREACHABLE
