"""Codes of single checks in words: why a device key was refused, and what a verification of the audit found."""

from __future__ import annotations

from collections.abc import Mapping

from authsvc.web.console.wording import N_

REFUSALS: Mapping[str, str] = {
    "shape": N_("the answer is not a credential"),
    "too-large": N_("the answer is too large"),
    "base64url": N_("the answer is not well-formed base64url"),
    "credential-type": N_("another type of credential"),
    "credential-id-mismatch": N_("the credential contradicts its own id"),
    "credential-id-length": N_("the credential's id is too short or too long"),
    "client-data": N_("what the browser said cannot be read"),
    "ceremony": N_("signed for another purpose"),
    "challenge": N_("signed for another question than ours"),
    "origin": N_("signed on another site"),
    "cross-origin": N_("signed inside of another site's page"),
    "top-origin": N_("signed below a site that is not admitted"),
    "token-binding": N_("bound to a connection that is not ours"),
    "payment-shown": N_("the browser showed another payment"),
    "authenticator-data": N_("what the authenticator said cannot be read"),
    "relying-party": N_("the key belongs to another site"),
    "user-presence": N_("nobody touched the device"),
    "user-verification": N_("the device did not verify its user"),
    "backup-flags": N_("the device contradicts itself about syncing"),
    "backup-eligibility-changed": N_("a key that could not be synced says it can"),
    "attested-data": N_("no new key in the answer"),
    "algorithm": N_("the key's algorithm is not admitted"),
    "public-key": N_("the public key is not usable"),
    "credential-not-offered": N_("a key that was not asked for"),
    "credential-not-active": N_("the key is no longer in use"),
    "user-handle": N_("the key belongs to another user"),
    "signature": N_("the signature is wrong"),
    "attestation-object": N_("the attestation cannot be read"),
    "attestation-statement": N_("the attestation does not hold"),
    "attestation-format": N_("an attestation of a form that is not admitted"),
    "attestation-chain": N_("the attestation leads to no trusted root"),
    "attestation-profile": N_("the attestation's certificate is not as it must be"),
    "attestation-model": N_("a device model that is not admitted"),
    "attestation-revoked": N_("the attestation was revoked"),
    "attestation-stale": N_("the list of device models is too old"),
    "sign-count": N_("the count of signatures did not rise"),
    "overtaken": N_("another signature came first"),
    "clone-suspected": N_("the key seems to have been copied"),
}
"""By the codes of `device.refusal`."""

AUDIT_FAULTS: Mapping[str, str] = {
    "empty": N_("Empty"),
    "edited": N_("Edited"),
    "missing": N_("Gone"),
    "re-ordered": N_("In another order"),
    "repeated": N_("There twice"),
    "truncated": N_("Cut off"),
    "unsigned": N_("Not signed"),
    "foreign-chain": N_("Foreign chain"),
    "bad-signature": N_("Wrong signature"),
    "checkpoint-missing": N_("Checkpoint gone"),
    "checkpoint-ahead": N_("Checkpoint ahead of the log"),
    "unreadable": N_("Not to be read"),
}
"""By the faults of `audit.report`."""
