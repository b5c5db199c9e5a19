"""The audit log for those who read it: pages, checkpoints, evidence bundles, exports, and the whole of it verified."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from authsvc.audit.chain import Entry, Head, Link, PublicKeys, SigningKey
from authsvc.audit.checkpoint import Checkpoint, take_checkpoint
from authsvc.audit.evidence import Inclusion, write_bundle
from authsvc.audit.export import write_export
from authsvc.audit.remembered import RememberedHeads
from authsvc.audit.report import Report
from authsvc.audit.verifier import Chain, verify_chains
from authsvc.clock import Clock
from authsvc.domain.decision import Decision
from authsvc.domain.receipt import evidence_of
from authsvc.errors import NotFound, Unavailable
from authsvc.factor import Json
from authsvc.storage.ledger import Ledger
from authsvc.storage.transaction import StoreTransaction


class StoredAuditLog:
    def __init__(
        self,
        ledger: Ledger[StoreTransaction],
        keys: Callable[[], PublicKeys],
        signing_key: Callable[[], SigningKey],
        clock: Clock,
        remembered: RememberedHeads,
    ) -> None:
        self._ledger = ledger
        self._remembered = remembered
        self._keys = keys
        self._signing_key = signing_key
        self._clock = clock

    def page(self, client: str, chain: str, seq: int, limit: int) -> Sequence[Json]:
        """Audit lines of one client behind a position, as they were written."""
        links = self._ledger.read(lambda tx: tx.audit.page(client, chain, seq, limit))
        return [
            {"chain": link.chain, "seq": link.seq, "hash": link.hash, **json.loads(link.body)}
            for link in links
        ]

    def checkpoints(self, after: int, limit: int) -> Sequence[Checkpoint]:
        return self._ledger.read(lambda tx: tx.audit.checkpoints(after, limit))

    def evidence(self, decision: Decision) -> Json:
        """The bundle of one decision: what it rests on, its policy's document, and its lines up to a signed head."""

        def query(tx: StoreTransaction) -> str:
            document = tx.policies.document(decision.policy.digest)
            if document is None:
                raise NotFound("the policy document of this decision is not on record")
            timeline = list(_inclusions(tx, tx.audit.links_of(decision.id)))
            return write_bundle(evidence_of(decision), json.loads(document), timeline)

        bundle: Json = json.loads(self._ledger.snapshot(query))
        return bundle

    def take_checkpoint(self) -> bool:
        """Sign all heads together, where anything was written since the last time; says whether it did.

        Raises Unavailable where a chain no longer holds what was signed before, as it is remembered outside of the database.
        """

        def unit(tx: StoreTransaction) -> Checkpoint | None:
            self._remembered.refuse_shortened(tx.audit.hash_at)
            previous, heads = tx.audit.last_checkpoint(), tx.audit.last_heads()
            if not heads or (previous is not None and set(previous.statement().heads) == set(heads)):
                return None
            checkpoint = take_checkpoint(previous, heads, self._clock.now(), self._signing_key())
            return checkpoint if tx.audit.add_checkpoint(checkpoint) else None

        taken = self._ledger.transact(unit)
        if taken is None:
            return False
        self._remembered.remember(taken.statement().heads)
        self._remembered.witness(taken)
        return True

    def verify(
        self, kept: Iterable[Checkpoint] = (), progress: Callable[[int], None] = lambda links: None
    ) -> Report:
        """The whole log, link by link, as it stands at one moment while it grows; `kept` are an auditor's own checkpoints."""
        # Before the snapshot, which holds at least as much.
        remembered = self.remembered()
        return self._ledger.snapshot(lambda tx: self.verified(tx, kept, remembered, progress))

    def remembered(self) -> tuple[Head, ...]:
        """What the service says, from outside of the database, that the log must hold."""
        return self._remembered.recall()

    def verified(
        self,
        tx: StoreTransaction,
        kept: Iterable[Checkpoint],
        remembered: Iterable[Head],
        progress: Callable[[int], None],
    ) -> Report:
        """The same in a snapshot that is open."""
        return verify_chains(
            (Chain(name, tx.audit.filed(name), tx.audit.heads(name)) for name in tx.audit.chains()),
            tx.audit.all_checkpoints(),
            self._keys(),
            kept,
            remembered,
            progress,
        )

    def length(self) -> int:
        """How many lines there are, about; for a progress bar."""
        return self._ledger.read(lambda tx: sum(head.seq for head in tx.audit.last_heads()))

    def export(self, folder: Path) -> None:
        """Write the whole log for a verifier elsewhere."""
        self._ledger.snapshot(
            lambda tx: write_export(
                folder, tx.audit.links(), tx.audit.all_heads(), tx.audit.all_checkpoints(), self._keys()
            )
        )

    def accept_restore(self, actor: str, reason: str) -> Mapping[str, object]:
        """Take the database as it is, after a restore: said in the audit, with what is missing, and remembered anew."""
        remembered, now = self._remembered.recall(), self._clock.now()

        def unit(tx: StoreTransaction) -> list[Json]:
            lost: list[Json] = [
                {"chain": head.chain, "remembered": head.seq, "found": tx.audit.last_head(head.chain).seq}
                for head in remembered
                if tx.audit.hash_at(head.chain, head.seq) != head.hash
            ]
            said = {"reason": reason, "lost": lost}
            tx.record(Entry(now, actor, "audit.accept-restore", None, "audit", "accepted", said))
            return lost

        lost = self._ledger.transact(unit)
        self._remembered.begin_anew(self._ledger.read(lambda tx: tx.audit.last_heads()))
        return {"lost": lost}


def _inclusions(tx: StoreTransaction, links: Sequence[Link]) -> Iterator[Inclusion]:
    """Every line of a decision, each batch of lines once, up to the head that was signed over it."""
    covered: Head | None = None
    for link in links:
        if covered is not None and covered.chain == link.chain and link.seq <= covered.seq:
            continue
        signed = tx.audit.head_over(link.chain, link.seq)
        if signed is None:
            raise Unavailable("a line of this decision stands under no signed head")
        covered = signed.head
        yield Inclusion(tx.audit.links_between(link.chain, link.seq, covered.seq), signed)
