"""Does this evidence bundle hold? For a third party who has the bundle and the public audit keys, and nothing else.

It answers for one decision: that this is what was recorded, from these inputs, by this policy, and that it stands in the
signed audit log. It cannot see an entry that the bundle leaves out: compare the evidence hash with the receipt's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue, TypeAdapter

from authsvc.audit.chain import Head, PublicKeys, SignedHead, body_digest, link_hash
from authsvc.audit.checkpoint import Checkpoint
from authsvc.audit.evidence import EVIDENCE_HASH, FORMAT, document_digest, evidence_hash
from authsvc.audit.wire import CheckpointForm, HeadForm
from authsvc.canonical import canonical
from authsvc.errors import Tampered

JsonObject = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Witness:
    """What a bundle shows: the hash to compare with the receipt's, the decision's audit entries, and every fault."""

    evidence_hash: str
    timeline: tuple[JsonObject, ...]
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        return not self.faults

    def to_json(self) -> dict[str, object]:
        return {
            "sound": self.is_sound,
            "evidence_hash": self.evidence_hash,
            "timeline": list(self.timeline),
            "faults": list(self.faults),
        }


@dataclass(frozen=True, slots=True)
class _Step:
    chain: str
    seq: int
    previous: str
    hash: str
    body_digest: str
    body: str | None

    def adds_up(self) -> bool:
        try:
            digest = bytes.fromhex(self.body_digest)
            return (
                self.hash == link_hash(self.chain, self.seq, self.previous, digest)
                and len(digest) == 32
                and (self.body is None or body_digest(self.body) == digest)
            )
        except (ValueError, OverflowError):
            return False

    def follows(self, before: _Step) -> bool:
        return (self.chain, self.seq, self.previous) == (before.chain, before.seq + 1, before.hash)


@dataclass(frozen=True, slots=True)
class _Path:
    links: list[_Step]
    head: HeadForm | None = None
    checkpoint: CheckpointForm | None = None


@dataclass(frozen=True, slots=True)
class _Bundle:
    format: Literal["authsvc-evidence-v1"]
    evidence: JsonObject
    evidence_hash: str
    policy_document: JsonObject
    timeline: list[_Path]


_BUNDLE = TypeAdapter(_Bundle)


def verify_bundle(bundle: bytes | str, keys: PublicKeys) -> Witness:
    """Check a bundle against the service's public audit keys; never raises, whatever the bundle holds."""
    try:
        read = _BUNDLE.validate_json(bundle, strict=True)
        timeline = tuple(_entries(read))
        return Witness(read.evidence_hash, timeline, tuple(_faults(read, timeline, keys)))
    except (ValueError, RecursionError):
        return Witness("", (), (f"this is not a bundle of the form `{FORMAT}`",))


def _faults(bundle: _Bundle, timeline: tuple[JsonObject, ...], keys: PublicKeys) -> Iterator[str]:
    # 1. The evidence is what its hash says.
    if evidence_hash(canonical(bundle.evidence)) != bundle.evidence_hash:
        yield "the evidence is not that of the evidence hash"
    # 2. The policy document is the one that the evidence names.
    policy = bundle.evidence.get("policy")
    if not isinstance(policy, dict) or policy.get("digest") != document_digest(bundle.policy_document):
        yield "the policy document is not the one that decided"
    # 3. Every audit entry leads to a signature.
    for path in bundle.timeline:
        yield from _faults_of_path(path, keys)
    # 4. The audit log, too, knows the decision by this hash.
    recorded = _recorded_hash(timeline)
    if recorded is None:
        yield "no audit entry of this decision carries an evidence hash"
    elif recorded != bundle.evidence_hash:
        yield "the last audit entry of this decision carries another evidence hash"


def _faults_of_path(path: _Path, keys: PublicKeys) -> Iterator[str]:
    if not path.links:
        yield "a part of the timeline is empty"
        return
    for step in path.links:
        if not step.adds_up():
            yield f"audit entry {step.seq} of chain `{step.chain}` does not add up"
    for before, step in zip(path.links, path.links[1:], strict=False):
        if not step.follows(before):
            yield f"audit entry {step.seq} of chain `{step.chain}` does not follow the one before it"
    last = path.links[-1]
    if Head(last.chain, last.seq, last.hash) not in _signed_heads(path, keys):
        yield f"no known key signed chain `{last.chain}` at entry {last.seq}"


def _signed_heads(path: _Path, keys: PublicKeys) -> tuple[Head, ...]:
    signed: SignedHead | Checkpoint | None = None
    if path.head is not None:
        signed = path.head.value()
    elif path.checkpoint is not None:
        signed = path.checkpoint.value()
    if signed is None or not signed.is_signed_by(keys):
        return ()
    if isinstance(signed, SignedHead):
        return (signed.head,)
    try:
        return signed.statement().heads
    except Tampered:
        return ()


def _entries(bundle: _Bundle) -> Iterator[JsonObject]:
    """The decision's own audit entries, each once, in order of time: RFC 3339 in UTC sorts as text."""
    steps = {
        (step.chain, step.seq): step.body for path in bundle.timeline for step in path.links if step.body
    }
    about = bundle.evidence.get("decision_id")
    bodies = map(json.loads, steps.values())
    ours = [body for body in bodies if isinstance(body, dict) and body.get("object") == about]
    yield from sorted(ours, key=lambda body: str(body.get("at")))


def _recorded_hash(timeline: tuple[JsonObject, ...]) -> JsonValue:
    details = [body.get("details") for body in timeline]
    hashes = [each[EVIDENCE_HASH] for each in details if isinstance(each, dict) and EVIDENCE_HASH in each]
    return hashes[-1] if hashes else None
