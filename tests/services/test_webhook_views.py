"""Deliveries as their owner sees them: never what the receiver said, and an unfinished try is said as one."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.services.webhook_views import attempt_view, endpoint_view
from authsvc.webhook.delivery import Attempt, Outcome, Trouble
from authsvc.webhook.endpoint import Disabled, Endpoint

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HALF = timedelta(milliseconds=500)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (None, {"status": None, "error": "unfinished", "duration_ms": None}),
        (Outcome(204, None, HALF), {"status": 204, "error": None, "duration_ms": 500}),
        (Outcome(500, None, HALF), {"status": 500, "error": "status", "duration_ms": 500}),
        (Outcome(None, Trouble.TOO_SLOW, HALF), {"status": None, "error": "too-slow", "duration_ms": 500}),
    ],
)
def test_an_attempt_says_how_it_went(outcome: Outcome | None, said: dict[str, object]) -> None:
    assert attempt_view(Attempt(2, NOON, outcome)) == {"number": 2, "at": "2026-11-30T12:00:00.000Z", **said}


def test_an_endpoint_says_why_nothing_is_sent() -> None:
    endpoint = Endpoint("whe_1", "shop", "https://a.example", (), NOON)
    assert endpoint_view(endpoint)["enabled"] is True
    gone = endpoint_view(endpoint.stopped(Disabled.GONE))
    assert (gone["enabled"], gone["disabled_reason"]) == (False, "gone")
