"""One sender works at a time: the others take over when its beat stands still, by their own clocks."""

from dataclasses import dataclass, field

from authsvc.webhook.lease import BEAT_EVERY, MARGIN, PATIENCE, Beat, Lease


@dataclass
class Row:
    """The one row, as a database keeps it."""

    beat: Beat | None = None
    writes: int = 0

    def read(self) -> Beat | None:
        return self.beat

    def write(self, holder: str, seen: Beat | None) -> bool:
        if self.beat != seen:
            return False
        self.beat = Beat(holder, 1 if seen is None else seen.number + 1)
        self.writes += 1
        return True


@dataclass
class Watch:
    """A host's own monotonic clock: hosts do not agree about the time."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Hosts:
    row: Row = field(default_factory=Row)
    watches: tuple[Watch, Watch] = field(default_factory=lambda: (Watch(1000.0), Watch(-500.0)))

    def __post_init__(self) -> None:
        self.first = Lease(self.row, "first", self.watches[0])
        self.second = Lease(self.row, "second", self.watches[1])

    def pass_time(self, seconds: float) -> None:
        for watch in self.watches:
            watch.now += seconds


def test_the_first_to_ask_holds_it_and_the_second_waits():
    hosts = Hosts()
    assert hosts.first.keep()
    for _ in range(20):
        assert not hosts.second.keep()
        hosts.pass_time(BEAT_EVERY)
        assert hosts.first.keep()
    assert hosts.first.is_held()
    assert not hosts.second.is_held()


def test_a_beat_is_written_only_when_it_is_time():
    hosts = Hosts()
    for _ in range(100):
        hosts.first.keep()
    assert hosts.row.writes == 1


def test_a_beat_that_stands_still_is_taken_over_but_not_early():
    hosts = Hosts()
    hosts.first.keep()
    hosts.second.keep()
    hosts.pass_time(PATIENCE - 0.1)
    assert not hosts.second.keep()
    hosts.pass_time(0.2)
    assert hosts.second.keep()
    assert not hosts.first.keep()


def test_a_holder_that_cannot_write_stops_before_another_may_begin():
    hosts = Hosts()
    hosts.first.keep()
    hosts.second.keep()
    hosts.pass_time(PATIENCE - MARGIN)
    assert not hosts.first.is_held()
    assert not hosts.second.keep()


def test_of_two_that_take_over_together_one_does():
    row = Row(Beat("gone", 7))
    watch = Watch()
    leases = [Lease(row, f"host-{n}", watch) for n in range(5)]
    for each in leases:
        each.keep()
    watch.now += PATIENCE
    seen = row.read()
    assert [row.write(f"host-{n}", seen) for n in range(5)] == [True, False, False, False, False]
    assert [each.keep() for each in leases] == [True, False, False, False, False]


def test_what_is_let_go_is_taken_at_once():
    hosts = Hosts()
    hosts.first.keep()
    hosts.second.keep()
    hosts.first.release()
    assert hosts.second.keep()
    hosts.first.release()
    assert hosts.second.is_held()
    assert hosts.row.beat is not None
    assert hosts.row.beat.holder == "second"


def test_the_same_slot_after_a_restart_goes_on_at_once():
    hosts = Hosts()
    hosts.first.keep()
    assert Lease(hosts.row, "first", hosts.watches[0]).keep()
