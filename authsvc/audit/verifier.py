"""Is this audit log whole and unchanged? Answered from entries, signatures and public keys alone.

For the auditor: it runs without the service and without a database. Links are read once and not kept, so a log may be
of any length; memory grows with the number of signed heads and checkpoints.

What it cannot see: that the newest entries are gone together with every head and checkpoint over them. For that the
auditor keeps a checkpoint now and then, and gives it as `kept`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from authsvc.audit.chain import Head, Link, PublicKeys, SignedHead
from authsvc.audit.checkpoint import Checkpoint
from authsvc.audit.report import Fault, Finding, Report
from authsvc.audit.walks import ChainWalk, CheckpointWalk, Signed


def verify(
    links: Iterable[Link],
    heads: Iterable[SignedHead],
    checkpoints: Iterable[Checkpoint],
    keys: PublicKeys,
    kept: Iterable[Checkpoint] = (),
) -> Report:
    """Check a log: links in the order of each chain (chains may interleave), checkpoints in order, heads in any.

    All must be of one moment (one database transaction), or what was written in between is reported.
    """
    verification = _Verification(keys)
    verification.see_heads(heads)
    verification.see_checkpoints(checkpoints, kept)
    verification.see_links(links)
    return verification.report()


class _Verification:
    def __init__(self, keys: PublicKeys) -> None:
        self._keys = keys
        self._findings: list[Finding] = []
        self._signed: defaultdict[str, Signed] = defaultdict(Signed)
        self._walks: dict[str, ChainWalk] = {}
        self._links = self._heads = self._checkpoints = 0

    def see_heads(self, heads: Iterable[SignedHead]) -> None:
        for signed in heads:
            self._heads += 1
            head = signed.head
            if signed.is_signed_by(self._keys):
                self._vouch(head)
                self._signed[head.chain].head_seq = max(self._signed[head.chain].head_seq, head.seq)
            else:
                self._find(Fault.BAD_SIGNATURE, head, "this head is not signed by a known key")

    def see_checkpoints(self, checkpoints: Iterable[Checkpoint], kept: Iterable[Checkpoint]) -> None:
        walk = CheckpointWalk(self._keys, kept, self._findings)
        for checkpoint in checkpoints:
            self._checkpoints += 1
            self._vouch_for_checkpoint(walk.see(checkpoint))
        self._vouch_for_checkpoint(walk.end())

    def see_links(self, links: Iterable[Link]) -> None:
        for link in links:
            self._links += 1
            walk = self._walks.get(link.chain)
            if walk is None:
                walk = self._walk(link.chain)
            walk.see(link)

    def report(self) -> Report:
        for chain in self._signed.keys() - self._walks.keys():
            self._walk(chain)
        for _, walk in sorted(self._walks.items()):
            walk.end()
        if not self._links:
            self._findings.append(Finding(Fault.EMPTY, "", 0, "there is not a single entry"))
        chains = {chain: walk.last for chain, walk in sorted(self._walks.items())}
        return Report(self._links, self._heads, self._checkpoints, chains, tuple(self._findings))

    def _walk(self, chain: str) -> ChainWalk:
        walk = self._walks[chain] = ChainWalk(chain, self._signed.get(chain), self._findings)
        return walk

    def _vouch_for_checkpoint(self, heads: Iterable[Head]) -> None:
        for head in heads:
            self._vouch(head)
            signed = self._signed[head.chain]
            signed.checkpoint_seq = max(signed.checkpoint_seq, head.seq)

    def _vouch(self, head: Head) -> None:
        if self._signed[head.chain].hashes.setdefault(head.seq, head.hash) != head.hash:
            self._find(Fault.EDITED, head, "two entries were signed in this place")

    def _find(self, fault: Fault, head: Head, detail: str) -> None:
        self._findings.append(Finding(fault, head.chain, head.seq, detail))
