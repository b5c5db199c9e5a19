"""What a payer is told of an event: in both languages, and nothing that others should read on a locked screen."""

from datetime import UTC, datetime

import pytest

from authsvc.events import TAGS, Event
from authsvc.subject import Subject
from authsvc.webhook.alerts import alert_of

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TOLD = {
    "decision:habits:unlike",
    "decision:warning:stopped",
    "subject:device:enrolled",
    "subject:device:restored",
    "subject:otp:enrolled",
    "subject:face:enrolled",
    "subject:face:renewed",
    "subject:voice:enrolled",
    "subject:gait:enrolled",
    "subject:recovery-codes:renewed",
    "subject:recovery:used",
    "subject:unfrozen",
}


def event(tag: str, **data: object) -> Event:
    return Event(tag, Subject("shop", "ann"), NOON, {"decision": "dec_1", **data})


def test_these_and_no_others_are_told() -> None:
    assert {tag for tag in TAGS if alert_of(event(tag)) is not None} == TOLD


@pytest.mark.parametrize("tag", sorted(TOLD))
def test_an_alert_is_a_sentence_in_both_languages_without_an_id(tag: str) -> None:
    alert = alert_of(event(tag))
    assert alert is not None
    assert set(alert) == {"zh-CN", "en"}
    assert alert["zh-CN"].endswith("。")
    assert alert["en"].endswith(".")
    assert "dec_1" not in "".join(alert.values())


def test_a_payer_who_declined_hears_of_it_where_it_was_not_theirs() -> None:
    declined = {
        choice: alert_of(event("decision:challenge:declined", choice=choice))
        for choice in ("not_me", "cancel", "warned")
    }
    assert [choice for choice, alert in declined.items() if alert is not None] == ["not_me"]
