"""The shipped policy against each rule book: what breaks one names its clause and a payment that shows it."""

import pytest

from authsvc.policy import loading
from authsvc.policy.profiles import Profile, check
from authsvc.policy.walk import Walk
from tests.policy.builders import policy

SHIPPED = Walk(loading.shipped(), 10**7)


@pytest.mark.parametrize("profile", list(Profile))
def test_what_breaks_a_profile_names_its_clause(profile: Profile) -> None:
    found = list(check(profile, SHIPPED))
    assert all(each.clause and each.severity == "error" for each in found)
    assert profile is not Profile.SEED or not found


def test_a_voice_is_not_for_nist_and_a_loose_one_not_for_china() -> None:
    walk = Walk(policy(biometrics={"face": {"fmr": "1 in 10000"}, "voice": {"fmr": "1 in 100"}}), 10**6)
    assert "nist-voice" in {each.code for each in check(Profile.NIST, walk)}
    assert "loose-fmr" in {each.code for each in check(Profile.CN, walk)}
