"""What the authenticator says of a ceremony (WebAuthn L3 §6.1): for whom it worked, and what it did to make sure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from authsvc.device.refusal import Refusal, require
from authsvc.device.relying_party import RelyingParty


@dataclass(frozen=True, slots=True)
class NewKey:
    """The credential inside of a registration; `public_key` is COSE."""

    aaguid: str
    credential_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class AuthenticatorData:
    """`user_verified` says finger, face, PIN or pattern, and never which."""

    rp_id_hash: bytes
    user_present: bool
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    sign_count: int
    new_key: NewKey | None

    def check(self, party: RelyingParty, *, user_verification: bool) -> None:
        """Steps 13 to 17 of WebAuthn L3 §7.1, which are steps 15 to 19 of §7.2; raises Refused."""
        require(self.rp_id_hash == hashlib.sha256(party.id.encode()).digest(), Refusal.RELYING_PARTY)
        require(self.user_present, Refusal.USER_PRESENCE)
        require(self.user_verified or not user_verification, Refusal.USER_VERIFICATION)
        require(self.backup_eligible or not self.backed_up, Refusal.BACKUP_FLAGS)
