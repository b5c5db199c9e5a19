"""Where one can go in the console: what the roles allow, and the entry that a page belongs to."""

import pytest

from authsvc.domain.operator import Operator, Role
from authsvc.web.console.navigation import entries_for, here


def paths(*roles: Role) -> list[str]:
    return [each.path for each in entries_for(Operator("op_1", "Ann", frozenset(roles)))]


def test_nobody_is_led_where_they_may_not_go() -> None:
    assert paths() == []
    assert "/console/audit" in paths(Role.AUDITOR)
    assert "/console/audit" not in paths(Role.ANALYST)


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/console/", "/console/"),
        ("/console/policies", "/console/policies"),
        ("/console/policies/pol_1/analyze", "/console/policies"),
        ("/console/policiesx", ""),
        ("/console/sign-in", ""),
    ],
)
def test_a_page_belongs_to_the_longest_entry_it_begins_with(path: str, entry: str) -> None:
    assert here(path) == entry
