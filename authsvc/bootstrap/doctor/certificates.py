"""Our certificate and what backends' certificates are checked by: readable, a pair, for this name, and not about to end."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.bootstrap.launch import tls_files
from authsvc.config import Settings
from authsvc.errors import ConfigurationError
from authsvc.serving.tls import TlsFiles, context_of

SOON = timedelta(days=14)
CRL_SOON = timedelta(hours=24)


def look_at_certificates(settings: Settings, around: Surroundings) -> Findings:
    try:
        files = tls_files(settings)
        if files is None:
            return
        context_of(files)
    except ConfigurationError as error:
        yield wrong(
            "tls-unusable",
            error.detail,
            "name a certificate and its key (PEM) that the service's user may read",
        )
        return
    now = around.clock.now()
    yield from _ours(settings, files, now)
    yield from _theirs(files, now)


def _ours(settings: Settings, files: TlsFiles, now: datetime) -> Findings:
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    yield from _life("tls-certificate", files.certificate, certificate, now)
    host = urlsplit(settings.public_url).hostname or ""
    if host and not any(_covers(name, host) for name in _names(certificate)):
        yield wrong(
            "tls-name",
            f"`{files.certificate}` is not for `{host}`, which people are sent to",
            "have one issued for that name, or mend AUTHSVC_BASE_URL",
        )
    if stat.S_IMODE(files.key.stat().st_mode) & 0o007:
        yield wrong("tls-key-open", f"everybody may read `{files.key}`", f"chmod 0640 {files.key}, or 0600")


def _theirs(files: TlsFiles, now: datetime) -> Findings:
    if files.client_ca is not None:
        for each in x509.load_pem_x509_certificates(files.client_ca.read_bytes()):
            yield from _life("tls-client-ca", files.client_ca, each, now)
    if files.revoked is None:
        return
    next_update = x509.load_pem_x509_crl(files.revoked.read_bytes()).next_update_utc
    if next_update is not None and next_update - now < CRL_SOON:
        yield wrong(
            "tls-revoked-old",
            f"`{files.revoked}` ends on {next_update:%Y-%m-%d %H:%M} UTC, and then no backend's certificate is good",
            "have the authority's current list fetched every hour",
        )


def _life(name: str, path: Path, certificate: x509.Certificate, now: datetime) -> Findings:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= now < end:
        yield wrong(
            f"{name}-expired",
            f"`{path}` is good from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and not now",
            "renew it; a running service reads it by itself",
        )
    elif end - now < SOON:
        yield doubtful(
            f"{name}-ends",
            f"`{path}` ends on {end:%Y-%m-%d}",
            "renew it; a running service reads it by itself",
        )


def _names(certificate: x509.Certificate) -> Iterable[str]:
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return ()
    if not isinstance(found, x509.SubjectAlternativeName):
        return ()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def _covers(name: str, host: str) -> bool:
    """RFC 6125: a star stands for one label, the first."""
    if name.startswith("*."):
        return host.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == host.lower()
