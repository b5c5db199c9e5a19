"""Counts of what the audit chains say, by five minutes and chain: derived, and so made again from any position."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.operators.counting import Figure
from authsvc.storage.database import Conflict, Connection

POSITION = "SELECT seq FROM figure_positions WHERE chain = :chain"
START = "INSERT INTO figure_positions (chain, seq) VALUES (:chain, :seq) ON CONFLICT (chain) DO NOTHING"
ADVANCE = "UPDATE figure_positions SET seq = :seq WHERE chain = :chain AND seq = :before"
ADD = """INSERT INTO figures (at, chain, name, count) VALUES (:at, :chain, :name, :count)
    ON CONFLICT (at, chain, name) DO UPDATE SET count = figures.count + excluded.count"""
WITHIN = """SELECT at, name, SUM(count) FROM figures WHERE at >= :since AND at < :until
    GROUP BY at, name ORDER BY at, name"""
FORGET = "DELETE FROM figures WHERE at < :before"


class FigureStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def position(self, chain: str) -> int:
        """The last line of a chain that was counted; 0 before the first."""
        rows = self._connection.all(POSITION, {"chain": chain})
        return int(rows[0][0]) if rows else 0

    def advance(self, chain: str, before: int, seq: int) -> None:
        """Move a chain's position on; raises Conflict where another process has counted in between."""
        params = {"chain": chain, "before": before, "seq": seq}
        moved = self._connection.run(ADVANCE if before else START, params)
        if moved != 1:
            raise Conflict("another process has counted in between")

    def add(self, chain: str, at: datetime, counts: Mapping[str, int]) -> None:
        self._connection.many(
            ADD,
            [
                {"at": to_millis(at), "chain": chain, "name": name, "count": count}
                for name, count in sorted(counts.items())
            ],
        )

    def within(self, since: datetime, until: datetime) -> tuple[Figure, ...]:
        """Every count of a time, over all chains."""
        params = {"since": to_millis(since), "until": to_millis(until)}
        return tuple(
            Figure(from_millis(at), name, int(count))
            for at, name, count in self._connection.all(WITHIN, params)
        )

    def forget(self, before: datetime) -> int:
        return self._connection.run(FORGET, {"before": to_millis(before)})
