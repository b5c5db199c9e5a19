"""A candidate is examined by a program of its own, which answers what the function answers."""

import json
from datetime import timedelta

import pytest

from authsvc.errors import Unavailable
from authsvc.money import MINOR_DIGITS
from authsvc.policy import loading
from authsvc.policy.examination import examine
from authsvc.policy.life import NEVER_ACCEPTED, WEAKENS
from authsvc.policy.profiles import Profile
from authsvc.policy_life.analyst import ChildAnalyst
from tests.policy.builders import mapping, policy
from tests.support.policies import milder, numbered


def test_the_program_answers_what_the_function_answers():
    active, candidate = loading.shipped(), loading.from_toml(milder(2))
    found = ChildAnalyst(5_000).examine(candidate, active, Profile.CN)
    expected = examine(candidate, active, Profile.CN, 5_000)
    assert found == {**expected, "report": found["report"]}
    assert found["report"]["findings"] == expected["report"]["findings"]


def test_an_examination_that_takes_too_long_is_an_outage():
    with pytest.raises(Unavailable):
        ChildAnalyst(10, timedelta(milliseconds=1)).examine(loading.shipped(), loading.shipped(), None)


def test_a_document_that_changes_nothing_weakens_nothing():
    found = examine(loading.from_toml(numbered(2)), loading.shipped(), Profile.SEED, 100_000)
    assert (found["errors"], found["difference"]["changed"]) == ([], 0)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": [{"id": "risky", "level": "otp", "risk_at_least": 60}]},
        {"biometrics": {"face": {"fmr": "1 in 9999"}, "voice": {"fmr": "1 in 200"}}},
        {"currencies": {**mapping()["currencies"], "EUR": {"worth": "7.99", "minor_digits": 2}}},
        {"currencies": {**mapping()["currencies"], "USD": {"worth": "7", "minor_digits": 2}}},
        {"levels": {**mapping()["levels"], "otp": {"sets": [["otp"], ["device_uv"], ["device_key"]]}}},
    ],
)
def test_whatever_asks_less_is_found(change):
    errors = examine(policy(**change), policy(), None, 100_000)["errors"]
    assert WEAKENS in errors


@pytest.mark.parametrize(
    "change",
    [
        {"rules": [{"id": "risky", "level": "otp", "risk_at_least": 40}]},
        {"biometrics": {"face": {"fmr": "1 in 20000"}, "voice": {"fmr": "1 in 200"}}},
        {"currencies": {**mapping()["currencies"], "EUR": {"worth": "8.5", "minor_digits": 2}}},
        {"levels": {**mapping()["levels"], "otp": {"sets": [["otp"]]}}},
    ],
)
def test_whatever_asks_more_weakens_nothing(change):
    assert examine(policy(**change), policy(), None, 100_000)["errors"] == []


def test_documents_in_two_currencies_cannot_be_compared_and_that_is_said():
    euros = policy(reference_currency="EUR", currencies={"EUR": {"worth": "1", "minor_digits": 2}})
    assert examine(euros, policy(), None, 1_000)["errors"] == ["not-comparable"]


def test_what_did_not_finish_says_so_as_an_error_that_nobody_can_accept():
    found = examine(loading.from_toml(milder(2)), loading.shipped(), None, 1)
    assert found["errors"] == ["not-finished"]
    assert not found["report"]["complete"]
    assert not found["difference"]["complete"]
    assert "not-finished" in NEVER_ACCEPTED


def test_what_asks_less_stands_before_every_other_finding():
    rule = {"id": "never", "level": "otp", "risk_at_least": 60, "risk_at_most": 50}
    candidate = loading.from_mapping(
        mapping({"id": "risky", "level": "otp", "risk_at_least": 60}, rule), for_analysis=True
    )
    found = examine(candidate, policy(), None, 100_000)
    codes = [finding["code"] for finding in found["report"]["findings"]]
    assert codes == [WEAKENS, "unreachable-rule"]
    assert found["difference"]["regions"][0]["asks_less"]


def dummies(kind):
    """Many things that change no answer, of one kind: what a large space can be blown up with."""
    many = range(200)
    harmless = {"level": "otp", "risk_at_least": 75}
    rules = {
        "reasons": [{**harmless, "risk_reason_in": [f"list_{n}"]} for n in many],
        "types": [{**harmless, "type_in": [f"kind_{n}"]} for n in many],
        "channels": [{**harmless, "channel_in": [f"way_{n}"]} for n in many],
        "amounts": [{**harmless, "amount_at_least": 1_000 + n} for n in many],
        "scores": [{"level": "otp", "risk_at_least": 50 + n % 50} for n in many],
        "all at once": [
            {
                **harmless,
                "amount_at_least": 1_000 + n,
                "risk_reason_in": [f"list_{n}"],
                "type_in": [f"kind_{n % 20}", f"kind_{n % 7}"],
                "channel_in": [f"way_{n % 9}"],
            }
            for n in many
        ],
    }
    exemption = {"kind": "low_value", "risk_at_most": 0, "device_at_most": "trusted"}
    exemptions = [
        {
            **exemption,
            "id": f"exemption-{n}",
            "amount_at_most": n,
            "cumulative_at_most": 10 * n,
            "in_a_row_at_most": n,
            "type_in": [f"kind_{n}"],
        }
        for n in range(50)
    ]
    codes = [
        code
        for code in MINOR_DIGITS
        if code not in mapping()["currencies"] and MINOR_DIGITS[code] is not None
    ]
    return {
        "rules": [{**rule, "id": f"dummy-{n}"} for n, rule in enumerate(rules.get(kind, ()))],
        "exemptions": exemptions if kind == "exemptions" else [],
        "currencies": {code: {"worth": "3", "minor_digits": MINOR_DIGITS[code]} for code in codes}
        if kind == "currencies"
        else {},
        "ways": [{"factors": ["face"], "amount_at_most": n} for n in range(90)] if kind == "ways" else [],
    }


@pytest.mark.parametrize(
    "kind",
    ["reasons", "types", "channels", "amounts", "scores", "all at once", "exemptions", "currencies", "ways"],
)
def test_no_crowd_of_dummies_hides_what_gets_weaker(kind):
    """The weakening is found, and the dummies cost so little that the bound is far away."""
    crowd, levels = dummies(kind), mapping()["levels"]

    def document(risk):
        return loading.from_mapping(
            mapping(
                {"id": "risky", "level": "face", "risk_at_least": risk},
                *crowd["rules"],
                exemptions=crowd["exemptions"],
                currencies={**mapping()["currencies"], **crowd["currencies"]},
                levels={**levels, "face": {"sets": [*levels["face"]["sets"], *crowd["ways"]]}},
            )
        )

    plain = policy({"id": "risky", "level": "face", "risk_at_least": 50})
    for active in (plain, document(50)):
        found = examine(document(60), active, None, 400_000)
        assert found["report"]["complete"]
        assert found["difference"]["complete"]
        assert WEAKENS in found["errors"]
        assert "50 to 59" in str(found["difference"]["regions"])
        assert len(json.dumps(found)) < 1_000_000


def test_a_level_that_keeps_its_name_and_loses_its_worth_is_weaker_though_no_payment_reaches_it_yet():
    levels = {**mapping()["levels"], "face_fingerprint": {"sets": [["otp"]]}}
    rule = {"id": "risky", "level": "face_fingerprint", "risk_at_least": 50}
    candidate = loading.from_mapping(mapping(rule, levels=levels), for_analysis=True)
    errors = examine(candidate, policy(), None, 100_000)["errors"]
    assert WEAKENS in errors


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [
        ({"capture_at_least": "attested"}, {"capture_at_least": "device_signed"}, True),
        ({"capture_at_least": "device_signed"}, {}, True),
        ({}, {"capture_at_least": "device_signed"}, False),
        ({"device_at_most": "trusted"}, {"device_at_most": "new"}, True),
        ({"device_at_most": "new"}, {"device_at_most": "trusted"}, False),
        ({"amount_at_most": 1_000}, {"amount_at_most": 2_000}, True),
        ({"amount_at_most": 2_000}, {"amount_at_most": 1_000}, False),
        # Narrower, and yet open to what was enrolled yesterday.
        ({}, {"amount_at_most": 1_000}, True),
    ],
)
@pytest.mark.parametrize("level", ["face", "face_fingerprint"])
def test_a_bound_of_a_way_that_is_loosened_is_weaker_whether_a_payment_reaches_the_level_or_not(
    before, after, weaker, level
):
    def document(bounds):
        sets = [{"factors": ["face", "device_uv"], **bounds}, ["voice", "device_uv", "otp"]]
        return policy(
            {"id": "risky", "level": "face", "risk_at_least": 50},
            levels={**mapping()["levels"], level: {"sets": sets}},
        )

    errors = examine(document(after), document(before), None, 100_000)["errors"]
    assert (WEAKENS in errors) is weaker


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [(1_000, 2_000, True), (1_000, None, True), (2_000, 1_000, False), (None, 1_000, False)],
)
def test_a_higher_limit_of_synced_passkeys_is_weaker(before, after, weaker):
    def document(limit):
        return policy(devices={} if limit is None else {"synced_amount_at_most": limit})

    errors = examine(document(after), document(before), None, 100_000)["errors"]
    assert (WEAKENS in errors) is weaker
