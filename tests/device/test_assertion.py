"""The challenge of a step stands for one payment and one nonce."""

from dataclasses import replace

from authsvc.device.assertion import payment_challenge
from authsvc.payment import Binding
from tests.device.scene import PAYMENT


def test_a_challenge_is_for_one_payment_and_one_nonce() -> None:
    nonce, binding = bytes(range(32)), Binding.of(PAYMENT)
    made = payment_challenge(nonce, binding)
    assert len(made) == 32
    assert made == payment_challenge(nonce, binding)
    assert made != payment_challenge(bytes(32), binding)
    assert made != payment_challenge(nonce, Binding.of(replace(PAYMENT, amount_minor=125_001)))
