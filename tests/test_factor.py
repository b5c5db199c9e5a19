"""What the factors are called elsewhere, and which categories they count for."""

from collections.abc import Collection

import pytest

from authsvc.factor import Category, Factor
from authsvc.policy.level import factor_set
from authsvc.web.console import overview, wording
from authsvc.web.console.policies import wording as policies
from authsvc.web.payer import EVIDENCE
from enrollment.wording import PROOFS


@pytest.mark.parametrize("factor", list(Factor))
def test_every_factor_has_a_method_reference(factor: Factor) -> None:
    assert factor.amr


def test_only_face_and_voice_are_inherence_and_judged_here() -> None:
    biometric = {factor for factor in Factor if factor.is_server_side_biometric}
    assert biometric == {Factor.FACE, Factor.VOICE}
    assert {factor for factor in Factor if factor.category is Category.INHERENCE} == biometric
    assert all(factor.category is Category.POSSESSION for factor in set(Factor) - biometric)


def test_a_user_verified_key_does_not_claim_a_finger() -> None:
    assert "user" in Factor.DEVICE_UV.amr
    assert not {"fpt", "pin", "face"} & set(Factor.DEVICE_UV.amr)


@pytest.mark.parametrize("known", [overview.FACTORS, wording.FACTORS, policies.FACTORS, PROOFS, EVIDENCE])
def test_whoever_names_factors_names_them_all(known: Collection[str]) -> None:
    assert {str(each) for each in known} == {factor.value for factor in Factor}


def test_every_factor_has_its_place_in_a_set() -> None:
    assert set(factor_set(Factor)) == set(Factor)
