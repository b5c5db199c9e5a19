"""A session ends by silence, by the end of a working day, or because somebody ended it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.domain.operator import Operator
from authsvc.operators.session import IDLE, LONGEST, Means, Session, SessionKind

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
OPERATOR = Operator("op_1", "Ann", frozenset())
SESSION = Session("s", SessionKind.BROWSER, OPERATOR, Means.DEVICE_KEY, b"mac", NOON, NOON, NOON + LONGEST)


@pytest.mark.parametrize(
    ("session", "after", "good"),
    [
        (SESSION, IDLE - timedelta(seconds=1), True),
        (SESSION, IDLE, False),
        (replace(SESSION, kind=SessionKind.BEARER), IDLE, True),
        (replace(SESSION, seen_at=NOON + LONGEST), LONGEST, False),
        (replace(SESSION, ended_at=NOON), timedelta(), False),
    ],
)
def test_a_session_is_good_while_it_is_used_and_not_over(
    session: Session, after: timedelta, good: bool
) -> None:
    assert session.is_good(NOON + after) is good
