"""The audit's cursor: a chain and a number, or the beginning."""

import pytest

from authsvc.errors import InvalidRequest
from authsvc.services.records import _cursor


@pytest.mark.parametrize(
    ("after", "place"), [(None, ("", 0)), ("", ("", 0)), ("a-1:7", ("a-1", 7)), ("a:b:7", ("a:b", 7))]
)
def test_a_cursor_leads_back_to_its_place(after: str | None, place: tuple[str, int]) -> None:
    assert _cursor(after) == place


@pytest.mark.parametrize("after", ["a", ":7", "a:", "a:-1", "a:1.0", "a:²", "a:" + "1" * 16])
def test_what_was_never_given_as_one_is_refused(after: str) -> None:
    with pytest.raises(InvalidRequest):
        _cursor(after)
