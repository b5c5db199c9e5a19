"""A challenge: its ways, what proves it, and how often it may be tried."""

import pytest

from authsvc.biometric.words import Capture
from authsvc.domain.challenge import ATTEMPTS, Challenge, seconds
from authsvc.errors import ChallengeClosed, InvalidRequest
from authsvc.factor import Factor

SETS = ((Factor.FACE, Factor.OTP), (Factor.DEVICE_UV, Factor.OTP))


@pytest.mark.parametrize("sets", [(), ((),), ((Factor.OTP,), ())])
def test_a_choice_that_nothing_would_prove_is_no_challenge(sets: tuple[tuple[Factor, ...], ...]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Challenge.asking("chl_1", sets)


def test_a_set_is_proven_whole_and_the_chosen_one_first() -> None:
    challenge = Challenge.asking("chl_1", SETS)
    assert challenge.proven_by({Factor.OTP}) is None
    assert challenge.proven_by({Factor.FACE}) is None
    assert challenge.proven_by({Factor.OTP, Factor.DEVICE_UV}) == SETS[1]
    assert challenge.switched(SETS[1]).proven_by(set(Factor)) == SETS[1]


def test_only_what_is_offered_can_be_chosen() -> None:
    with pytest.raises(InvalidRequest):
        Challenge.asking("chl_1", SETS).switched({Factor.OTP})


def test_every_attempt_is_one_less_until_none_is_left() -> None:
    challenge = Challenge.asking("chl_1", SETS)
    for left in reversed(range(ATTEMPTS)):
        challenge = challenge.charged()
        assert challenge.attempts_remaining == left
    with pytest.raises(ChallengeClosed):
        challenge.charged()


def test_nothing_need_be_known_of_a_capture_where_nothing_is_said() -> None:
    assert Challenge.asking("chl_1", SETS).capture_at_least == (Capture.BROWSER, Capture.BROWSER)


def test_a_phone_in_hand_is_quicker_than_a_code_and_another_one_is_not() -> None:
    lock, code, face = (Factor.DEVICE_UV,), (Factor.OTP,), (Factor.FACE,)
    assert seconds(lock, at_hand=True) < seconds(face, at_hand=True) < seconds(code, at_hand=True)
    assert seconds(code, at_hand=False) < seconds(lock, at_hand=False)
    assert all(seconds((each,), at_hand=at_hand) > 0 for each in Factor for at_hand in (True, False))
    assert seconds((*lock, *code), at_hand=True) == seconds(lock, at_hand=True) + seconds(code, at_hand=True)
