"""TLS 1.3 of our own: certificates that change while connections live, and whose certificate a client showed.

Files are read again on SIGHUP, and by themselves when they changed. A new context is built whole before it takes the place of
the old one, so a file that is half written leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from authsvc.errors import ConfigurationError

_log = logging.getLogger(__name__)

Stamps = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our chain and its key; the authorities of clients' certificates, and what these have revoked, if any."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    revoked: Path | None = None

    def all(self) -> Iterator[Path]:
        yield from (
            path for path in (self.certificate, self.key, self.client_ca, self.revoked) if path is not None
        )

    def stamps(self) -> Stamps:
        return tuple(map(_stamp, self.all()))


class Tls:
    """`front` is what a listener is given; each handshake gets the context of its moment. Raises ConfigurationError."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = files.stamps()
        self._current = context_of(files)
        self.generation = 0
        self.front = context_of(files)
        self.front.sni_callback = self._choose

    def reload(self) -> bool:
        """Read every file again; says whether that went well. What is connected stays so until its next answer."""
        seen = self._files.stamps()
        try:
            self._current = context_of(self._files)
        except ConfigurationError as error:
            _log.error("certificates are not read again: %s", error.detail)
            return False
        self._seen = seen
        self.generation += 1
        _log.info("certificates were read again")
        return True

    def reload_if_changed(self) -> None:
        if self._files.stamps() != self._seen:
            self.reload()

    def _choose(self, connection: ssl.SSLObject, name: str | None, front: ssl.SSLContext) -> None:
        connection.context = self._current


def context_of(files: TlsFiles) -> ssl.SSLContext:
    """A server's context; raises ConfigurationError that names the file and never what is in it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # A resumed session would bring a client's certificate along after it was revoked.
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    with _named(files.certificate, files.key):
        context.load_cert_chain(files.certificate, files.key)
    if files.client_ca is not None:
        with _named(files.client_ca):
            context.load_verify_locations(files.client_ca)
        # Payers have none. Whoever shows one shows a good one, and which key needs one says the key.
        context.verify_mode = ssl.CERT_OPTIONAL
    if files.revoked is not None:
        with _named(files.revoked):
            context.load_verify_locations(files.revoked)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context


def fingerprint_of(der: bytes) -> str:
    """The SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` has it, in lower case and without colons."""
    return hashlib.sha256(der).hexdigest()


def shown_certificate(transport: asyncio.BaseTransport) -> str | None:
    """Of the certificate that a client showed in its handshake, and that was found good."""
    connection = transport.get_extra_info("ssl_object")
    der = None if connection is None else connection.getpeercert(binary_form=True)
    return None if der is None else fingerprint_of(der)


def forwarded_certificate(said: bytes) -> str | None:
    """Of the certificate in a `Client-Cert` header (RFC 9440 section 2.1): a byte sequence between colons."""
    if len(said) < 3 or said[:1] != b":" or said[-1:] != b":":
        return None
    try:
        return fingerprint_of(base64.b64decode(said[1:-1], validate=True))
    except ValueError:
        return None


@contextlib.contextmanager
def _named(*paths: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError is one.
        shown = " or ".join(f"`{path}`" for path in paths)
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(f"{shown} cannot be used for TLS: {reason}") from None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
