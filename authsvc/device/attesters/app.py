"""The app that an operator trusts with captures, and what every attester needs of it: roots, a clock and a chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509

from authsvc.device.attestation import LONGEST_CHAIN, fingerprints, parsed, path_to
from authsvc.device.refusal import Refusal, require
from authsvc.factor import Json


@dataclass(frozen=True, slots=True)
class App:
    """`name` is its package, or team and bundle; `signers` are SHA-256 digests of the certificates that it is signed with."""

    name: str
    signers: frozenset[bytes]
    roots: tuple[x509.Certificate, ...]
    revoked: frozenset[str] = frozenset()

    def chain(self, certificates: Sequence[bytes], now: datetime) -> list[x509.Certificate]:
        """The certificates from the first to one of our roots; raises Refused where they lead to none."""
        require(0 < len(certificates) <= LONGEST_CHAIN, Refusal.ATTESTATION_CHAIN)
        require(self.revoked.isdisjoint(fingerprints(certificates)), Refusal.ATTESTATION_REVOKED)
        path = path_to(self.roots, parsed(certificates), now)
        require(bool(path), Refusal.ATTESTATION_CHAIN)
        return parsed(path)


class Attester(Protocol):
    """One way in which a system vouches for an app."""

    @property
    def format(self) -> str: ...

    def verify(self, statement: Json, challenge: bytes, now: datetime) -> Json:
        """What it says of the app, for the audit; raises Refused for anything but a statement about this very challenge."""


def extension_of(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bytes | None:
    """The value of an extension that `cryptography` has no name for; None where there is none, or the certificate is broken."""
    try:
        return certificate.extensions.get_extension_for_oid(oid).value.public_bytes()
    except (x509.ExtensionNotFound, ValueError):
        return None
