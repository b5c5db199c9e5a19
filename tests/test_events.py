"""An event has a known tag, in the past tense of a subject."""

import re
from datetime import UTC, datetime

import pytest

from authsvc.events import TAGS, Event
from authsvc.subject import Subject

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_an_unknown_tag_is_no_event() -> None:
    with pytest.raises(ValueError, match="unknown event tag `subject:frozzen`"):
        Event("subject:frozzen", Subject("shop", "ann"), NOON)


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_words_between_colons(tag: str) -> None:
    assert re.fullmatch(r"[a-z-]+(:[a-z-]+){1,2}", tag)
    assert Event(tag, Subject("shop", "ann"), NOON).data == {}
