"""How a delivery goes on: soon again at first, then rarely, and for how long the others wait for it."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.webhook.delivery import Delivery, DeliveryState, Outcome, Trouble
from authsvc.webhook.schedule import HOLDING_TRIES, PAUSES, SPAN, pause_after

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
QUICK = timedelta(milliseconds=20)


def delivery(**changes: object) -> Delivery:
    given = {"id": "dlv_1", "endpoint_id": "whk_1", "type": "receipt:consumed", "seq": 7}
    return Delivery(**{**given, "created_at": NOON, "began_at": NOON, "next_at": NOON, **changes})  # type: ignore[arg-type]  # As above.


def answered(status: int, retry_after: timedelta | None = None) -> Outcome:
    return Outcome(status, None, QUICK, retry_after)


def unanswered(trouble: Trouble = Trouble.TOO_SLOW) -> Outcome:
    return Outcome(None, trouble, QUICK)


def exactly(tries: int) -> timedelta | None:
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_delivers(status):
    done = delivery().after(answered(status), NOON)
    assert (done.state, done.next_at, done.ended_at) == (DeliveryState.DELIVERED, None, NOON)


@pytest.mark.parametrize("status", [100, 199, 301, 302, 307, 400, 404, 410, 500, 503])
def test_nothing_else_does(status):
    assert delivery().after(answered(status), NOON).state is DeliveryState.PENDING


def test_it_is_tried_for_about_three_days_and_then_given_up():
    now, each = NOON, delivery()
    while each.state is DeliveryState.PENDING:
        each = each.after(unanswered(), now, exactly)
        now = each.next_at or now
    assert each.state is DeliveryState.FAILED
    assert each.tries == len(PAUSES) + 1
    assert timedelta(days=3) < now - NOON == SPAN < timedelta(days=3.5)


def test_pauses_only_grow_and_are_spread_by_chance():
    for tries, pause in enumerate(PAUSES, start=1):
        drawn = {pause_after(tries) for _ in range(200)}
        assert len(drawn) > 50
        assert all(each is not None and pause <= each <= pause * 1.2 for each in drawn)
    assert list(PAUSES) == sorted(PAUSES)
    assert pause_after(len(PAUSES) + 1) is None


def test_others_wait_through_a_hiccup_and_no_longer():
    each = delivery()
    for tries in range(1, HOLDING_TRIES + 1):
        each = each.after(unanswered(), NOON, exactly)
        assert each.in_line is (tries < HOLDING_TRIES)
    assert sum(PAUSES[: HOLDING_TRIES - 1], timedelta()) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "waits"), [(400, False), (404, False), (422, False), (429, True), (500, True)]
)
def test_a_receiver_that_refuses_this_event_gets_the_next_one(status, waits):
    assert delivery().after(answered(status), NOON, exactly).in_line is waits


def test_a_wish_to_wait_is_heeded_within_an_hour():
    def waited(wish: timedelta) -> timedelta:
        following = delivery().after(answered(503, wish), NOON, exactly).next_at
        assert following is not None
        return following - NOON

    assert waited(timedelta(seconds=120)) == timedelta(seconds=120)
    assert waited(timedelta(seconds=1)) == PAUSES[0]
    assert waited(timedelta(days=30)) == timedelta(hours=1)


def test_a_redelivery_begins_anew_and_nobody_waits_for_it():
    ended = delivery(state=DeliveryState.FAILED, tries=11, next_at=None, ended_at=NOON)
    again = ended.again(NOON)
    assert (again.state, again.tries, again.next_at, again.in_line) == (DeliveryState.PENDING, 0, NOON, False)


def test_the_receiver_knows_an_event_by_the_same_id_everywhere():
    assert delivery(id="dlv_1").message_id == delivery(id="dlv_2", endpoint_id="whk_2").message_id == "evt_7"
    assert delivery(seq=None).message_id == "test_dlv_1"
