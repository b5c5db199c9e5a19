"""A certificate authority of the test run's own: certificates that are good, expired, revoked, or of another one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key as files."""

    certificate: Path
    key: Path

    @property
    def loaded(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())

    @property
    def fingerprint(self) -> str:
        return self.loaded.fingerprint(SHA256()).hex()


class Authority:
    """Its own certificate lies in `ca.pem`, what it revoked in `revoked.pem`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = generate_private_key(SECP256R1())
        self._name = _named(name)
        self._revoked: list[x509.RevokedCertificate] = []
        self.ca, self.crl = folder / "ca.pem", folder / "revoked.pem"
        certificate = (
            _builder(self._name, self._name, self._key, -DAY, 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, SHA256())
        )
        self._certificate = certificate
        self.ca.write_bytes(certificate.public_bytes(Encoding.PEM))
        self.publish()

    def issue(
        self, name: str, *, begins: timedelta = -DAY, ends: timedelta = 30 * DAY, file: str = ""
    ) -> Pair:
        """A certificate for a name, `localhost` and this machine's address, good for servers and clients."""
        key = generate_private_key(SECP256R1())
        names = [x509.DNSName(name), x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        certificate = (
            _builder(_named(name), self._name, key, begins, ends)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, SHA256())
        )
        pair = Pair(self.folder / f"{file or name}.pem", self.folder / f"{file or name}-key.pem")
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pair.key.chmod(0o600)
        pair.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        return pair

    def revoke(self, pair: Pair) -> None:
        self._revoked.append(
            x509.RevokedCertificateBuilder()
            .serial_number(pair.loaded.serial_number)
            .revocation_date(datetime.now(UTC) - timedelta(hours=1))
            .build()
        )
        self.publish()

    def publish(self, life: timedelta = 7 * DAY) -> None:
        """The list of what was revoked, as of now."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now - DAY)
            .next_update(now + life)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        for each in self._revoked:
            builder = builder.add_revoked_certificate(each)
        draft = self.crl.with_suffix(".new")
        draft.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        draft.replace(self.crl)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, begins: timedelta, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
