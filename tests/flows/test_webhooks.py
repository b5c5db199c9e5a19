"""Events on their way to the shop's own address: signed, in order where possible, at least once, and never for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from authsvc.caller.webhooks import WebhookRefused
from authsvc.errors import EndpointDisabled, InvalidRequest, NotFound
from authsvc.webhook.delivery import Claim, Outcome
from authsvc.webhook.schedule import PAUSES, SPAN
from authsvc.webhook.sender import Sender
from authsvc.webhook.signature import SECRET_PREFIX
from tests.flows.webhooks import Office, Said, said, users_of
from tests.guarantees.canaries import forms_of, postgres_cells, sqlite_cells
from tests.support.receiver import Received, Receiver, Told
from tests.support.service import NOON, Bench, embedded

USERS = [f"u_{number}" for number in range(1, 6)]
FINE = Outcome(200, None, timedelta(milliseconds=5))


@pytest.fixture(params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    changes = {"webhook_networks": "127.0.0.0/8"}
    if request.param == "servers":
        changes |= {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    made = Bench(embedded(tmp_path / "data", **changes))
    yield made
    made.close()


@pytest.fixture
def office(bench: Bench) -> Iterator[Office]:
    made = Office(bench)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


# -- What is told ------------------------------------------------------------------------------------------------------


def test_what_happens_is_told_in_order_and_verifies_with_the_secret(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    office.happen(*USERS)
    office.look()
    webhooks = [each.verified(endpoint["secret"], NOON + timedelta(minutes=3)) for each in receiver.received]
    feed = [each for each in office.bench.events() if each["type"] == "subject:frozen"]
    assert [webhook.id for webhook in webhooks] == [f"evt_{each['seq']}" for each in feed]
    first = webhooks[0].payload
    assert (first["type"], first["user_id"], first["data"]) == ("subject:frozen", "u_1", {"reason": "a test"})
    assert first["timestamp"] == feed[0]["at"]
    assert {each["state"] for each in office.log(endpoint)} == {"delivered"}


def test_a_new_phone_alerts_the_backend(office: Office, receiver: Receiver):
    """requirement 18: an alert through webhook for every enrollment."""
    office.open(receiver.url, "subject:device:enrolled")
    office.bench.enroll("u_9", face=None)
    office.look()
    assert [(each.json["type"], each.json["user_id"]) for each in receiver.received] == [
        ("subject:device:enrolled", "u_9")
    ]


def test_what_was_before_the_endpoint_is_not_told(office: Office, receiver: Receiver):
    office.happen("u_1")
    office.open(receiver.url)
    office.happen("u_2")
    office.look()
    assert users_of(receiver.received) == ["u_2"]


def test_every_endpoint_that_wants_it_is_told_under_the_same_id(office: Office):
    with Receiver() as one, Receiver() as two, Receiver() as three:
        office.open(one.url)
        office.open(two.url, "subject:frozen")
        office.open(three.url, "receipt:consumed")
        office.happen("u_1")
        office.look()
        assert [each.id for each in one.received] == [each.id for each in two.received] != []
        assert not three.received


def test_another_client_is_told_nothing_and_sees_nothing(office: Office, receiver: Receiver):
    other = office.stranger()
    said(other.services.webhooks.create(other.key, other.once(), receiver.url, ()))
    endpoint = office.open("http://127.0.0.1:1/")
    office.happen("u_1")
    office.look()
    assert not receiver.received
    [delivery] = office.log(endpoint)
    for call in (
        lambda: other.services.webhooks.find(other.key, endpoint["id"]),
        lambda: other.services.webhooks.deliveries(other.key, endpoint["id"], None, None, 10),
        lambda: other.services.webhooks.delivery(other.key, endpoint["id"], delivery["id"]),
        lambda: other.services.webhooks.delete(other.key, endpoint["id"]),
        lambda: other.services.webhooks.rotate_secret(other.key, other.once(), endpoint["id"], timedelta()),
        lambda: other.services.webhooks.test(other.key, other.once(), endpoint["id"]),
    ):
        with pytest.raises(NotFound):
            call()
    mine: Said = other.services.webhooks.of_client(other.key)
    assert len(mine["webhooks"]) == 1


# -- Secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_is_shown_once_and_stands_nowhere(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    rotated = said(
        office.bench.services.webhooks.rotate_secret(
            office.bench.key, office.bench.once(), endpoint["id"], timedelta(hours=1)
        )
    )
    office.happen("u_1")
    office.look()
    services, key = office.bench.services, office.bench.key
    shown = [
        services.webhooks.of_client(key),
        services.webhooks.find(key, endpoint["id"]),
        office.log(endpoint),
    ]
    assert not any(SECRET_PREFIX in str(each) for each in shown)
    settings = office.bench.settings
    cells = (
        postgres_cells(settings.database_url)
        if settings.database_url
        else sqlite_cells(settings.database_file)
    )
    stored = b"\n".join(cell for _, cell in cells)
    assert receiver.url.encode() in stored
    for secret in (endpoint["secret"], rotated["secret"]):
        assert secret.startswith(SECRET_PREFIX)
        assert not any(form in stored for form in forms_of(secret.removeprefix(SECRET_PREFIX)))


def test_both_secrets_sign_while_a_rotation_overlaps_and_then_the_new_one_alone(
    office: Office, receiver: Receiver
):
    endpoint = office.open(receiver.url)
    new = said(
        office.bench.services.webhooks.rotate_secret(
            office.bench.key, office.bench.once(), endpoint["id"], timedelta(hours=24)
        )
    )["secret"]
    office.happen("u_1")
    office.look()
    office.bench.clock.advance(timedelta(hours=24))
    office.happen("u_2")
    office.look()
    overlapping, alone = receiver.received
    for secret in (endpoint["secret"], new):
        overlapping.verified(secret, NOON + timedelta(minutes=3))
    later = office.bench.clock.now()
    alone.verified(new, later)
    with pytest.raises(WebhookRefused):
        alone.verified(endpoint["secret"], later)


def test_the_same_request_again_gets_the_same_endpoint_with_the_same_secret(office: Office):
    once = office.bench.once()
    first, second = (
        office.bench.services.webhooks.create(office.bench.key, once, "https://shop.example/", ())
        for _ in range(2)
    )
    assert said(first) == said(second)
    assert second.replayed
    assert len(office.all()) == 1


# -- Failing -----------------------------------------------------------------------------------------------------------


def test_a_hiccup_delays_everything_and_changes_no_order(office: Office):
    failures = iter([Told(500), Told(503)])
    with Receiver(lambda received: next(failures, Told())) as receiver:
        endpoint = office.open(receiver.url)
        office.happen(*USERS)
        office.look_for(timedelta(minutes=1), timedelta(seconds=2))
        assert users_of(receiver.received) == ["u_1", "u_1", *USERS]
        assert len({each.id for each in receiver.received[:3]}) == 1
        first = office.log(endpoint)[-1]
    log = office.delivery(endpoint, first["id"])["log"]
    assert [(each["status"], each["error"]) for each in log] == [
        (500, "status"),
        (503, "status"),
        (200, None),
    ]


def test_each_try_is_signed_for_its_own_moment(office: Office):
    failures = iter([Told(500)])
    with Receiver(lambda received: next(failures, Told())) as receiver:
        endpoint = office.open(receiver.url)
        office.happen("u_1")
        office.look()
        office.bench.clock.advance(timedelta(minutes=10))
        office.look()
        first, second = receiver.received
    assert first.id == second.id
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    second.verified(endpoint["secret"], office.bench.clock.now())


def test_an_event_that_cannot_be_taken_steps_aside(office: Office):
    def answer(received: Received) -> Told:
        return Told(422 if received.json["user_id"] == "u_2" else 200)

    with Receiver(answer) as receiver:
        endpoint = office.open(receiver.url)
        office.happen(*USERS)
        office.look(3)
        assert users_of(receiver.received) == USERS
        # It alone is tried again, given up after three days, and its endpoint goes on.
        office.look_for(2 * SPAN, timedelta(hours=2))
    [failed] = office.log(endpoint, "failed")
    assert failed["attempts"] == len(PAUSES) + 1
    assert len(office.log(endpoint, "delivered")) == len(USERS) - 1
    assert office.shown(endpoint)["enabled"]


def test_an_endpoint_that_never_answers_is_disabled_after_three_days_and_loses_nothing(office: Office):
    status = [500]
    with Receiver(lambda received: Told(status[0])) as failing, Receiver() as other:
        endpoint = office.open(failing.url, "subject:frozen")
        office.open(other.url, "webhook:endpoint:disabled")
        office.happen(*USERS)
        office.look_for(timedelta(days=3), timedelta(hours=1))
        assert office.shown(endpoint)["enabled"]
        office.look_for(timedelta(days=2), timedelta(hours=1))
        assert office.shown(endpoint)["disabled_reason"] == "failing"
        office.look()
        # Both are told: whoever reads the feed, and the client's other endpoint.
        told = {"endpoint": endpoint["id"], "reason": "failing"}
        assert [each.json["data"] for each in other.received] == [told]
        event = office.bench.events()[-1]
        assert (event["type"], event["user_id"], event["data"]) == ("webhook:endpoint:disabled", None, told)
        tried = len(failing.received)
        office.look_for(timedelta(days=1), timedelta(hours=4))
        assert len(failing.received) == tried
        status[0] = 200
        assert office.change(endpoint, enabled=True)["disabled_reason"] is None
        office.look()
        assert sorted(users_of(failing.received[tried:])) == USERS
    assert not office.log(endpoint, "pending")


def test_410_disables_at_once(office: Office):
    with Receiver(lambda received: Told(410)) as receiver:
        endpoint = office.open(receiver.url)
        office.happen(*USERS)
        office.look(3)
        assert len(receiver.received) == 1
    assert office.shown(endpoint)["disabled_reason"] == "gone"
    assert len(office.log(endpoint, "pending")) == len(USERS)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure(office: Office, receiver: Receiver, status: int):
    with Receiver(lambda received: Told(status, {"Location": receiver.url})) as moved:
        endpoint = office.open(moved.url)
        office.happen("u_1")
        office.look()
    assert not receiver.received
    assert office.log(endpoint)[0]["last_attempt"]["status"] == status


def test_a_private_address_is_not_sent_to_and_the_log_says_so(office: Office):
    endpoint = office.open("https://localhost:1/")
    office.bench.wired.services.webhooks._parts.webhook_guard._networks = ()
    office.sender._postman.guard._networks = ()
    office.happen("u_1")
    office.look()
    [delivery] = office.log(endpoint)
    assert (delivery["state"], delivery["last_attempt"]["error"]) == ("pending", "address-not-allowed")
    for url in ("https://127.0.0.1/", "https://169.254.169.254/", "http://shop.example/"):
        with pytest.raises(InvalidRequest):
            office.open(url)
        with pytest.raises(InvalidRequest):
            office.change(endpoint, url=url)


# -- Once, and at least once -------------------------------------------------------------------------------------------


def test_a_sender_that_dies_between_sending_and_recording_loses_nothing(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    office.happen("u_1", "u_2")
    office.outbox.spread()
    claim = office.claim(endpoint)
    assert claim is not None
    # It was sent, and nobody recorded it. What comes after it waits.
    office.look()
    assert not receiver.received
    office.bench.clock.advance(timedelta(seconds=61))
    office.look()
    assert users_of(receiver.received) == ["u_1", "u_2"]
    assert receiver.received[0].id == claim.delivery.message_id
    log = office.delivery(endpoint, claim.delivery.id)["log"]
    assert [(each["number"], each["error"]) for each in log] == [(1, "unfinished"), (2, None)]


def test_of_many_senders_that_race_for_a_delivery_one_gets_it(office: Office):
    endpoint = office.open("https://shop.example/")
    office.happen(*USERS)
    office.outbox.spread()
    for _ in USERS:
        start = threading.Barrier(8)
        claims: list[Claim | None] = []

        def race(start: threading.Barrier = start, claims: list[Claim | None] = claims) -> None:
            start.wait()
            claims.append(office.claim(endpoint))

        threads = [threading.Thread(target=race) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [claim] = [each for each in claims if each is not None]
        office.outbox.settle(claim, FINE, go_on=False)
    assert not office.log(endpoint, "pending")


def _look_thrice(sender: Sender) -> None:
    for _ in range(3):
        sender.tick()
    assert sender.rest(60)


def test_two_senders_that_both_believe_they_work_send_each_event_once(office: Office, receiver: Receiver):
    office.open(receiver.url)
    rival = office.rival()
    rival._lease = office.sender._lease
    office.happen(*USERS)
    with ThreadPoolExecutor(2) as hosts:
        list(hosts.map(_look_thrice, (office.sender, rival)))
    office.look()
    assert sorted(users_of(receiver.received)) == USERS


def test_a_second_host_does_nothing_while_the_first_works_and_goes_on_when_it_ends(
    office: Office, receiver: Receiver
):
    office.open(receiver.url)
    rival = office.rival()
    office.look()
    office.happen("u_1")
    rival.tick()
    assert rival.rest(5)
    assert not receiver.received
    office.sender.close(5)
    rival.tick()
    assert rival.rest(20)
    assert users_of(receiver.received) == ["u_1"]
    rival.close(5)


def test_events_are_spread_once_however_many_spread_them(office: Office):
    endpoint = office.open("https://shop.example/")
    office.happen(*USERS)
    threads = [threading.Thread(target=office.outbox.spread) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(office.log(endpoint)) == len(USERS)


def test_a_success_that_is_recorded_late_still_counts(office: Office):
    endpoint = office.open("https://shop.example/")
    office.happen("u_1")
    office.outbox.spread()
    late = office.claim(endpoint)
    office.bench.clock.advance(timedelta(minutes=2))
    second = office.claim(endpoint)
    assert late is not None
    assert second is not None
    office.outbox.settle(late, FINE, go_on=False)
    office.outbox.settle(second, Outcome(500, None, timedelta()), go_on=False)
    [delivery] = office.log(endpoint)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)


# -- By hand -----------------------------------------------------------------------------------------------------------


def test_a_test_is_sent_at_once_whatever_waits(office: Office):
    status = [500]
    with Receiver(lambda received: Told(status[0])) as receiver:
        endpoint = office.open(receiver.url)
        office.happen("u_1")
        office.look()
        status[0] = 200
        services, bench = office.bench.services, office.bench
        delivery = said(services.webhooks.test(bench.key, bench.once(), endpoint["id"]))
        office.look()
        came = receiver.received[-1]
        assert (
            came.verified(endpoint["secret"], NOON + timedelta(minutes=3)).payload["type"] == "webhook:test"
        )
        assert came.json["data"] == {"endpoint": endpoint["id"]}
    assert office.delivery(endpoint, delivery["id"])["state"] == "delivered"


def test_one_delivery_can_be_sent_again(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    office.happen("u_1", "u_2")
    office.look()
    bench, first = office.bench, office.log(endpoint)[-1]
    again = said(bench.services.webhooks.redeliver(bench.key, bench.once(), endpoint["id"], first["id"]))
    assert again["state"] == "pending"
    office.look()
    assert users_of(receiver.received) == ["u_1", "u_2", "u_1"]
    assert receiver.received[0].id == receiver.received[2].id
    assert office.delivery(endpoint, first["id"])["attempts"] == 2


def test_while_it_is_switched_off_events_wait(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    assert office.change(endpoint, enabled=False)["disabled_reason"] == "switched-off"
    office.happen(*USERS)
    office.look(2)
    bench = office.bench
    for act in (
        lambda: bench.services.webhooks.test(bench.key, bench.once(), endpoint["id"]),
        lambda: bench.services.webhooks.redeliver(bench.key, bench.once(), endpoint["id"], "dlv_none"),
    ):
        with pytest.raises(EndpointDisabled):
            act()
    assert not receiver.received
    office.change(endpoint, enabled=True)
    office.look()
    assert users_of(receiver.received) == USERS


def test_address_and_types_can_be_changed(office: Office, receiver: Receiver):
    endpoint = office.open("http://127.0.0.1:1/", "receipt:consumed")
    changed = office.change(endpoint, url=receiver.url, types=["subject:frozen", "subject:frozen"])
    assert (changed["url"], changed["types"]) == (receiver.url, ["subject:frozen"])
    office.happen("u_1")
    office.look()
    assert users_of(receiver.received) == ["u_1"]


def test_a_deleted_endpoint_gets_nothing_and_its_log_goes(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    kept = office.open(receiver.url + "/kept")
    office.happen("u_1", "u_2")
    office.outbox.spread()
    claim = office.claim(endpoint)
    assert claim is not None
    office.bench.services.webhooks.delete(office.bench.key, endpoint["id"])
    # What was under way when it went is recorded nowhere, and disturbs nothing.
    assert office.outbox.settle(claim, FINE, go_on=True) is None
    office.look()
    assert {each.path for each in receiver.received} == {"/hook/kept"}
    office.outbox.forget()
    with pytest.raises(NotFound):
        office.shown(endpoint)
    ledger = office.bench.wired.store.ledger
    assert ledger.read(lambda tx: tx.deliveries.find(claim.delivery.id)) is None
    assert ledger.read(lambda tx: tx.deliveries.attempts(claim.delivery.id)) == ()
    assert len(office.log(kept)) == 2


def test_the_log_is_forgotten_after_two_weeks_and_what_waits_is_not(office: Office):
    def answer(received: Received) -> Told:
        return Told(422 if received.json["user_id"] == "u_2" else 200)

    with Receiver(answer) as receiver:
        endpoint = office.open(receiver.url)
        office.happen("u_1", "u_2")
        office.look()
    office.bench.clock.advance(timedelta(days=14, minutes=1))
    office.outbox.forget()
    assert [each["state"] for each in office.log(endpoint)] == ["pending"]


def test_the_log_is_read_page_by_page(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    office.happen(*USERS)
    office.look()
    seen: list[int] = []
    before: int | None = None
    for _ in range(4):
        page: Said = office.bench.services.webhooks.deliveries(
            office.bench.key, endpoint["id"], "delivered", before, 2
        )
        seen += [each["seq"] for each in page["deliveries"]]
        before = page["next"]
    assert len(seen) == len(set(seen)) == len(USERS)
    assert seen == sorted(seen, reverse=True)
    assert before is None


def test_a_client_may_have_so_many_and_no_more(office: Office):
    for number in range(16):
        office.open(f"https://shop.example/{number}")
    with pytest.raises(InvalidRequest, match="16"):
        office.open("https://shop.example/one-too-many")


def test_every_act_is_in_the_clients_audit_log(office: Office, receiver: Receiver):
    endpoint = office.open(receiver.url)
    bench = office.bench
    office.change(endpoint, enabled=False)
    bench.services.webhooks.rotate_secret(bench.key, bench.once(), endpoint["id"], timedelta())
    bench.services.webhooks.delete(bench.key, endpoint["id"])
    page: Said = bench.services.records.audit_events(bench.key, None, 500)
    acts = [(line["action"], line["result"]) for line in page["events"] if line["object"] == endpoint["id"]]
    assert acts == [
        ("webhook.create", "enabled"),
        ("webhook.change", "switched-off"),
        ("webhook.rotate", "rotated"),
        ("webhook.delete", "deleted"),
    ]
    report = office.store.audit.verify()
    assert report.is_sound, report


def test_more_events_than_may_wait_stay_in_the_feed_until_there_is_room(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("authsvc.services.outbox.MOST_PENDING", 2)
    monkeypatch.setattr("authsvc.services.outbox.PAGE", 2)
    endpoint = office.open(receiver.url)
    office.happen(*USERS)
    for _ in range(4):
        office.outbox.spread()
    assert len(office.log(endpoint)) == 2
    office.look(4)
    assert users_of(receiver.received) == USERS
