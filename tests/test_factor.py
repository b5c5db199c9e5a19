"""What the factors are called elsewhere, and which categories they count for."""

import pytest

from authsvc.factor import Category, Factor


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
