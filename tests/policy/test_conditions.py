"""What each condition means: what is not known satisfies what tightens and fails what loosens."""

import pytest

from authsvc.factor import Category
from authsvc.policy.conditions import KEYS, LOOSENING, Axis, Condition, Seen, plain
from authsvc.policy.currency import UNBOUNDED
from authsvc.policy.inputs import FLAGS, Inputs
from authsvc.subject import Novelty

UNKNOWN = Seen.of(Inputs("payment", 1, "XAU"), UNBOUNDED)
BOUNDS = {
    "amount_at_least": 10**12,
    "amount_at_most": 10**12,
    "risk_at_least": 100,
    "risk_at_most": 99,
    "device_at_least": Novelty.UNKNOWN,
    "device_worse_than": Novelty.NEW,
    "device_at_most": Novelty.NEW,
    "channel_in": ("app",),
    "channel_among": ("app",),
    "synced": True,
    "amount_unusual_at_least": 1_000,
    **dict.fromkeys(FLAGS, True),
    "proven_lacks": Category.KNOWLEDGE,
}


@pytest.mark.parametrize("key", BOUNDS)
def test_what_is_not_known_is_taken_for_the_riskier(key: str) -> None:
    condition = Condition(key, BOUNDS[key])
    assert condition.loosens == (key in LOOSENING)
    assert condition.holds(UNKNOWN) is not condition.loosens


@pytest.mark.parametrize(
    ("key", "bound", "value", "holds"),
    [
        ("amount_at_least", 100, 100, True),
        ("amount_at_least", 100, 99, False),
        ("amount_at_most", 100, 100, True),
        ("risk_at_least", 50, 49, False),
        ("device_worse_than", Novelty.NEW, Novelty.NEW, False),
        ("device_at_least", Novelty.NEW, Novelty.NEW, True),
        ("type_in", ("transfer",), "payment", False),
        ("channel_among", ("app",), None, False),
        ("risk_reason_in", ("new_payee", "vpn"), ("vpn",), True),
        ("risk_reason_in", ("new_payee",), (), False),
        ("proven_lacks", Category.KNOWLEDGE, (Category.KNOWLEDGE,), False),
        ("verify_always", True, False, False),
        ("amount_unusual_at_least", 5, 5, True),
        ("amount_unusual_at_least", 5, 4, False),
        *((name, True, False, False) for name in FLAGS),
    ],
)
def test_a_condition_holds_from_its_bound_on(key: str, bound: object, value: object, holds: bool) -> None:
    assert Condition(key, bound).admits(value) is holds


def test_every_key_has_an_axis_and_every_axis_a_key() -> None:
    assert {Condition(key, None).axis for key in KEYS} == set(Axis)


def test_a_reason_is_plain_json_and_says_where_nothing_can_be_converted() -> None:
    reason = Condition("amount_at_least", 100).reason("large", UNKNOWN)
    assert reason.to_json() == {
        "rule": "large",
        "field": "transaction.amount_minor",
        "is": "not convertible",
        "bound": 100,
    }
    assert plain((Novelty.NEW, 1)) == ["new", 1]
