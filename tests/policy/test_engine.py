"""The strictest matching rule wins, silence is never milder, and every answer says why."""

import math
from itertools import permutations
from typing import Any, cast

import pytest

from authsvc.factor import Category, Factor
from authsvc.policy.inputs import FLAGS
from authsvc.policy.level import Level, factor_set
from authsvc.subject import Novelty
from tests.policy.builders import payment, policy

OTP_AT_30 = {"id": "otp-at-30", "level": "otp", "risk_at_least": 30}
FACE_AT_60 = {"id": "face-at-60", "level": "face", "risk_at_least": 60}
LARGE = {"id": "large", "level": "face", "amount_at_least": 10_000}


def test_the_strictest_matching_rule_wins() -> None:
    outcome = policy(OTP_AT_30, FACE_AT_60).evaluate(payment(risk_score=60))

    assert outcome.level is Level.FACE
    assert outcome.fired == ("face-at-60", "otp-at-30")
    assert [reason.to_json() for reason in outcome.reasons] == [
        {"rule": "face-at-60", "field": "risk.score", "is": 60, "bound": 60}
    ]


def test_the_order_of_rules_never_matters() -> None:
    for rules in permutations((OTP_AT_30, FACE_AT_60, LARGE)):
        assert policy(*rules).evaluate(payment(10_000, risk_score=30)).level is Level.FACE


def test_every_condition_of_a_rule_must_hold() -> None:
    both = policy({"id": "both", "level": "otp", "risk_at_least": 30, "amount_at_least": 10_000})

    assert both.evaluate(payment(9_999, risk_score=30)).level is Level.NONE
    assert both.evaluate(payment(10_000, risk_score=29)).level is Level.NONE
    assert both.evaluate(payment(10_000, risk_score=30)).level is Level.OTP


@pytest.mark.parametrize("risk", [None, -1, 101, 10**9])
def test_a_risk_that_is_missing_or_makes_no_sense_reads_as_100(risk: int | None) -> None:
    assert (
        policy({"id": "top", "level": "otp", "risk_at_least": 100}).evaluate(payment(risk_score=risk)).fired
    )


@pytest.mark.parametrize(
    ("amount", "currency"), [(1, "XTS"), (-1, "CNY"), (math.nan, "CNY"), (math.inf, "EUR"), (1, "")]
)
def test_an_amount_that_cannot_be_converted_is_beyond_every_bound(amount: float, currency: str) -> None:
    highest = policy({"id": "highest", "level": "otp", "amount_at_least": 2**53 - 1})

    outcome = highest.evaluate(payment(cast(Any, amount), currency=currency))

    assert outcome.level is Level.OTP
    assert outcome.reasons[0].value == "not convertible"


def test_other_currencies_are_rounded_up_to_the_riskier_side() -> None:
    rules = policy(LARGE)

    assert rules.evaluate(payment(1_249, currency="EUR")).level is Level.NONE
    assert rules.evaluate(payment(1_250, currency="EUR")).level is Level.FACE
    assert rules.evaluate(payment(1_999, currency="JPY")).level is Level.NONE
    assert rules.evaluate(payment(2_000, currency="JPY")).level is Level.FACE


def test_a_device_condition_covers_all_worse_devices() -> None:
    rules = policy({"id": "new", "level": "otp", "device_worse_than": "probation"})

    fired = [novelty for novelty in Novelty if rules.evaluate(payment(novelty=novelty)).fired]

    assert fired == [Novelty.NEW, Novelty.UNKNOWN, Novelty.REVOKED]


@pytest.mark.parametrize(
    ("condition", "riskier", "milder"),
    [
        ({"type_in": ["transfer"]}, {"type": "transfer"}, {"type": "payment"}),
        ({"channel_in": ["web"]}, {"channel": "web"}, {"channel": "app"}),
        ({"channel_in": ["web"]}, {"channel": None}, {"channel": "app"}),
        (
            {"risk_reason_in": ["new_payee"]},
            {"risk_reasons": ("odd", "new_payee")},
            {"risk_reasons": ("odd",)},
        ),
        ({"synced": True}, {"device_synced": True}, {"device_synced": False}),
        ({"synced": True}, {"device_synced": None}, {"device_synced": False}),
        ({"verify_always": True}, {"verify_always": True}, {"verify_always": False}),
        ({"amount_unusual_at_least": 5}, {"amount_unusual": 5}, {"amount_unusual": 4}),
        ({"amount_unusual_at_least": 5}, {"amount_unusual": None}, {"amount_unusual": 0}),
        ({"amount_unusual_at_least": 1_000}, {"amount_unusual": -1}, {"amount_unusual": 999}),
        *(({name: True}, {name: stated}, {name: False}) for name in FLAGS for stated in (True, None)),
        (
            {"proven_lacks": "knowledge"},
            {"proven": (Category.INHERENCE, Category.INHERENCE)},
            {"proven": (Category.KNOWLEDGE, Category.KNOWLEDGE)},
        ),
    ],
)
def test_each_condition_tells_the_riskier_value_from_the_milder(
    condition: dict[str, Any], riskier: dict[str, Any], milder: dict[str, Any]
) -> None:
    rules = policy({"id": "it", "level": "otp", **condition})

    assert rules.evaluate(payment(**riskier)).level is Level.OTP
    assert rules.evaluate(payment(**milder)).level is Level.NONE


def test_a_default_is_the_least_that_is_asked() -> None:
    rules = policy(OTP_AT_30, FACE_AT_60, default="face")

    assert rules.evaluate(payment()).level is Level.FACE
    assert rules.evaluate(payment(risk_score=30)).level is Level.FACE
    assert rules.evaluate(payment()).reasons[0].rule == "default"


def test_where_nothing_applies_and_nothing_is_the_default_the_strictest_is_asked() -> None:
    outcome = policy(OTP_AT_30, default=...).evaluate(payment())

    assert outcome.level is Level.FACE_FINGERPRINT
    assert outcome.reasons[0].rule == "no-rule"


def test_a_rule_may_deny() -> None:
    outcome = policy({"id": "no", "level": "deny", "risk_at_least": 99}).evaluate(payment(risk_score=99))

    assert outcome.level is Level.DENY
    assert outcome.sets == ()
    assert outcome.reasons[0].rule == "no"


def test_nothing_is_proved_by_one_empty_set_and_a_refusal_by_none() -> None:
    rules = policy(OTP_AT_30)

    assert rules.sets_for(Level.NONE) == ((),)
    assert rules.sets_for(Level.DENY) == ()


def test_a_set_of_factors_has_one_spelling() -> None:
    assert factor_set([Factor.OTP, Factor.VOICE]) == factor_set([Factor.VOICE, Factor.OTP])
    assert factor_set([Factor.DEVICE_UV, Factor.FACE]) == (Factor.FACE, Factor.DEVICE_UV)


def test_levels_are_ordered() -> None:
    assert [level.rank for level in Level] == [0, 1, 2, 3, 4]
    assert max(Level.OTP, Level.DENY, key=lambda level: level.rank) is Level.DENY
