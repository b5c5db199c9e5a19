"""The decision table on a page: each place says which way it went."""

import pytest

from authsvc.policy.table import decision_table
from authsvc.web.console.policies.table_view import table_view
from tests.policy.builders import policy

MEDIUM = {"id": "medium", "level": "otp", "amount_at_least": 1_000}


RISKY = {"id": "risky", "level": "face", "risk_at_least": 50}


@pytest.mark.parametrize(
    ("before", "after", "turn"),
    [
        ((MEDIUM, RISKY), (MEDIUM, RISKY), "same"),
        ((MEDIUM, RISKY), ({**MEDIUM, "level": "face"}, RISKY), "stricter"),
        (({**MEDIUM, "level": "face"}, RISKY), (MEDIUM, RISKY), "weaker"),
    ],
)
def test_each_place_says_which_way_it_went(
    before: tuple[dict[str, object], ...], after: tuple[dict[str, object], ...], turn: str
) -> None:
    view = table_view(decision_table(policy(*after), policy(*before)).to_json())

    square = view.panels[0].rows[0].squares[1]
    assert square is not None
    assert square.turn == turn
    assert view.panels[0].changed == (turn != "same")


def test_other_proofs_of_the_same_level_are_not_called_weaker() -> None:
    levels = {
        "otp": {"sets": [["otp"]]},
        "face": {"sets": [["face"]]},
        "face_fingerprint": {"sets": [["face", "device_uv"]]},
    }

    view = table_view(decision_table(policy(MEDIUM, levels=levels), policy(MEDIUM)).to_json())

    square = view.panels[0].rows[0].squares[1]
    assert square is not None
    assert (square.turn, square.changed) == ("other-sets", square.cells)


def test_the_table_says_how_many_gestures_each_level_asks_and_what_they_are_worth() -> None:
    view = table_view(decision_table(policy(MEDIUM)).to_json())
    assert [(each.level, each.count, each.one_in, each.backwards) for each in view.gestures] == [
        ("face", 4, 997, 498),
        ("face_fingerprint", 4, 997, 498),
    ]
