"""The difference of two documents is that of all cells, region by region."""

from collections import Counter
from importlib import resources

import pytest

from authsvc.errors import InvalidRequest
from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.policy.answers import Answer
from authsvc.policy.cells import Space
from authsvc.policy.diff import diff
from authsvc.policy.wording import difference_lines
from tests.policy.builders import mapping, policy
from tests.policy.cells import cells
from tests.policy.small import enumerated, small_pairs


def test_the_difference_is_that_of_all_cells_and_its_regions_hold_each_of_them_once() -> None:
    weakening = stricter = 0
    for before, after, space in small_pairs(12, 300):
        old, new = enumerated(before, space), enumerated(after, space)
        expected = {coords: (old[coords], new[coords]) for coords in old if old[coords] != new[coords]}
        difference = diff(before, after)

        assert difference.complete
        assert difference.changed == len(expected)
        assert difference.weaker == sum(one.asks_less_than(other) for other, one in expected.values())
        assert Counter((region.before, region.after) for region in difference.regions).keys() == set(
            expected.values()
        )
        for region in difference.regions:
            assert Answer.of(before.evaluate(region.witness.inputs)) == region.before
            assert Answer.of(after.evaluate(region.witness.inputs)) == region.after
        weakening += difference.weaker > 0
        stricter += difference.changed > difference.weaker
    assert min(weakening, stricter) > 50


SHIPPED = loading.shipped()


DEFAULT_TOML = resources.files("authsvc.policy").joinpath("default.toml").read_text(encoding="utf-8")


def test_a_change_is_told_as_the_regions_that_change() -> None:
    later = DEFAULT_TOML.replace("risk_at_least = 75", "risk_at_least = 80", 1)

    difference = diff(SHIPPED, loading.from_toml(later, for_analysis=True))

    assert difference.weakens
    assert [(str(each.before), str(each.after), dict(each.where)) for each in difference.regions] == [
        (
            "face_fingerprint",
            "face",
            {
                "transaction.amount_minor": "0 to 499999",
                "risk.score": "75 to 79",
                "device.novelty": "new, unknown",
            },
        ),
        (
            "face_fingerprint",
            "face",
            {
                "transaction.amount_minor": "0 to 499999",
                "risk.score": "75 to 79",
                "device.novelty": "probation",
            },
        ),
        (
            "face_fingerprint",
            "face",
            {
                "transaction.amount_minor": "500000 to 1999999",
                "risk.score": "75 to 79",
                "device.novelty": "probation",
            },
        ),
    ]


def test_the_regions_hold_all_cells_that_change_and_no_other() -> None:
    later = loading.from_toml(
        DEFAULT_TOML.replace("amount_at_least = 100_000", "amount_at_least = 60_000"), for_analysis=True
    )
    space = Space(SHIPPED, later)
    payments = [space.payment(coords) for coords in cells(space)]
    differing = [each for each in payments if SHIPPED.evaluate(each).level is not later.evaluate(each).level]

    difference = diff(SHIPPED, later)

    assert sum(region.cells for region in difference.regions) == len(differing) > 0
    assert not difference.weakens
    for region in difference.regions:
        assert later.evaluate(region.witness.inputs).level is region.after.level
        assert SHIPPED.evaluate(region.witness.inputs).level is region.before.level


def test_a_document_does_not_differ_from_itself() -> None:
    assert diff(SHIPPED, SHIPPED).regions == ()


def test_other_sets_and_other_settings_are_differences_too() -> None:
    changed = mapping(biometrics={"face": {"fmr": "1 in 1000"}, "voice": {"fmr": "1 in 200"}})
    changed["levels"] = {**changed["levels"], "otp": {"sets": [["device_uv"]]}}

    difference = diff(policy(), loading.from_mapping(changed))

    assert [(region.before.level, region.after.sets) for region in difference.regions] == [
        ("otp", ((Factor.DEVICE_UV,),))
    ]
    assert difference.settings == (("biometrics.face", {"fmr": "1 in 10000"}, {"fmr": "1 in 1000"}),)


def test_documents_of_different_currencies_cannot_be_compared() -> None:
    euros = mapping(reference_currency="EUR", currencies={"EUR": {"worth": "1", "minor_digits": 2}})

    with pytest.raises(InvalidRequest, match="different currencies"):
        diff(policy(), loading.from_mapping(euros))


def test_what_counts_on_probation_from_then_on_is_named() -> None:
    """Level and sets stay: what is new is whose factors count, so that is what must be read."""
    young = DEFAULT_TOML.replace("amount_at_most = 499_999", "amount_at_most = 999_999", 1)

    difference = diff(SHIPPED, loading.from_toml(young, for_analysis=True))

    assert difference.weakens
    for region in difference.regions:
        assert region.asks_less
        assert region.before.level is region.after.level
        assert set(region.before.sets) == set(region.after.sets)
        told = region.to_json()["after"]
        assert isinstance(told, dict)
        assert {"factors": ["face", "otp"], "capture_at_least": "browser", "on_probation": True} in told[
            "ways"
        ]
        assert dict(region.where)["transaction.amount_minor"].startswith("500000 to")
    lines = "\n".join(difference_lines(difference))
    assert "face → face (now face + otp also on probation; no more face + otp)" in lines
