"""Which authenticator models are accepted, and does this certificate chain prove that it is one of them?

Off by default: then an AAGUID is only a hint of what the key looks like, and no chain is judged. Where it is required, the
operator names the models and their roots in a file of their own; the system's certificate authorities are never asked.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier
from OpenSSL import crypto

from authsvc.device.refusal import Refusal, Refused, require
from authsvc.errors import ConfigurationError

FORMATS = frozenset({"packed", "tpm", "android-key", "apple"})
"""Statement formats in which a manufacturer vouches for a model."""

AAGUID_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
AUTHENTICATOR_UNIT = "Authenticator Attestation"
_OCTETS_OF_16 = b"\x04\x10"
LONGEST_CHAIN = 6

MOST_ROOTS = 8
"""Of one model. The system's bundle of web authorities has over a hundred, none of which makes authenticators."""


@dataclass(frozen=True, slots=True)
class Model:
    """One accepted model. A manufacturer's root vouches for the models that list it and for no others."""

    aaguid: str
    name: str
    formats: frozenset[str]
    roots: tuple[x509.Certificate, ...]
    revoked: bool


@dataclass(frozen=True, slots=True)
class TrustedModels:
    """The operator's list. It counts until `next_update`; `revoked_certificates` are SHA-256 fingerprints in hexadecimal."""

    models: Mapping[str, Model]
    revoked_certificates: frozenset[str]
    next_update: datetime

    @classmethod
    def load(cls, path: Path) -> TrustedModels:
        """Read a list with its root certificates, which lie beside it; raises ConfigurationError with what is wrong.

        Keys: `next_update` (a date), `revoked_certificates`, and for each `[[model]]` `aaguid`, `name`, `formats`,
        `roots` (PEM files) and `revoked`.
        """
        try:
            document = tomllib.loads(path.read_text("utf-8"))
            models = [_model(entry, path.parent) for entry in document["model"]]
            listed = document.get("revoked_certificates", [])
            revoked = frozenset(bytes.fromhex(text).hex() for text in listed)
            next_update = _midnight(document["next_update"])
        except OSError as error:
            raise ConfigurationError(
                f"the list of authenticator models is unusable: `{error.filename}` cannot be read: {error.strerror}"
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"the list of authenticator models is unusable: {error}") from error
        if not models:
            raise ConfigurationError("the list of authenticator models is empty: nothing could be registered")
        return cls({model.aaguid: model for model in models}, revoked, next_update)

    def check(
        self, aaguid: str, format: str, certificates: Sequence[bytes], now: datetime
    ) -> tuple[bytes, ...]:
        """The path (DER) from the first certificate to a root of a listed, unrevoked model; raises Refused.

        Of the statement nothing is believed before its signature by the first certificate is verified too.
        """
        require(now < self.next_update, Refusal.ATTESTATION_STALE)
        require(format in FORMATS and 0 < len(certificates) <= LONGEST_CHAIN, Refusal.ATTESTATION_FORMAT)
        model = self.models.get(aaguid)
        if model is None:
            raise Refused(Refusal.ATTESTATION_MODEL)
        require(format in model.formats, Refusal.ATTESTATION_FORMAT)
        require(not model.revoked, Refusal.ATTESTATION_REVOKED)
        chain = parsed(certificates)
        require(self.revoked_certificates.isdisjoint(fingerprints(certificates)), Refusal.ATTESTATION_REVOKED)
        require(_has_profile(chain[0], format, aaguid), Refusal.ATTESTATION_PROFILE)
        path = path_to(model.roots, chain, now)
        require(bool(path), Refusal.ATTESTATION_CHAIN)
        return path


def _model(entry: Mapping[str, Any], folder: Path) -> Model:  # Any: TOML as it came, checked here.
    formats = frozenset(entry["formats"])
    if not formats or not formats <= FORMATS:
        raise ValueError(f"`formats` of `{entry['name']}` must be some of {', '.join(sorted(FORMATS))}")
    roots = tuple(root for name in entry["roots"] for root in read_roots(folder / name))
    if not roots:
        raise ValueError(f"`{entry['name']}` has no root certificate")
    if len(roots) > MOST_ROOTS:
        raise ValueError(
            f"`{entry['name']}` has {len(roots)} roots: a maker has its own roots, {MOST_ROOTS} at most"
        )
    return Model(
        str(UUID(entry["aaguid"])), entry["name"], formats, roots, entry.get("revoked", False) is True
    )


def read_roots(path: Path) -> list[x509.Certificate]:
    """The authorities of a PEM file; raises ValueError for one that signs nothing, OSError for one that is not there."""
    roots = x509.load_pem_x509_certificates(path.read_bytes())
    for root in roots:
        # A chain cannot end at a certificate that signs nothing, so such a pin would refuse everybody.
        if not _is_authority(root):
            raise ValueError(f"`{path.name}` holds a certificate that is no certificate authority")
    return roots


def _midnight(value: object) -> datetime:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("`next_update` must be a date")
    return datetime.combine(value, time(), UTC)


def parsed(certificates: Sequence[bytes]) -> list[x509.Certificate]:
    """DER as certificates, of which nothing is believed; raises Refused."""
    try:
        return [x509.load_der_x509_certificate(raw) for raw in certificates]
    except (ValueError, TypeError):
        raise Refused(Refusal.ATTESTATION_CHAIN) from None


def fingerprints(certificates: Sequence[bytes]) -> set[str]:
    """Of each certificate its SHA-256 in hexadecimal, as a list of revoked ones has it."""
    return {hashlib.sha256(raw).hexdigest() for raw in certificates}


def _has_profile(leaf: x509.Certificate, format: str, aaguid: str) -> bool:
    """WebAuthn L3 §8.2.1 for `packed`; the other formats know neither the unit nor, most of them, the extension."""
    named = _aaguid_of(leaf)
    if format != "packed":
        return not _is_authority(leaf) and named in (None, aaguid)
    units = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return (
        leaf.version is x509.Version.v3
        and [unit.value for unit in units] == [AUTHENTICATOR_UNIT]
        and not _is_authority(leaf)
        and named == aaguid
    )


def _aaguid_of(leaf: x509.Certificate) -> str | None:
    """The AAGUID that the certificate names, empty where it does so in a way the standard forbids."""
    try:
        extension = leaf.extensions.get_extension_for_oid(AAGUID_EXTENSION)
    except x509.ExtensionNotFound:
        return None
    except ValueError:
        return ""
    octets = extension.value.public_bytes()
    if extension.critical or len(octets) != 18 or not octets.startswith(_OCTETS_OF_16):
        return ""
    return str(UUID(bytes=octets[2:]))


def _is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign other certificates. Without the extension it may not; a broken one could say anything."""
    try:
        constraints = certificate.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS).value
    except x509.ExtensionNotFound:
        return False
    except ValueError:
        return True
    return isinstance(constraints, x509.BasicConstraints) and constraints.ca


def path_to(
    roots: Sequence[x509.Certificate], chain: Sequence[x509.Certificate], now: datetime
) -> tuple[bytes, ...]:
    """Path validation (RFC 5280 §6) by OpenSSL, with nothing trusted but these roots; empty where there is no path."""
    store = crypto.X509Store()
    store.set_time(now)
    for root in roots:
        store.add_cert(crypto.X509.from_cryptography(root))
    try:
        # OpenSSL reads more strictly than what has parsed them.
        leaf, *others = (crypto.X509.from_cryptography(certificate) for certificate in chain)
        path = crypto.X509StoreContext(store, leaf, others).get_verified_chain()
    except (crypto.Error, crypto.X509StoreContextError):
        return ()
    return tuple(each.to_cryptography().public_bytes(Encoding.DER) for each in path)
