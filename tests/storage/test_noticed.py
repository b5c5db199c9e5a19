"""A broken row is reported once an hour, and again where reporting it failed."""

from datetime import timedelta

from authsvc.clock import FrozenClock
from authsvc.storage import noticed
from authsvc.storage.bound import Broken
from authsvc.storage.noticed import AGAIN_AFTER, Noticed
from tests.domain.test_decision import NOON

ROW = Broken("devices", "dev_a", "wrong", "shop", "u_1")
OTHER = Broken("devices", "dev_b", "wrong", "shop", "u_1")


def test_each_row_once_however_often_it_is_met():
    noticing = Noticed(FrozenClock(NOON))
    for _ in range(5):
        noticing(ROW)
        noticing(OTHER)
    assert noticing.take() == (ROW, OTHER)
    assert noticing.take() == ()


def test_again_when_an_hour_is_over():
    clock = FrozenClock(NOON)
    noticing = Noticed(clock)
    noticing(ROW)
    noticing.take()
    clock.advance(AGAIN_AFTER - timedelta(seconds=1))
    noticing(ROW)
    assert noticing.take() == ()
    clock.advance(timedelta(seconds=1))
    noticing(ROW)
    assert noticing.take() == (ROW,)


def test_what_could_not_be_reported_comes_first_the_next_time():
    noticing = Noticed(FrozenClock(NOON))
    noticing(ROW)
    failed = noticing.take()
    noticing(OTHER)
    noticing.give_back(failed)
    assert noticing.take() == (ROW, OTHER)


def test_what_is_remembered_does_not_grow_without_bound(monkeypatch):
    monkeypatch.setattr(noticed, "MOST", 3)
    noticing = Noticed(FrozenClock(NOON))
    rows = [Broken("devices", f"dev_{number}", "wrong", None, None) for number in range(10)]
    for row in rows:
        noticing(row)
    assert noticing.take() == tuple(rows)
    assert len(noticing._told) <= 3
