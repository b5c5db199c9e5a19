"""Reads and writes the rows that carry authority over one connection: checked when they are read, bound when they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from authsvc.errors import RecordBroken
from authsvc.storage.bound import MAC, Binder, Bound, Values, by_column
from authsvc.storage.database import Conflict, Connection, Params
from authsvc.subject import Subject


class Moved:
    """The MACs that a transaction has brought and taken away, of tables that the audit follows."""

    def __init__(self) -> None:
        self.added: list[bytes] = []
        self.removed: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    def move(self, table: Bound, before: bytes | None, after: bytes | None) -> None:
        if table.followed:
            self.removed += [] if before is None else [before]
            self.added += [] if after is None else [after]


class Rows:
    """`moved` is what is written so far."""

    def __init__(self, connection: Connection, binder: Binder) -> None:
        self._connection = connection
        self._binder = binder
        self._seen: dict[tuple[Bound, object], bytes | None] = {}
        self.moved = Moved()

    # -- Reading ----------------------------------------------------------------------------------------------------

    def checked(self, table: Bound, row: Sequence[Any]) -> Values:
        """A row as `Bound.listed` asked for it; raises RecordBroken."""
        return self._see(table, self._binder.checked(table, row))

    def sound_or_none(self, table: Bound, row: Sequence[Any]) -> Values | None:
        """The same, None for a broken row: for whoever reads on with the riskier value."""
        try:
            return self.checked(table, row)
        except RecordBroken:
            return None

    def gone(self, table: Bound, named_by: Values) -> RecordBroken:
        """For a row that another one names and that is not there."""
        return self._binder.gone(table, named_by)

    def notice(self, table: str, subject: Subject, fault: str) -> None:
        self._binder.notice(table, subject, fault)

    def read(self, table: Bound, where: str, params: Params) -> list[Values]:
        """Rows by a condition. One on a column that may change would make a broken row an absent one: ask by key or owner."""
        return [self.checked(table, row) for row in self._connection.all(selecting(table, where), params)]

    def sound(self, table: Bound, where: str, params: Params) -> list[Values]:
        """The same, without broken rows: only for whom leaving one out gives nothing."""
        found = self._connection.all(selecting(table, where), params)
        rows = [self.sound_or_none(table, row) for row in found]
        return [row for row in rows if row is not None]

    def as_found(self, table: Bound, where: str, params: Params) -> list[Values]:
        """The same, broken rows among them: only for whoever takes away what they give. Each is noticed all the same."""
        found = self._connection.all(selecting(table, where), params)
        return [self._see(table, self._binder.as_found(table, row)) for row in found]

    def one(self, table: Bound, **key: object) -> Values | None:
        """The row with this key."""
        found = self.read(table, _named(tuple(key)), key)
        return found[0] if found else None

    def page(self, table: Bound, after: Values | None, limit: int) -> list[Values]:
        """Rows behind another one in the order of their keys, unchecked."""
        behind = {} if after is None else {name: after[name] for name in table.key}
        found = self._connection.all(_paging(table, after is None), {**behind, "limit": limit})
        return [by_column(table, row) for row in found]

    # -- Writing ----------------------------------------------------------------------------------------------------

    def add(self, table: Bound, values: Values, tail: str = "") -> bool:
        """Insert a row; `tail` is what an ON CONFLICT does."""
        bound = self._bound(table, values)
        if self._connection.run(_inserting(table, tail), bound) != 1:
            return False
        self._move(table, None, bound)
        return True

    def expect(self, table: Bound, values: Values, tail: str) -> bool:
        """As `add`, and put off where the connection puts off what is expected; of no table that is followed."""
        return self._connection.expect(_inserting(table, tail), self._bound(table, values))

    def put(self, table: Bound, values: Values) -> None:
        """Insert a row in the place of the one with its key, if there is one."""
        self.remove(table, _named(table.key), {name: values[name] for name in table.key})
        self.add(table, values)

    def add_all(self, table: Bound, rows: Iterable[Values]) -> None:
        bound = [self._bound(table, values) for values in rows]
        self._connection.many(_inserting(table, ""), bound)
        for each in bound:
            self._move(table, None, each)

    def save(self, table: Bound, values: Values, before: str, was: int) -> bool:
        """Write every column where the column `before` still says `was`: the row count is the permission."""
        bound = self._bound(table, values)
        place = (table, table.place(bound))
        if table.followed and place not in self._seen:
            self.one(table, **{name: values[name] for name in table.key})
        if self._connection.run(_saving(table, before), {**bound, "was": was}) != 1:
            return False
        self._move(table, self._seen.get(place), bound)
        return True

    def change(
        self, table: Bound, row: Values, changes: Mapping[str, Any], condition: str = "", **params: object
    ) -> None:
        """Write the next value of a row that was read; raises Conflict when it is another one by now.

        The MAC covers every column, so comparing it compares the row; where there is none yet the columns are compared.
        """
        bound = self._bound(table, {**row, **changes})
        was = {f"was_{name}": row[name] for name in (table.columns if row[MAC] is None else (MAC,))}
        statement = _changing(table, tuple(changes), row[MAC] is None, condition)
        wanted = {name: bound[name] for name in (*table.key, *changes, MAC)}
        if self._connection.run(statement, {**wanted, **was, **params}) != 1:
            raise Conflict(f"a row of `{table.name}` was changed in between")
        self._move(table, row[MAC], bound)

    def change_all(self, table: Bound, rows: Iterable[Values], changes: Mapping[str, Any]) -> int:
        """The same for several; returns how many there were."""
        changed = list(rows)
        for row in changed:
            self.change(table, row, changes)
        return len(changed)

    def remove(self, table: Bound, where: str, params: Params) -> int:
        """Delete rows, broken ones too; returns how many there were."""
        found = self._connection.all(_deleting(table, where), params)
        for (mac,) in found:
            self.moved.move(table, mac, None)
        return len(found)

    def _bound(self, table: Bound, values: Values) -> Values:
        return {**values, MAC: self._binder.mac(table, values)}

    def _see(self, table: Bound, row: Values) -> Values:
        if table.followed:
            self._seen[table, table.place(row)] = row[MAC]
        return row

    def _move(self, table: Bound, before: bytes | None, after: Values) -> None:
        self.moved.move(table, before, after[MAC])
        self._see(table, after)


@lru_cache(maxsize=256)
def selecting(table: Bound, where: str) -> str:
    return f"SELECT {table.listed()} FROM {table.name} WHERE {where}"


@lru_cache(maxsize=64)
def _paging(table: Bound, is_first: bool) -> str:
    key, last = ", ".join(table.key), ", ".join(f":{name}" for name in table.key)
    where = "1 = 1" if is_first else f"({key}) > ({last})"
    return selecting(table, f"{where} ORDER BY {key} LIMIT :limit")


@lru_cache(maxsize=256)
def _named(key: tuple[str, ...]) -> str:
    return " AND ".join(f"{name} = :{name}" for name in key)


@lru_cache(maxsize=256)
def _inserting(table: Bound, tail: str) -> str:
    names = (*table.columns, MAC)
    wanted = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({wanted}) {tail}"


@lru_cache(maxsize=256)
def _deleting(table: Bound, where: str) -> str:
    return f"DELETE FROM {table.name} WHERE {where} RETURNING {MAC}"


@lru_cache(maxsize=256)
def _saving(table: Bound, before: str) -> str:
    changes = ", ".join(f"{name} = :{name}" for name in (*table.others, MAC))
    return f"UPDATE {table.name} SET {changes} WHERE {_named(table.key)} AND {before} = :was"


@lru_cache(maxsize=256)
def _changing(table: Bound, changed: tuple[str, ...], is_new: bool, condition: str) -> str:
    """`is_new` where the row had no MAC."""
    changes = ", ".join(f"{name} = :{name}" for name in (*changed, MAC))
    before = " AND ".join(
        f"{name} IS NOT DISTINCT FROM :was_{name}" for name in (table.columns if is_new else (MAC,))
    )
    unset = f" AND {MAC} IS NULL" if is_new else ""
    further = f" AND {condition}" if condition else ""
    return f"UPDATE {table.name} SET {changes} WHERE {_named(table.key)} AND {before}{unset}{further}"
