"""Cuts the oldest part off the audit: written to an archive first, then dropped in pieces, each with a line that says so.

A line says where every chain was cut, so that what is left verifies by itself, and with the archives as one. Which rows there
should be is known from the log as well (`following.py`): what dropped lines say of that is said again in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby, islice, takewhile
from pathlib import Path

from authsvc.audit.archive import (
    ACTION,
    Part,
    Stretch,
    archives,
    links_of,
    next_path,
    read_back,
    write_archive,
)
from authsvc.audit.chain import Entry, Head, Link, PublicKeys, SigningKey, entry
from authsvc.clock import Clock
from authsvc.errors import Tampered
from authsvc.storage.auditlog import StoredAuditLog
from authsvc.storage.following import Balance, correction, moves
from authsvc.storage.ledger import Ledger
from authsvc.storage.transaction import StoreTransaction

PIECE = 1000
"""Lines dropped in one transaction, between which payments are written."""

MACS_A_LINE = 500

Progress = Callable[[int], None]
Begins = dict[str, Head]
"""Behind what each chain begins that was cut."""


class Archiving:
    """For the command line; the service goes on meanwhile."""

    def __init__(
        self,
        ledger: Ledger[StoreTransaction],
        audit: StoredAuditLog,
        keys: Callable[[], PublicKeys],
        signing_key: Callable[[], SigningKey],
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._audit = audit
        self._keys = keys
        self._signing_key = signing_key
        self._clock = clock

    def archive(
        self, folder: Path, before: datetime, actor: str, progress: Progress = lambda lines: None
    ) -> Mapping[str, object]:
        """Archive and drop what was signed before; a run that was cut short is finished, and says so.

        Raises Tampered for a log that is not sound, or an archive that does not hold what it says: nothing is dropped then.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        last = archives(folder)[-1:]
        remembered = self._audit.remembered()

        def look(tx: StoreTransaction) -> tuple[Begins, Path | None]:
            if not self._audit.verified(tx, (), remembered, progress).is_sound:
                raise Tampered("the log is not sound: `authsvc audit verify` says what was touched")
            begins = {head.chain: tx.audit.begin(head.chain) for head in tx.audit.last_heads()}
            if last and any(_behind(begins, each) for each in read_back(last[0], self._keys())[0]):
                return begins, last[0]
            return begins, self._write(tx, folder, begins, before)

        begins, path = self._ledger.snapshot(look)
        dropped = 0 if path is None else self._cut(path, begins, actor)
        return {"archive": None if path is None else str(path), "dropped": dropped}

    def _write(self, tx: StoreTransaction, folder: Path, begins: Begins, before: datetime) -> Path | None:
        stretches = tuple(_stretches(tx, begins, before))
        if not stretches:
            return None
        path = next_path(folder)
        write_archive(path, map(partial(_part, tx), stretches), stretches, self._signing_key())
        return path

    def _cut(self, path: Path, begins: Begins, actor: str) -> int:
        """Drop what an archive holds, once it was read back from the disk; how many lines that were."""
        _, digest = read_back(path, self._keys())
        dropped = 0
        for chain, links in groupby(links_of(path), key=lambda link: link.chain):
            known = begins.get(chain, Head(chain))
            left = (link for link in links if link.seq > known.seq)
            while piece := tuple(islice(left, PIECE)):
                begins[chain] = piece[-1].head()
                said = _line(begins, path.name, digest, actor, self._clock.now())
                self._ledger.transact(partial(_drop, piece, said))
                dropped += len(piece)
        return dropped


def _behind(begins: Begins, stretch: Stretch) -> bool:
    """Whether a chain still holds what is archived."""
    begin = begins.get(stretch.end.chain)
    return begin is not None and begin.seq < stretch.end.seq


def _stretches(tx: StoreTransaction, begins: Begins, before: datetime) -> Iterator[Stretch]:
    """Of each chain what was signed before; its last line stays, since the chain goes on from there."""
    for last in tx.audit.last_heads():
        seq = min(tx.audit.first_since(last.chain, before, last.seq), last.seq) - 1
        digest = tx.audit.hash_at(last.chain, seq)
        if seq > begins[last.chain].seq and digest is not None:
            yield Stretch(begins[last.chain], Head(last.chain, seq, digest))


def _part(tx: StoreTransaction, stretch: Stretch) -> Part:
    chain, last = stretch.end.chain, stretch.end.seq
    links = (each.link for each in tx.audit.filed(chain))
    return Part(
        stretch,
        takewhile(lambda link: link.seq <= last, links),
        takewhile(lambda signed: signed.head.seq <= last, tx.audit.heads(chain)),
    )


def _drop(links: Sequence[Link], said: Entry, tx: StoreTransaction) -> None:
    for line in (*_carried(links, said.at), said):
        tx.record(line)
    tx.audit.drop(links[-1].chain, links[-1].seq)


def _carried(links: Iterable[Link], now: datetime) -> Iterator[Entry]:
    """What these lines say of the rows that there should be, in lines of their own."""
    balance = Balance()
    for link in links:
        for mac, times in moves(link):
            balance[mac] += times
    uneven = ((mac, times) for mac, times in sorted(balance.items()) if times)
    while some := Balance(dict(islice(uneven, MACS_A_LINE))):
        yield correction(+some, -some, now)


def _line(begins: Begins, archive: str, digest: str, actor: str, now: datetime) -> Entry:
    """Every cut is said again each time, since the line that said it the last time will be dropped as well."""
    cuts = [[head.chain, head.seq, head.hash] for _, head in sorted(begins.items()) if head.seq]
    return entry(actor, ACTION, None, "audit", "archived", now, archive=archive, sha256=digest, cuts=cuts)
