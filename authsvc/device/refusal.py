"""Why a WebAuthn ceremony was refused: one stable code, for the audit and never for the payer."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Each code is one check; to the outside all of them look alike."""

    # What came is not a credential at all.
    SHAPE = "shape"
    TOO_LARGE = "too-large"
    BASE64URL = "base64url"
    TYPE = "credential-type"
    ID_MISMATCH = "credential-id-mismatch"
    ID_LENGTH = "credential-id-length"
    # What the browser says.
    CLIENT_DATA = "client-data"
    CEREMONY = "ceremony"
    CHALLENGE = "challenge"
    ORIGIN = "origin"
    CROSS_ORIGIN = "cross-origin"
    TOP_ORIGIN = "top-origin"
    TOKEN_BINDING = "token-binding"  # noqa: S105  # A code, not a password.
    PAYMENT_SHOWN = "payment-shown"
    # What the authenticator says.
    AUTHENTICATOR_DATA = "authenticator-data"
    RELYING_PARTY = "relying-party"
    USER_PRESENCE = "user-presence"
    USER_VERIFICATION = "user-verification"
    BACKUP_FLAGS = "backup-flags"
    BACKUP_ELIGIBILITY = "backup-eligibility-changed"
    ATTESTED_DATA = "attested-data"
    # Whose key it is.
    ALGORITHM = "algorithm"
    PUBLIC_KEY = "public-key"
    NOT_OFFERED = "credential-not-offered"
    NOT_ACTIVE = "credential-not-active"
    USER_HANDLE = "user-handle"
    SIGNATURE = "signature"
    # Where it comes from.
    ATTESTATION_OBJECT = "attestation-object"
    ATTESTATION_STATEMENT = "attestation-statement"
    ATTESTATION_FORMAT = "attestation-format"
    ATTESTATION_CHAIN = "attestation-chain"
    ATTESTATION_PROFILE = "attestation-profile"
    ATTESTATION_MODEL = "attestation-model"
    ATTESTATION_REVOKED = "attestation-revoked"
    ATTESTATION_STALE = "attestation-stale"
    # How often it was used.
    SIGN_COUNT = "sign-count"
    OVERTAKEN = "overtaken"
    CLONE_SUSPECTED = "clone-suspected"


class Refused(Exception):
    """A ceremony that failed one check. It ends inside the device room, as a `Verification` that did not pass."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code.value)
        self.code = code


def require(holds: bool, code: Refusal) -> None:
    """Raises Refused with this code unless the condition holds: every check of the room is one such line."""
    if not holds:
        raise Refused(code)
