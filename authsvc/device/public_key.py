"""Is this a key that can be used, and is it strong enough? Asked at registration, so that no login finds out.

RFC 8812 and RFC 9053 name the algorithms; FIPS 186-5 and SP 800-131A the sizes.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from authsvc.device.refusal import Refusal, require

ES256 = -7
RS256 = -257
ALGORITHMS = (ES256, RS256)
"""COSE algorithm numbers, the preferred one first. RS256 is what Windows Hello offers."""

SMALLEST_MODULUS, LARGEST_MODULUS = 2048, 4096
SMALLEST_EXPONENT = 65537


def check_usable(key: object, algorithm: object) -> None:
    """Raises Refused unless the key is of the kind that its algorithm says, on the curve or of a size that we accept."""
    require(algorithm in ALGORITHMS, Refusal.ALGORITHM)
    require(_fits_es256(key) if algorithm == ES256 else _fits_rs256(key), Refusal.PUBLIC_KEY)


def _fits_es256(key: object) -> bool:
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)


def _fits_rs256(key: object) -> bool:
    return (
        isinstance(key, RSAPublicKey)
        and SMALLEST_MODULUS <= key.key_size <= LARGEST_MODULUS
        and key.public_numbers().e >= SMALLEST_EXPONENT
    )
