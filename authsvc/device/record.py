"""A registered credential as the relying party remembers it (the *credential record* of WebAuthn L3 §4)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from authsvc.clock import from_millis, to_millis
from authsvc.factor import Json
from authsvc.subject import Subject


class CredentialState(StrEnum):
    """`active` → `suspended` → `removed`. A removed credential stays on record, so that its id is never used again."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """One key on one device.

    `id` is base64url, `public_key` COSE, `sign_count` what the last accepted assertion said. `backup_eligible` says that
    the key may leave its device, `backed_up` that it has. `aaguid` names the authenticator's model and proves nothing
    unless `attested`. `pays` says that the key was made for Secure Payment Confirmation.
    """

    id: str
    subject: Subject
    device_id: str
    user_handle: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    backed_up: bool
    transports: tuple[str, ...]
    aaguid: str
    format: str
    attested: bool
    created_at: datetime
    pays: bool = False
    state: CredentialState = CredentialState.ACTIVE
    used_at: datetime | None = None

    def may_say(self, backup_eligible: bool) -> bool:
        """Whether an assertion may call the key eligible for backup, or not, after what is on record.

        iCloud makes keys eligible that were made before it synced. What was eligible stays so, and an attested model is what
        it was proven to be.
        """
        return backup_eligible is self.backup_eligible or (backup_eligible and not self.attested)

    def to_json(self) -> dict[str, object]:
        """A fresh registration, to be kept until its enrollment is completed."""
        return {
            "id": self.id,
            "device_id": self.device_id,
            "user_handle": base64.b64encode(self.user_handle).decode(),
            "public_key": base64.b64encode(self.public_key).decode(),
            "sign_count": self.sign_count,
            "backup_eligible": self.backup_eligible,
            "backed_up": self.backed_up,
            "transports": " ".join(self.transports),
            "aaguid": self.aaguid,
            "format": self.format,
            "attested": self.attested,
            "pays": self.pays,
            "created_at": to_millis(self.created_at),
        }

    @classmethod
    def from_json(cls, subject: Subject, kept: Json) -> CredentialRecord:
        """What `to_json` gave."""
        return cls(
            id=str(kept["id"]),
            subject=subject,
            device_id=str(kept["device_id"]),
            user_handle=base64.b64decode(str(kept["user_handle"])),
            public_key=base64.b64decode(str(kept["public_key"])),
            sign_count=int(str(kept["sign_count"])),
            backup_eligible=kept["backup_eligible"] is True,
            backed_up=kept["backed_up"] is True,
            transports=tuple(str(kept["transports"]).split()),
            aaguid=str(kept["aaguid"]),
            format=str(kept["format"]),
            attested=kept["attested"] is True,
            pays=kept["pays"] is True,
            created_at=from_millis(int(str(kept["created_at"]))),
        )
