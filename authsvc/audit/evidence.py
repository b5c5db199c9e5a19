"""Why was this payment let through? One decision as a file that a third party can check without the service.

A bundle holds what was decided and from what (`Evidence`), the policy document it was decided by, and the decision's
audit entries, each with the way from it to a signature. Its hash stands in the receipt and in the audit entry, so
nothing can be added or left out later. Entries of other people on the way are withheld: their digests are enough.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from authsvc.audit.chain import Link, SignedHead, body_digest, refuse_secrets
from authsvc.audit.checkpoint import Checkpoint
from authsvc.audit.wire import checkpoint_to_json, head_to_json
from authsvc.canonical import canonical
from authsvc.clock import rfc3339
from authsvc.factor import Json
from authsvc.subject import Subject

FORMAT = "authsvc-evidence-v1"
EVIDENCE_LABEL = b"authsvc-evidence-v1\x00"
EVIDENCE_HASH = "evidence_hash"
"""The name under which an audit entry's details carry the hash."""


@dataclass(frozen=True, slots=True)
class PolicyUsed:
    """Which policy decided; `digest` is `sha256:` and the SHA-256 of the document's RFC 8785 form."""

    id: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One decision as it stands: inputs and their outcome, what was proven, on which device.

    `inputs` is the snapshot that the policy saw, `proofs` what each factor's verification may tell (never a secret), `warning`
    what its payer read before, and answered.
    """

    decision_id: str
    subject: Subject
    decided_at: datetime
    status: str
    level: str
    binding: str
    inputs: Json
    reasons: tuple[Json, ...]
    policy: PolicyUsed
    proofs: tuple[Json, ...] = ()
    device: Json = field(default_factory=dict)
    warning: Json | None = None

    def to_json(self) -> dict[str, object]:
        return {
            "decision_id": self.decision_id,
            "subject": {"client": self.subject.client, "user": self.subject.user},
            "decided_at": rfc3339(self.decided_at),
            "status": self.status,
            "level": self.level,
            "binding": self.binding,
            "inputs": self.inputs,
            "reasons": self.reasons,
            "policy": {"id": self.policy.id, "version": self.policy.version, "digest": self.policy.digest},
            "proofs": self.proofs,
            "device": self.device,
            **({} if self.warning is None else {"warning": self.warning}),
        }

    def hash(self) -> str:
        """`sha256:` and 64 hexadecimal digits; raises ValueError where a key names a secret."""
        text = canonical(self.to_json())
        refuse_secrets(text)
        return evidence_hash(text)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Consecutive links of one chain, and the signed head or checkpoint that the last of them stands in."""

    links: tuple[Link, ...]
    signed: SignedHead | Checkpoint


def write_bundle(evidence: Evidence, policy_document: Json, timeline: Iterable[Inclusion]) -> str:
    """The bundle as canonical JSON. Bodies of entries about anything but this decision are withheld."""
    return canonical(
        {
            "format": FORMAT,
            "evidence": evidence.to_json(),
            "evidence_hash": evidence.hash(),
            "policy_document": policy_document,
            "timeline": [_inclusion_to_json(inclusion, evidence.decision_id) for inclusion in timeline],
        }
    )


def evidence_hash(text: str) -> str:
    """The hash of evidence in its canonical form: SHA-256 over a label and the text."""
    return f"sha256:{hashlib.sha256(EVIDENCE_LABEL + text.encode()).hexdigest()}"


def document_digest(document: Json) -> str:
    """The digest of a policy document, as its decisions and receipts carry it."""
    return f"sha256:{hashlib.sha256(canonical(document).encode()).hexdigest()}"


def _inclusion_to_json(inclusion: Inclusion, decision_id: str) -> Mapping[str, object]:
    links = [_step_to_json(link, decision_id) for link in inclusion.links]
    if isinstance(inclusion.signed, SignedHead):
        return {"links": links, "head": head_to_json(inclusion.signed)}
    return {"links": links, "checkpoint": checkpoint_to_json(inclusion.signed)}


def _step_to_json(link: Link, decision_id: str) -> Mapping[str, object]:
    is_ours = json.loads(link.body)["object"] == decision_id
    return {
        "chain": link.chain,
        "seq": link.seq,
        "previous": link.previous,
        "hash": link.hash,
        "body_digest": body_digest(link.body).hex(),
        "body": link.body if is_ours else None,
    }
