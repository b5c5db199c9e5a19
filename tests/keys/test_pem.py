"""What a key may be bound to is read from files that people hand over, right and wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authsvc.errors import InvalidRequest
from authsvc.keys.pem import certificate_in, signing_key_in
from tests.support.certificates import Authority


def test_a_certificate_is_named_by_its_digest_and_the_first_of_a_chain_counts(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own, other = authority.issue("shop").certificate, authority.issue("other").certificate
    chain = tmp_path / "chain.pem"
    chain.write_bytes(own.read_bytes() + other.read_bytes())
    assert (
        certificate_in(chain) == x509.load_pem_x509_certificate(own.read_bytes()).fingerprint(SHA256()).hex()
    )
    assert certificate_in(chain) != certificate_in(other)


def test_a_signing_key_is_read_raw(tmp_path: Path) -> None:
    key, file = ed25519.Ed25519PrivateKey.generate().public_key(), tmp_path / "key.pem"
    file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert signing_key_in(file) == key.public_bytes_raw().hex()


@pytest.mark.parametrize(
    "public",
    [
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        rsa.generate_private_key(65537, 2048).public_key(),
    ],
    ids=["P-256", "RSA"],
)
def test_another_kind_of_key_is_refused(public: ec.EllipticCurvePublicKey, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(InvalidRequest, match="holds no Ed25519 key"):
        signing_key_in(file)


@pytest.mark.parametrize(
    "content", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_neither_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "thing.pem"
    file.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"thing\.pem` holds no certificate"):
        certificate_in(file)
    with pytest.raises(InvalidRequest, match=r"thing\.pem` holds no public key"):
        signing_key_in(file)
