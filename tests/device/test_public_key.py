"""Which keys can be used: of the kind their algorithm says, on the curve or of a size that is accepted."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from authsvc.device.public_key import ES256, RS256, check_usable
from authsvc.device.refusal import Refusal, Refused

P256 = ec.generate_private_key(ec.SECP256R1()).public_key()
RSA = rsa.generate_private_key(65537, 2048).public_key()


def test_good_keys_are_accepted() -> None:
    check_usable(P256, ES256)
    check_usable(RSA, RS256)


@pytest.mark.parametrize(
    ("key", "algorithm", "code"),
    [
        (P256, -8, Refusal.ALGORITHM),
        (P256, None, Refusal.ALGORITHM),
        (P256, RS256, Refusal.PUBLIC_KEY),
        (RSA, ES256, Refusal.PUBLIC_KEY),
        (ec.generate_private_key(ec.SECP384R1()).public_key(), ES256, Refusal.PUBLIC_KEY),
        (ed25519.Ed25519PrivateKey.generate().public_key(), ES256, Refusal.PUBLIC_KEY),
        (rsa.generate_private_key(65537, 1024).public_key(), RS256, Refusal.PUBLIC_KEY),  # noqa: S505  # As meant.
        (rsa.generate_private_key(3, 2048).public_key(), RS256, Refusal.PUBLIC_KEY),
    ],
)
def test_others_are_refused(key: object, algorithm: object, code: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        check_usable(key, algorithm)
    assert refused.value.code is code
