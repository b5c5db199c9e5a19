"""What stands in a webhook: the event as the feed has it."""

import json
from datetime import UTC, datetime

from authsvc.events import NOBODY, Event
from authsvc.subject import Subject
from authsvc.webhook.message import body_of, body_of_test

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_a_body_is_the_event_of_the_feed() -> None:
    body = json.loads(body_of(7, Event("subject:frozen", Subject("shop", "ann"), NOON, {"reason": "r"})))
    assert body == {
        "type": "subject:frozen",
        "timestamp": "2026-11-30T12:00:00.000Z",
        "seq": 7,
        "user_id": "ann",
        "data": {"reason": "r"},
    }


def test_what_the_payer_should_hear_of_is_there_in_words() -> None:
    body = json.loads(body_of(7, Event("subject:device:enrolled", Subject("shop", "ann"), NOON)))
    assert body["alert"]["en"].startswith("A new device was just added to your account.")


def test_an_event_about_no_user_names_none() -> None:
    event = Event("webhook:endpoint:disabled", Subject("shop", NOBODY), NOON)
    assert json.loads(body_of(1, event))["user_id"] is None


def test_a_test_is_no_event() -> None:
    assert json.loads(body_of_test("whe_1", NOON))["type"] == "webhook:test"
