"""What a verification found, and where: for the auditor who must say whether a log can be relied on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CHECKPOINTS = "checkpoints"
"""Stands where a chain's name does when a finding is about the checkpoints themselves."""


class Fault(StrEnum):
    EMPTY = "empty"
    EDITED = "edited"
    MISSING = "missing"
    REORDERED = "re-ordered"
    REPEATED = "repeated"
    TRUNCATED = "truncated"
    UNSIGNED = "unsigned"
    FOREIGN_CHAIN = "foreign-chain"
    BAD_SIGNATURE = "bad-signature"
    CHECKPOINT_MISSING = "checkpoint-missing"
    CHECKPOINT_AHEAD = "checkpoint-ahead"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up; `seq` is the entry's, the checkpoint's, or the line's number."""

    fault: Fault
    chain: str
    seq: int
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, how far each chain goes, all that was found, and how much of a chain is in archives elsewhere."""

    links: int
    heads: int
    checkpoints: int
    chains: Mapping[str, int]
    findings: tuple[Finding, ...]
    archived: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found; a log without a single entry is not sound, because nothing was shown."""
        return not self.findings

    def to_json(self) -> dict[str, object]:
        return {
            "sound": self.is_sound,
            "links": self.links,
            "heads": self.heads,
            "checkpoints": self.checkpoints,
            "chains": dict(self.chains),
            "archived": dict(self.archived),
            "findings": [
                {"fault": each.fault, "chain": each.chain, "seq": each.seq, "detail": each.detail}
                for each in self.findings
            ],
        }
