"""The European policy keeps Art. 4 in every cell and stays within the exemptions to the cent."""

from importlib import resources

import pytest

from authsvc.factor import Category
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level
from authsvc.policy.profiles import Profile
from tests.policy.builders import payment


@pytest.fixture(scope="module")
def european() -> Policy:
    source = resources.files("authsvc.policy").joinpath("psd2.toml")
    return loading.from_toml(source.read_text(encoding="utf-8"), source.name)


def test_every_cell_is_exempted_or_proves_two_categories_including_possession(european: Policy) -> None:
    analysis = analyze(european, profile=Profile.PSD2)

    assert analysis.complete
    assert analysis.findings == ()


@pytest.mark.parametrize(("cents", "exemption"), [(24_999, "tra"), (25_000, "tra"), (25_001, None)])
def test_analysed_card_payments_end_at_250_euros(european: Policy, cents: int, exemption: str | None) -> None:
    inputs = payment(cents, type="card_payment", currency="EUR", low_value_count=5, low_value_sum=10_000)

    assert european.evaluate(inputs).exemption == exemption


@pytest.mark.parametrize(("cents", "exemption"), [(2_999, "low_value"), (3_000, "low_value"), (3_001, None)])
def test_low_value_ends_at_thirty_euros(european: Policy, cents: int, exemption: str | None) -> None:
    inputs = payment(cents, currency="EUR", low_value_count=0, low_value_sum=0)

    assert european.evaluate(inputs).exemption == exemption


def test_a_password_checked_by_the_backend_leaves_possession_to_prove(european: Policy) -> None:
    with_password = payment(5_000, currency="EUR", proven=(Category.KNOWLEDGE,))

    assert european.evaluate(with_password).level is Level.OTP
    assert european.evaluate(payment(5_000, currency="EUR")).level is Level.FACE
