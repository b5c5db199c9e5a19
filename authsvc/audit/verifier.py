"""Is this audit log whole and unchanged? Answered from entries, signatures and public keys alone.

For the auditor: it runs without the service and without a database. Links are read once and not kept; what was signed waits on
disk for the link that it is about (`vouched.py`), so a log may be of any length.

What it cannot see: that the newest entries are gone together with every head and checkpoint over them. For that the
auditor keeps a checkpoint now and then, and gives it as `kept`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass

from authsvc.audit.chain import Head, Link, PublicKeys, SignedHead
from authsvc.audit.checkpoint import Checkpoint
from authsvc.audit.report import Fault, Finding, Report
from authsvc.audit.vouched import Vouched
from authsvc.audit.walks import ChainWalk, CheckpointWalk, Signed

PROGRESS_EVERY = 1000


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
    with closing(Vouched()) as vouched:
        verification = _Verification(keys, vouched)
        verification.see_heads(heads)
        verification.see_checkpoints(checkpoints, kept)
        verification.see_links(links)
        return verification.report()


@dataclass(frozen=True, slots=True)
class Filed:
    """An entry as a database files it: `object` and `client` are columns beside it, by which it is found."""

    link: Link
    object: str
    client: str | None

    def agrees(self) -> bool:
        """Whether the columns say what the entry says; the hash is over the entry, and so over them."""
        try:
            body = json.loads(self.link.body)
            client = None if body["subject"] is None else body["subject"]["client"]
            return bool((self.object, self.client) == (body["object"], client))
        except (ValueError, KeyError, TypeError):
            # No entry at all; the walk along the chain says so.
            return True


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain as a database gives it out: entries and signed heads, each in order."""

    name: str
    filed: Iterable[Filed]
    heads: Iterable[SignedHead]


def verify_chains(
    chains: Iterable[Chain],
    checkpoints: Iterable[Checkpoint],
    keys: PublicKeys,
    kept: Iterable[Checkpoint] = (),
    remembered: Iterable[Head] = (),
    progress: Callable[[int], None] = lambda links: None,
) -> Report:
    """As `verify`, chain by chain in flat memory, and with what a database adds: columns beside each entry.

    `remembered` is what the service says, from outside the database, that it must hold. `progress` is told of entries.
    """
    with closing(Vouched()) as vouched:
        verification = _Verification(keys, vouched)
        verification.see_checkpoints(checkpoints, kept)
        verification.see_remembered(remembered)
        for chain in chains:
            verification.see_chain(chain, progress)
        return verification.report()


class _Verification:
    def __init__(self, keys: PublicKeys, vouched: Vouched) -> None:
        self._keys = keys
        self._findings: list[Finding] = []
        self._signed: defaultdict[str, Signed] = defaultdict(Signed)
        self._vouched = vouched
        self._cuts: set[Head] = set()
        self._walks: dict[str, ChainWalk] = {}
        self._links = self._heads = self._checkpoints = 0

    def see_heads(self, heads: Iterable[SignedHead]) -> None:
        for signed in heads:
            self._see_head(signed)

    def see_remembered(self, heads: Iterable[Head]) -> None:
        for head in heads:
            self._vouch(head)
            self._signed[head.chain].remembered_seq = head.seq

    def see_chain(self, chain: Chain, progress: Callable[[int], None]) -> None:
        """Both in order: a head is looked at just before the entry it signs, and forgotten after it."""
        heads, walk = iter(chain.heads), self._walk(chain.name)
        head = next(heads, None)
        for number, filed in enumerate(chain.filed, start=1):
            while head is not None and head.head.seq <= filed.link.seq:
                self._see_head(head)
                head = next(heads, None)
            self._links += 1
            walk.see(filed.link)
            if not filed.agrees():
                found = "the columns it is found by are not those of its content"
                self._find(Fault.EDITED, filed.link.head(), found)
            self._vouched.forget(chain.name, filed.link.seq)
            if number % PROGRESS_EVERY == 0:
                progress(PROGRESS_EVERY)
        while head is not None:
            self._see_head(head)
            head = next(heads, None)

    def _see_head(self, signed: SignedHead) -> None:
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
        for chain in sorted(self._signed.keys() - self._walks.keys()):
            self._walk(chain)
        for _, walk in sorted(self._walks.items()):
            walk.end()
        if not self._links:
            self._findings.append(Finding(Fault.EMPTY, "", 0, "there is not a single entry"))
        chains = {chain: walk.last for chain, walk in sorted(self._walks.items())}
        archived = {chain: walk.archived for chain, walk in sorted(self._walks.items()) if walk.archived}
        return Report(self._links, self._heads, self._checkpoints, chains, tuple(self._findings), archived)

    def _walk(self, chain: str) -> ChainWalk:
        walk = self._walks[chain] = ChainWalk(
            chain, self._signed[chain], self._vouched, self._cuts, self._findings
        )
        return walk

    def _vouch_for_checkpoint(self, heads: Iterable[Head]) -> None:
        for head in heads:
            self._vouch(head)
            signed = self._signed[head.chain]
            signed.checkpoint_seq = max(signed.checkpoint_seq, head.seq)

    def _vouch(self, head: Head) -> None:
        if self._vouched.first(head.chain, head.seq, head.hash) != head.hash:
            self._find(Fault.EDITED, head, "two entries were signed in this place")

    def _find(self, fault: Fault, head: Head, detail: str) -> None:
        self._findings.append(Finding(fault, head.chain, head.seq, detail))
