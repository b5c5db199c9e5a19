"""The audit log's tables: one chain per writer process, its signed head, and checkpoints over all heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from authsvc.audit.chain import Entry, Head, Link, SignedHead
from authsvc.audit.checkpoint import Checkpoint
from authsvc.audit.verifier import Filed
from authsvc.clock import from_millis, to_millis
from authsvc.storage.database import Connection, Row

ADD_LINK = """INSERT INTO audit_links (chain, seq, previous, body, hash, object, client)
    VALUES (:chain, :seq, :previous, :body, :hash, :object, :client)"""
ADD_HEAD = """INSERT INTO audit_heads (chain, seq, hash, at, key_id, signature)
    VALUES (:chain, :seq, :hash, :at, :key_id, :signature)"""
LAST_HEAD = "SELECT seq, hash FROM audit_heads WHERE chain = :chain ORDER BY seq DESC LIMIT 1"
HEAD_OVER = """SELECT chain, seq, hash, at, key_id, signature FROM audit_heads
    WHERE chain = :chain AND seq >= :seq ORDER BY seq LIMIT 1"""
NEXT_CHAIN = "SELECT MIN(chain) FROM {table} WHERE chain > :chain"
LINKS = """SELECT chain, seq, previous, body, hash, object, client FROM audit_links
    WHERE chain = :chain AND seq > :seq ORDER BY seq LIMIT 1000"""
HASH_AT = "SELECT hash FROM audit_links WHERE chain = :chain AND seq = :seq"
LINKS_OF = (
    "SELECT chain, seq, previous, body, hash FROM audit_links WHERE object = :object ORDER BY chain, seq"
)
LINKS_OF_CLIENT = """SELECT chain, seq, previous, body, hash FROM audit_links
    WHERE client = :client AND (chain, seq) > (:chain, :seq) ORDER BY chain, seq LIMIT :limit"""
LINKS_BETWEEN = """SELECT chain, seq, previous, body, hash FROM audit_links
    WHERE chain = :chain AND seq >= :first AND seq <= :last ORDER BY seq"""
SIFT = """SELECT chain, seq, previous, body, hash FROM audit_links
    WHERE chain = :chain AND seq >= :floor AND seq < :below {more} ORDER BY seq DESC LIMIT :limit"""
HEADS = """SELECT chain, seq, hash, at, key_id, signature FROM audit_heads
    WHERE chain = :chain AND seq > :seq ORDER BY seq LIMIT 1000"""
FIRST = "SELECT seq, previous FROM audit_links WHERE chain = :chain ORDER BY seq LIMIT 1"
DROP = "DELETE FROM {table} WHERE chain = :chain AND seq <= :last"
ADD_CHECKPOINT = """INSERT INTO audit_checkpoints (seq, body, key_id, signature)
    VALUES (:seq, :body, :key_id, :signature) ON CONFLICT (seq) DO NOTHING"""
CHECKPOINTS = (
    "SELECT seq, body, key_id, signature FROM audit_checkpoints WHERE seq > :after ORDER BY seq LIMIT :limit"
)
LAST_CHECKPOINT = "SELECT seq, body, key_id, signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1"


class AuditStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, links: Sequence[tuple[Link, Entry]], head: SignedHead) -> None:
        """Write a batch's links, each with its entry, and the head they end in."""
        self._connection.many(ADD_LINK, [_link_params(link, entry) for link, entry in links], at_last=True)
        self._connection.many(ADD_HEAD, [_head_params(head)], at_last=True)

    def chains(self) -> Iterator[str]:
        """The name of every chain that has an entry or a head, by the database's own order of text."""
        names = {*self._chains_of("audit_links"), *self._chains_of("audit_heads")}
        yield from sorted(names)

    def filed(self, chain: str) -> Iterator[Filed]:
        """Every entry of a chain with the columns it was filed under, in order; reads a thousand at a time."""
        seq = 0
        while rows := self._connection.all(LINKS, {"chain": chain, "seq": seq}):
            seq = rows[-1][1]
            yield from (Filed(_link(row[:5]), *row[5:]) for row in rows)

    def links(self) -> Iterator[Link]:
        """Every link, chain by chain in order."""
        for chain in self.chains():
            yield from (filed.link for filed in self.filed(chain))

    def hash_at(self, chain: str, seq: int) -> str | None:
        rows = self._connection.all(HASH_AT, {"chain": chain, "seq": seq})
        return rows[0][0] if rows else None

    def _chains_of(self, table: str) -> Iterator[str]:
        """One step through the index a chain, and not through all entries."""
        (last,) = self._connection.all(NEXT_CHAIN.format(table=table), {"chain": ""})[0]
        while last is not None:
            yield last
            (last,) = self._connection.all(NEXT_CHAIN.format(table=table), {"chain": last})[0]

    def links_of(self, object_id: str) -> tuple[Link, ...]:
        """The links about one object."""
        return tuple(_link(row) for row in self._connection.all(LINKS_OF, {"object": object_id}))

    def links_between(self, chain: str, first: int, last: int) -> tuple[Link, ...]:
        params = {"chain": chain, "first": first, "last": last}
        return tuple(_link(row) for row in self._connection.all(LINKS_BETWEEN, params))

    def page(self, client: str, chain: str, seq: int, limit: int) -> tuple[Link, ...]:
        """Up to `limit` links about one client's users behind a position."""
        params = {"client": client, "chain": chain, "seq": seq, "limit": limit}
        return tuple(_link(row) for row in self._connection.all(LINKS_OF_CLIENT, params))

    def sift(
        self,
        chain: str,
        floor: int,
        below: int,
        fragments: Sequence[str],
        limit: int,
        without: Sequence[str] = (),
    ) -> tuple[Link, ...]:
        """Lines of a chain, the latest first, in whose text all of these stand, and none `without`; the database looks."""
        likes = {f"like_{number}": _like(text) for number, text in enumerate((*fragments, *without))}
        signs = ["LIKE"] * len(fragments) + ["NOT LIKE"] * len(without)
        more = "".join(
            f" AND body {sign} :{name} ESCAPE '!'" for sign, name in zip(signs, likes, strict=True)
        )
        params = {"chain": chain, "floor": floor, "below": below, "limit": limit, **likes}
        return tuple(_link(row) for row in self._connection.all(SIFT.format(more=more), params))

    def first_since(self, chain: str, at: datetime, last: int) -> int:
        """The first line of a chain whose batch was signed at this instant or later, by halving; `last` + 1 for none."""
        low, high = 1, last + 1
        while low < high:
            middle = (low + high) // 2
            over = self.head_over(chain, middle)
            if over is not None and over.at < at:
                low = middle + 1
            else:
                high = middle
        return low

    def begin(self, chain: str) -> Head:
        """Behind what a chain begins: nothing, unless it was cut."""
        rows = self._connection.all(FIRST, {"chain": chain})
        return Head(chain, rows[0][0] - 1, rows[0][1]) if rows else Head(chain)

    def drop(self, chain: str, last: int) -> None:
        """What was archived of a chain."""
        for table in ("audit_links", "audit_heads"):
            self._connection.run(DROP.format(table=table), {"chain": chain, "last": last})

    def last_head(self, chain: str) -> Head:
        """Where a chain ends."""
        rows = self._connection.all(LAST_HEAD, {"chain": chain})
        return Head(chain, *rows[0]) if rows else Head(chain)

    def last_heads(self) -> tuple[Head, ...]:
        """Where every chain ends."""
        return tuple(self.last_head(chain) for chain in sorted(self._chains_of("audit_heads")))

    def last_signed_at(self) -> datetime | None:
        """When the last batch of any chain was signed."""
        ends = (self.head_over(head.chain, head.seq) for head in self.last_heads())
        return max((end.at for end in ends if end is not None), default=None)

    def head_over(self, chain: str, seq: int) -> SignedHead | None:
        """The signed head of the batch in which a link was written."""
        rows = self._connection.all(HEAD_OVER, {"chain": chain, "seq": seq})
        return _signed_head(rows[0]) if rows else None

    def heads(self, chain: str) -> Iterator[SignedHead]:
        """Every signed head of a chain, in order."""
        seq = 0
        while rows := self._connection.all(HEADS, {"chain": chain, "seq": seq}):
            seq = rows[-1][1]
            yield from map(_signed_head, rows)

    def all_heads(self) -> Iterator[SignedHead]:
        for chain in self.chains():
            yield from self.heads(chain)

    def checkpoints(self, after: int = 0, limit: int = 1000) -> tuple[Checkpoint, ...]:
        rows = self._connection.all(CHECKPOINTS, {"after": after, "limit": limit})
        return tuple(_checkpoint(row) for row in rows)

    def all_checkpoints(self) -> Iterator[Checkpoint]:
        after = -1
        while found := self.checkpoints(after):
            after = found[-1].seq
            yield from found

    def last_checkpoint(self) -> Checkpoint | None:
        rows = self._connection.all(LAST_CHECKPOINT, {})
        return _checkpoint(rows[0]) if rows else None

    def add_checkpoint(self, checkpoint: Checkpoint) -> bool:
        """False when another process took this one's place."""
        params = {
            "seq": checkpoint.seq,
            "body": checkpoint.body,
            "key_id": checkpoint.key_id,
            "signature": checkpoint.signature,
        }
        return self._connection.run(ADD_CHECKPOINT, params) == 1


def _like(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text}%"


def _link_params(link: Link, entry: Entry) -> dict[str, object]:
    return {
        "chain": link.chain,
        "seq": link.seq,
        "previous": link.previous,
        "body": link.body,
        "hash": link.hash,
        "object": entry.object,
        "client": None if entry.subject is None else entry.subject.client,
    }


def _head_params(head: SignedHead) -> dict[str, object]:
    return {
        "chain": head.head.chain,
        "seq": head.head.seq,
        "hash": head.head.hash,
        "at": to_millis(head.at),
        "key_id": head.key_id,
        "signature": head.signature,
    }


def _link(row: Row) -> Link:
    return Link(*row)


def _signed_head(row: Row) -> SignedHead:
    chain, seq, digest, at, key_id, signature = row
    return SignedHead(Head(chain, seq, digest), from_millis(at), key_id, bytes(signature))


def _checkpoint(row: Row) -> Checkpoint:
    seq, body, key_id, signature = row
    return Checkpoint(seq, body, key_id, bytes(signature))
