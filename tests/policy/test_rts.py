"""The ceilings of the RTS hold to the cent: what is at one passes, the first cent above it is found."""

from typing import Any

import pytest

from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.findings import Finding
from authsvc.policy.profiles import Profile
from tests.policy.builders import mapping

ASKED = {"id": "asked", "level": "otp", "risk_at_least": 0}
LOW_VALUE = {
    "kind": "low_value",
    "amount_at_most": 3_000,
    "cumulative_at_most": 10_000,
    "in_a_row_at_most": 5,
}


def found(exemption: dict[str, Any], **changes: Any) -> list[Finding]:
    """What `psd2` says of one exemption, in a document that thinks in euro cents."""
    stated = {"id": "it", "risk_at_most": 59, **exemption}
    euros = {"reference_currency": "EUR", "currencies": {"EUR": {"worth": "1", "minor_digits": 2}}, **changes}
    policy = loading.from_mapping(mapping(ASKED, exemptions=[stated], **euros))
    findings = analyze(policy, profile=Profile.PSD2).findings
    return [finding for finding in findings if finding.code == "psd2-exemption"]


@pytest.mark.parametrize(
    ("key", "ceiling", "clause"),
    [
        ("amount_at_most", 3_000, "RTS Art. 16(a)"),
        ("cumulative_at_most", 10_000, "RTS Art. 16(b)"),
        ("in_a_row_at_most", 5, "RTS Art. 16(c)"),
    ],
)
def test_low_value_ends_where_article_16_says(key: str, ceiling: int, clause: str) -> None:
    assert found({**LOW_VALUE, key: ceiling}) == []

    beyond = found({**LOW_VALUE, key: ceiling + 1})
    assert [finding.clause for finding in beyond] == [clause]
    assert beyond[0].witnesses


@pytest.mark.parametrize(
    ("instrument", "rate", "euros"),
    [
        ("card", 0.13, 100),
        ("card", 0.060001, 100),
        ("card", 0.06, 250),
        ("card", 0.010001, 250),
        ("card", 0.01, 500),
        ("transfer", 0.015, 100),
        ("transfer", 0.01, 250),
        ("transfer", 0.005, 500),
    ],
)
def test_risk_analysis_ends_where_the_fraud_rate_says(instrument: str, rate: float, euros: int) -> None:
    analysed = {"kind": "tra", "instrument": instrument, "fraud_rate_percent": rate}

    assert found({**analysed, "amount_at_most": euros * 100}) == []
    assert [finding.clause for finding in found({**analysed, "amount_at_most": euros * 100 + 1})] == [
        "RTS Art. 18 and Annex"
    ]


@pytest.mark.parametrize(("instrument", "rate"), [("card", 0.130001), ("transfer", 0.015001), ("card", 100)])
def test_above_the_highest_rate_nothing_may_be_analysed(instrument: str, rate: float) -> None:
    assert found({"kind": "tra", "instrument": instrument, "fraud_rate_percent": rate, "amount_at_most": 1})


def test_without_a_rate_for_the_euro_no_ceiling_can_be_vouched_for() -> None:
    yuan = {"reference_currency": "CNY", "currencies": {"CNY": {"worth": "1", "minor_digits": 2}}}

    assert {finding.clause for finding in found(LOW_VALUE, **yuan)} == {"RTS Art. 16(a)", "RTS Art. 16(b)"}


def test_a_ceiling_in_another_currency_is_exact() -> None:
    yuan = {
        "reference_currency": "CNY",
        "currencies": {"CNY": {"worth": "1", "minor_digits": 2}, "EUR": {"worth": "8", "minor_digits": 2}},
    }
    low_value = {**LOW_VALUE, "cumulative_at_most": 80_000}

    assert found({**low_value, "amount_at_most": 24_007}, **yuan) == []
    assert found({**low_value, "amount_at_most": 24_008}, **yuan)
