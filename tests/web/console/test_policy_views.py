"""What the policy's pages show is made by pure functions: tables, matrices, steps and words that say what the figures say."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import pytest

from authsvc.errors import InvalidRequest
from authsvc.policy.inputs import Inputs
from authsvc.policy.life import Examined, Source, State, Version
from authsvc.policy.table import decision_table
from authsvc.subject import Novelty
from authsvc.web.console.policies.bars import Bar, bars_svg
from authsvc.web.console.policies.report_view import Share, challenge_rate, matrix
from authsvc.web.console.policies.steps import Hindrance, Step, milestone, offered, standing_in_the_way
from authsvc.web.console.policies.table_view import table_view
from authsvc.web.console.policies.what_if import payment_of, query_of
from authsvc.web.console.policies.wording import money, percent
from tests.policy.builders import policy
from tests.support.policies import ANN, BOB, CAI, EVE

MEDIUM = {"id": "medium", "level": "otp", "amount_at_least": 1_000}
RISKY = {"id": "risky", "level": "face", "risk_at_least": 50}


# -- The decision table ------------------------------------------------------------------------------------------------


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


# -- A backtest's report -----------------------------------------------------------------------------------------------


def test_a_matrix_is_in_the_order_of_strictness_and_counts_what_is_asked() -> None:
    found = matrix({"face": {"face": 3, "none": 1}, "exempted low_value": {"otp": 2}, "none": {"none": 4}})

    assert found.answers == ("none", "exempted low_value", "otp", "face")
    assert found.rows[-1] == ("face", (1, 0, 0, 3))
    assert found.total == 10
    asked = challenge_rate(found)
    assert (asked.before, asked.after) == (Share(4, 10), Share(5, 10))
    assert [
        found.turn(*move) for move in (("face", "none"), ("exempted low_value", "otp"), ("none", "none"))
    ] == [
        "weaker",
        "stricter",
        "same",
    ]


def test_a_rate_of_nothing_is_a_dash_and_no_zero() -> None:
    assert percent(Share(0, 0).rate) == "–"
    assert percent(Share(0, 5).rate) == "0.00 %"


def test_bars_can_be_read_without_being_seen() -> None:
    bars = [Bar("before", 0.25, "25 % (5)"), Bar("after", None, "–")]
    drawn = ET.fromstring(bars_svg("k", "A <title>", bars))  # noqa: S314 - our own

    assert drawn.attrib["aria-labelledby"] == "k-title k-description"
    assert drawn.findtext("{*}desc") == "before: 25 % (5); after: –"
    assert [each.attrib["width"] for each in drawn.findall("{*}rect") if each.attrib["class"] != "track"] == [
        "50.0",
        "0.0",
    ]


# -- Steps -------------------------------------------------------------------------------------------------------------


def version(state: State, author: str = ANN.id, against: str = "sha256:1", *errors: str) -> Version:
    at = datetime(2026, 11, 27, tzinfo=UTC)
    examined = None
    if state not in (State.DRAFT, State.VALIDATED):
        whole = {"complete": True}
        examined = Examined(against, at, ANN.id, whole, whole, errors)
    return Version("pol_1", Source("", "toml", ""), author, "", at, state, examined=examined)


def test_steps_are_offered_to_whoever_may_and_say_why_not() -> None:
    ready = version(State.ANALYZED)

    def hindrance(operator, of, active="sha256:1"):
        return {each.step: each.hindrance for each in offered(ready if of is None else of, operator, active)}

    assert hindrance(BOB, None)[Step.APPROVE] is None
    assert hindrance(ANN, None)[Step.APPROVE] is Hindrance.ROLE
    assert hindrance(CAI, version(State.ANALYZED, CAI.id))[Step.APPROVE] is Hindrance.OWN_VERSION
    assert hindrance(BOB, None, "sha256:2")[Step.APPROVE] is Hindrance.OTHER_POLICY
    assert hindrance(BOB, version(State.APPROVED), "sha256:2")[Step.ACTIVATE] is Hindrance.OTHER_POLICY
    assert set(hindrance(EVE, None).values()) == {Hindrance.ROLE}
    assert hindrance(BOB, version(State.ACTIVE)) == {}


def test_errors_that_nobody_can_accept_are_told_apart() -> None:
    found = standing_in_the_way(
        version(State.ANALYZED, ANN.id, "sha256:1", "weaker-than-active", "not-monotone:risky")
    )

    assert [(each.name, each.acceptable) for each in found] == [
        ("weaker-than-active", True),
        ("not-monotone:risky", False),
    ]


@pytest.mark.parametrize(
    ("state", "reached"), [(State.DRAFT, 1), (State.SHADOWING, 3), (State.ROLLED_BACK, 5)]
)
def test_a_version_is_as_far_as_its_state(state: State, reached: int) -> None:
    assert milestone(version(state)) == reached


# -- What if -----------------------------------------------------------------------------------------------------------


def test_a_payment_goes_through_the_form_and_comes_back_the_same() -> None:
    inputs = Inputs(
        "transfer", 125_000, "CNY", Novelty.NEW, 73, ("new_payee",), "app", True, verify_always=True
    )
    typed = dict(parse_qsl(query_of(inputs.to_snapshot()), keep_blank_values=True))

    assert Inputs.from_snapshot(payment_of(typed)) == inputs


def test_what_is_left_empty_is_not_known() -> None:
    snapshot = payment_of({"type": "payment", "amount_minor": "1", "currency": "CNY", "risk_score": " "})

    assert Inputs.from_snapshot(snapshot) == Inputs("payment", 1, "CNY")


@pytest.mark.parametrize("typed", ["12.5", "1e3", "², ", "9" * 30])
def test_what_is_no_number_is_refused_by_name(typed: str) -> None:
    with pytest.raises(InvalidRequest, match="amount_minor"):
        payment_of({"amount_minor": typed})


@pytest.mark.parametrize(
    ("minor", "digits", "said"), [(500_000, 2, "5 000.00"), (7, 0, "7"), (1_234, 3, "1.234")]
)
def test_amounts_have_their_point_where_the_currency_has_it(minor: int, digits: int, said: str) -> None:
    assert money(minor, digits).replace("\u202f", " ") == said


def test_the_table_says_how_many_gestures_each_level_asks_and_what_they_are_worth() -> None:
    view = table_view(decision_table(policy(MEDIUM)).to_json())
    assert [(each.level, each.count, each.one_in, each.backwards) for each in view.gestures] == [
        ("face", 4, 596, 298),
        ("face_fingerprint", 4, 596, 298),
    ]
