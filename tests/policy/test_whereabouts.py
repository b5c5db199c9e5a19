"""A fault is shown on the line where its key stands."""

import pytest

from authsvc.policy.whereabouts import Path, line_of, lines_of

TEXT = """\
# a comment = 1
id = "tested"
"quoted key" = 1

[currencies]
CNY = { worth = "1", minor_digits = 2 }
[levels.otp]
sets = [
    ["otp"],
]

[[rules]]
id = "first"
[[rules]]
id = "second"
why = "[not a header]"
risk_at_least = 40
  [biometrics . face]
  fmr = "1 in 10"
"""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("id",), 'id = "tested"'),
        (("quoted key",), '"quoted key" = 1'),
        (("currencies", "CNY", "worth"), 'CNY = { worth = "1", minor_digits = 2 }'),
        (("levels", "otp", "sets", 0, 0), "sets = ["),
        (("rules", 0), "[[rules]]"),
        (("rules", 0, "level"), "[[rules]]"),
        (("rules", 1, "risk_at_least"), "risk_at_least = 40"),
        (("biometrics", "face", "fmr"), '  fmr = "1 in 10"'),
    ],
)
def test_a_path_is_found_on_its_line_or_on_the_nearest_around_it(path: Path, text: str) -> None:
    line = line_of(lines_of(TEXT), path)

    assert line is not None
    assert TEXT.splitlines()[line - 1] == text


def test_entries_of_one_table_are_told_apart() -> None:
    lines = lines_of(TEXT)

    assert lines["rules", 0, "id"] < lines["rules", 1] < lines["rules", 1, "id"]


def test_what_stands_nowhere_has_no_line() -> None:
    assert line_of(lines_of(TEXT), ("devices",)) is None
