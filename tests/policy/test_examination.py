"""A candidate is examined by a program of its own, which answers what the function answers."""

from datetime import timedelta

import pytest

from authsvc.errors import Unavailable
from authsvc.policy import loading
from authsvc.policy.examination import examine
from authsvc.policy.life import WEAKENS
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
