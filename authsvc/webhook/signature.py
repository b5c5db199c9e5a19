"""Signing as Standard Webhooks describe it, scheme `v1`: HMAC-SHA-256 over id, time and the very bytes of the body."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime

SECRET_PREFIX = "whsec_"  # noqa: S105  # What a secret begins with, and no secret.
SECRET_SIZE = 32
"""Bytes; the standard asks for 24 to 64."""


@dataclass(frozen=True, slots=True)
class Signing:
    """The secrets that sign: the current one, and beside it the former one while a rotation overlaps."""

    secrets: tuple[bytes, ...] = field(repr=False)

    def headers(self, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
        """The three headers of an attempt that is made at this moment."""
        timestamp = str(int(at.timestamp()))
        signed = f"{message_id}.{timestamp}.".encode() + body
        signatures = [hmac.digest(secret, signed, "sha256") for secret in self.secrets]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(f"v1,{base64.b64encode(each).decode()}" for each in signatures),
        }


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_SIZE)


def text_of(secret: bytes) -> str:
    """`whsec_…`, as the receiver keeps it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()
