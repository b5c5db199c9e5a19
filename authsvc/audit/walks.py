"""The two walks of a verification: along one chain of entries, and along the checkpoints.

Both take one item at a time, note what does not add up, and go on, so that one fault is one finding and not a flood.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from authsvc.audit.archive import ACTION
from authsvc.audit.chain import NOTHING, Head, Link, PublicKeys
from authsvc.audit.checkpoint import Checkpoint, Statement
from authsvc.audit.report import CHECKPOINTS, Fault, Finding
from authsvc.audit.vouched import Vouched
from authsvc.errors import Tampered


@dataclass(slots=True)
class Signed:
    """How far heads and checkpoints of one chain reach, and what was remembered."""

    head_seq: int = 0
    checkpoint_seq: int = 0
    remembered_seq: int = 0

    def vouches(self) -> bool:
        """Whether anybody signed anything of this chain."""
        return self.head_seq > 0 or self.checkpoint_seq > 0


class ChainWalk:
    """Follows one chain in the order in which its links come; `signed` and `vouched` may grow while they do."""

    def __init__(
        self, chain: str, signed: Signed, vouched: Vouched, cuts: set[Head], findings: list[Finding]
    ) -> None:
        """`cuts` grows with what lines say of chains that were cut off and archived."""
        self._chain = chain
        self._signed = signed
        self._vouched = vouched
        self._findings = findings
        self._hash = NOTHING
        self._cuts = cuts
        self._gaps: list[range] = []
        self._begin = Head(chain)
        self.last = 0
        self.archived = 0

    def see(self, link: Link) -> None:
        adds_up = link.adds_up()
        if not self.last:
            self._begin = Head(self._chain, link.seq - 1, link.previous)
        if adds_up and ACTION in link.body:
            self._cuts |= cuts_in(link.body)
        if not adds_up:
            self._find(Fault.EDITED, link.seq, "its hash is not that of its content")
        elif self._vouched.find(self._chain, link.seq) not in (None, link.hash):
            self._find(Fault.EDITED, link.seq, "another entry was signed in this place")
        if link.seq == self.last + 1:
            if adds_up and link.previous != self._hash:
                self._find(Fault.EDITED, link.seq, "it does not follow the entry before it")
            self._advance(link)
        elif link.seq > self.last:
            self._gaps.append(range(self.last + 1, link.seq))
            self._advance(link)
        elif self._fill(link.seq):
            self._find(Fault.REORDERED, link.seq, f"it comes after entry {self.last}")
        else:
            self._find(Fault.REPEATED, link.seq, "its place is taken already")

    def end(self) -> None:
        for gap in self._gaps:
            if gap.start == 1 and gap.stop - 1 == self._begin.seq and self._begin in self._cuts:
                self.archived = self._begin.seq
                continue
            self._find(Fault.MISSING, gap.start, f"entries {gap.start} to {gap.stop - 1} are not there")
        if self.last < self._signed.remembered_seq:
            detail = f"the service remembers entry {self._signed.remembered_seq}, the log does not hold it"
            self._find(Fault.TRUNCATED, self.last + 1, detail)
        if not self._signed.vouches() and not self._signed.remembered_seq:
            self._find(Fault.FOREIGN_CHAIN, self.last, "no signed head or checkpoint names this chain")
        else:
            self._compare_ends(self._signed)

    def _compare_ends(self, signed: Signed) -> None:
        vouched = max(signed.head_seq, signed.checkpoint_seq)
        if self.last < signed.head_seq:
            self._find(
                Fault.TRUNCATED,
                self.last + 1,
                f"a signed head reaches to {signed.head_seq}, the log does not",
            )
        if self.last < signed.checkpoint_seq:
            self._find(
                Fault.CHECKPOINT_AHEAD,
                self.last + 1,
                f"a checkpoint reaches to {signed.checkpoint_seq}, the log does not",
            )
        if self.last > vouched:
            self._find(Fault.UNSIGNED, vouched + 1, f"entries {vouched + 1} to {self.last} are not signed")

    def _advance(self, link: Link) -> None:
        self.last, self._hash = link.seq, link.hash

    def _fill(self, seq: int) -> bool:
        """Close the gap that an entry out of order was missed in, if there is one."""
        index = bisect_right(self._gaps, seq, key=lambda gap: gap.start) - 1
        if index < 0 or seq not in self._gaps[index]:
            return False
        gap = self._gaps[index]
        self._gaps[index : index + 1] = filter(None, (range(gap.start, seq), range(seq + 1, gap.stop)))
        return True

    def _find(self, fault: Fault, seq: int, detail: str) -> None:
        self._findings.append(Finding(fault, self._chain, seq, detail))


def cuts_in(body: str) -> frozenset[Head]:
    """Where chains were cut, if this line is about that."""
    try:
        said = json.loads(body)
        if said["action"] != ACTION:
            return frozenset()
        return frozenset(
            Head(str(chain), int(seq), str(digest)) for chain, seq, digest in said["details"]["cuts"]
        )
    except (ValueError, KeyError, TypeError):
        return frozenset()


class CheckpointWalk:
    """Follows the checkpoints; `kept` are those that the auditor has from earlier and the log must still hold."""

    def __init__(self, keys: PublicKeys, kept: Iterable[Checkpoint], findings: list[Finding]) -> None:
        self._keys = keys
        self._kept = {checkpoint.seq: checkpoint for checkpoint in kept}
        self._findings = findings
        self._last = 0
        self._hash = NOTHING
        self._heads: dict[str, Head] = {}

    def see(self, checkpoint: Checkpoint) -> tuple[Head, ...]:
        """The heads that the checkpoint vouches for; none when it cannot be trusted."""
        statement = self._trusted(checkpoint)
        kept = self._kept.pop(checkpoint.seq, None)
        if kept is not None and kept.hash != checkpoint.hash:
            self._find(Fault.EDITED, checkpoint.seq, "it is not the one that the auditor kept")
        self._place(checkpoint, statement)
        if statement is None:
            return ()
        self._compare_heads(statement)
        return statement.heads

    def end(self) -> tuple[Head, ...]:
        """The heads of the auditor's own checkpoints that the log no longer holds."""
        heads: list[Head] = []
        for seq, checkpoint in sorted(self._kept.items()):
            self._find(Fault.CHECKPOINT_MISSING, seq, "the auditor kept it, the log does not hold it")
            statement = self._trusted(checkpoint)
            heads += () if statement is None else statement.heads
        return tuple(heads)

    def _trusted(self, checkpoint: Checkpoint) -> Statement | None:
        if not checkpoint.is_signed_by(self._keys):
            self._find(Fault.BAD_SIGNATURE, checkpoint.seq, "it is not signed by a known key")
            return None
        try:
            return checkpoint.statement()
        except Tampered as error:
            self._find(Fault.EDITED, checkpoint.seq, error.detail)
            return None

    def _place(self, checkpoint: Checkpoint, statement: Statement | None) -> None:
        if checkpoint.seq <= self._last:
            self._find(Fault.REPEATED, checkpoint.seq, f"it comes after checkpoint {self._last}")
            return
        if checkpoint.seq > self._last + 1:
            first, last = self._last + 1, checkpoint.seq - 1
            self._find(Fault.CHECKPOINT_MISSING, first, f"checkpoints {first} to {last} are not there")
        elif statement is not None and statement.previous != self._hash:
            self._find(Fault.EDITED, checkpoint.seq, "it does not follow the checkpoint before it")
        self._last, self._hash = checkpoint.seq, checkpoint.hash

    def _compare_heads(self, statement: Statement) -> None:
        heads = {head.chain: head for head in statement.heads}
        for chain, before in self._heads.items():
            if chain not in heads or heads[chain].seq < before.seq:
                detail = f"checkpoint {statement.seq} says less of this chain than one before it"
                self._findings.append(Finding(Fault.TRUNCATED, chain, before.seq, detail))
        self._heads = heads

    def _find(self, fault: Fault, seq: int, detail: str) -> None:
        self._findings.append(Finding(fault, CHECKPOINTS, seq, detail))
