"""The numbers of a policy's text as fields: found by their lines, written back into the very text."""

import pytest

from authsvc.errors import InvalidRequest
from authsvc.web.console.policies.numbers import numbers, written

TEXT = """reference_currency = "CNY"
# amount_at_least = 1
[[rules]]
id = "medium-amount"
level = "otp"
amount_at_least = 100_000  # 1 000 CNY

[[rules]]
id = "risky"
risk_at_least = 40

[devices]
synced_amount_at_most = 2_000_000

[[tests]]
amount_at_least = 7
"""


def test_how_many_times_the_usual_is_a_number_and_no_amount():
    text = TEXT.replace("risk_at_least = 40", "amount_unusual_at_least = 4")
    found = numbers(text)[1]
    assert (found.key, found.value) == ("amount_unusual_at_least", "4")
    assert "amount_unusual_at_least = 12" in written(text, {found.field: "12"})


def test_each_bound_is_found_with_its_rule_and_in_major_units():
    assert [(each.line, each.owner, each.key, each.value) for each in numbers(TEXT)] == [
        (6, "medium-amount", "amount_at_least", "1000.00"),
        (10, "risky", "risk_at_least", "40"),
        (13, "devices", "synced_amount_at_most", "20000.00"),
    ]


@pytest.mark.parametrize("typed", ["2000", "2,000.00", "\uff12\uff10\uff10\uff10", " 2000.0 "])
def test_what_is_typed_changes_its_line_and_no_other(typed: str):
    changed = written(TEXT, {"line-6": typed, "line-10": "40"})
    assert changed == TEXT.replace("= 100_000  #", "= 200_000  #")


def test_what_is_not_touched_stays_to_the_letter():
    fields = {each.field: each.value for each in numbers(TEXT)}
    assert written(TEXT, fields) == TEXT
    assert written(TEXT, {}) == TEXT


@pytest.mark.parametrize("typed", ["", "much", "-1", "NaN", "1e30"])
def test_what_is_no_number_is_said(typed: str):
    with pytest.raises(InvalidRequest):
        written(TEXT, {"line-6": typed})


def test_fen_are_the_smallest_unit_and_some_currencies_have_none():
    assert "= 100_050" in written(TEXT, {"line-6": "1000.50"})
    assert numbers(TEXT.replace("CNY", "JPY"))[0].value == "100000"


def _fields(text: str) -> dict[str, str]:
    """What a page of this text sends when nobody has touched a field."""
    found = numbers(text)
    return {each.field: each.value for each in found} | {f"was-{each.line}": each.value for each in found}


def test_a_line_that_was_written_above_moves_no_number():
    moved = "# one line more\n# and another\n# and one\n# and one\n" + TEXT
    assert {each.line for each in numbers(moved)} & {each.line for each in numbers(TEXT)}
    assert written(moved, _fields(TEXT)) == moved


def test_a_number_that_was_changed_in_both_places_is_said():
    by_hand = TEXT.replace("= 100_000  #", "= 300_000  #")
    with pytest.raises(InvalidRequest, match="line 6"):
        written(by_hand, _fields(TEXT) | {"line-6": "2000"})
    assert written(by_hand, _fields(TEXT) | {"line-6": "3000"}) == by_hand
