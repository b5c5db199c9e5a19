"""Public keys as JSON Web Keys."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from authsvc.errors import InvalidRequest
from authsvc.keys.jwk import ed25519_keys, thumbprint, to_jwk

# The example key of RFC 8037, appendix A.2 and A.3.
RFC8037_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_thumbprint_is_that_of_the_rfc():
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(RFC8037_X + "="))
    assert thumbprint(key) == RFC8037_THUMBPRINT
    assert to_jwk(key)["x"] == RFC8037_X


def test_a_receipt_key_says_what_it_is_for():
    jwk = to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-256", "ES256", "sig")
    assert "d" not in jwk


def test_audit_keys_survive_the_trip():
    keys = [Ed25519PrivateKey.generate().public_key() for _ in range(2)]
    assert ed25519_keys({"keys": [to_jwk(key) for key in keys]}) == {thumbprint(key): key for key in keys}


def test_a_key_cannot_pass_under_the_name_of_another():
    ours, theirs = (Ed25519PrivateKey.generate().public_key() for _ in range(2))
    forged = {**to_jwk(theirs), "kid": thumbprint(ours)}
    assert list(ed25519_keys({"keys": [forged]})) == [thumbprint(theirs)]


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": {}},
        {"keys": ["x"]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]},
        {"keys": [to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": RFC8037_X, "d": RFC8037_X}]},
    ],
)
def test_what_is_no_set_of_public_audit_keys_is_refused(jwks: dict[str, object]):
    with pytest.raises(InvalidRequest):
        ed25519_keys(jwks)
