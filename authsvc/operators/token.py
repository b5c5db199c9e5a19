"""Secrets that operators carry: `oi_<id>_<secret>` an invitation, `os_<id>_<secret>` a session. Only keyed HMACs are stored."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from authsvc.errors import Unauthenticated
from authsvc.keys.macs import Macs

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of secret: how it begins, and the label under which it is MACed."""

    prefix: str
    label: str

    def new(self, macs: Macs) -> tuple[str, str, bytes]:
        """Id, the whole as it is shown once, and the MAC to store."""
        token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(SECRET_BYTES)
        return token_id, f"{self.prefix}_{token_id}_{secret}", macs.mac(self.label, secret.encode())

    def split(self, presented: str) -> tuple[str, str]:
        """Id and secret; raises Unauthenticated for what does not even look like one."""
        prefix, _, rest = presented.partition("_")
        token_id, _, secret = rest.partition("_")
        if prefix != self.prefix or not token_id or not secret:
            raise Unauthenticated(f"this is no `{self.prefix}_…`")
        return token_id, secret

    def matches(self, macs: Macs, secret: str, expected: bytes | None) -> bool:
        """Whether this secret has that MAC; without one the same work is done and the answer is no."""
        candidates = macs.mac_candidates(self.label, secret.encode())
        found = [hmac.compare_digest(expected or bytes(32), candidate) for candidate in candidates]
        return expected is not None and any(found)


INVITATION = Kind("oi", "operator-invitation")
SESSION = Kind("os", "operator-session")
