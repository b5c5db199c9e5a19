"""An invitation is good for two days, and once."""

from dataclasses import replace
from datetime import UTC, datetime

from authsvc.operators.invitation import INVITATION_LIFE, Invitation

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
INVITATION = Invitation("i1", "op_1", b"mac", NOON + INVITATION_LIFE)


def test_it_is_good_until_it_ends_or_was_used() -> None:
    assert INVITATION.is_good(NOON)
    assert not INVITATION.is_good(NOON + INVITATION_LIFE)
    assert not replace(INVITATION, used_at=NOON).is_good(NOON)
