"""Reads and writes the rows that carry authority over one connection: checked when they are read, bound when they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from authsvc.errors import RecordBroken
from authsvc.storage.bound import MAC, Binder, Bound, Values
from authsvc.storage.database import Conflict, Connection, Params


class Rows:
    def __init__(self, connection: Connection, binder: Binder) -> None:
        self._connection = connection
        self._binder = binder

    def checked(self, table: Bound, row: Sequence[Any]) -> Values:
        """A row as `Bound.listed` asked for it; raises RecordBroken."""
        return self._binder.checked(table, row)

    def sound_or_none(self, table: Bound, row: Sequence[Any]) -> Values | None:
        """The same, None for a broken row: for whoever reads on with the riskier value."""
        try:
            return self._binder.checked(table, row)
        except RecordBroken:
            return None

    def gone(self, table: Bound, named_by: Values) -> RecordBroken:
        """For a row that another one names and that is not there."""
        return self._binder.gone(table, named_by)

    def read(self, table: Bound, where: str, params: Params) -> list[Values]:
        """Rows by a condition. One on a column that may change would make a broken row an absent one: ask by key or owner."""
        found = self._connection.all(selecting(table, where), params)
        return [self._binder.checked(table, row) for row in found]

    def sound(self, table: Bound, where: str, params: Params) -> list[Values]:
        """The same, without broken rows: only for whom leaving one out gives nothing."""
        found = self._connection.all(selecting(table, where), params)
        rows = [self.sound_or_none(table, row) for row in found]
        return [row for row in rows if row is not None]

    def as_found(self, table: Bound, where: str, params: Params) -> list[Values]:
        """The same, broken rows among them: only for whoever takes away what they give. Each is noticed all the same."""
        found = self._connection.all(selecting(table, where), params)
        return [self._binder.as_found(table, row) for row in found]

    def one(self, table: Bound, **key: object) -> Values | None:
        """The row with this key."""
        found = self.read(table, _named(tuple(key)), key)
        return found[0] if found else None

    def add(self, table: Bound, values: Mapping[str, Any], tail: str = "") -> bool:
        """Insert a row; `tail` is what an ON CONFLICT does."""
        return self._connection.run(_inserting(table, tail), self._bound(table, values)) == 1

    def put(self, table: Bound, values: Mapping[str, Any]) -> None:
        """Insert a row, or put it in the place of the one with its key."""
        self.add(table, values, _replacing(table))

    def add_all(self, table: Bound, rows: Iterable[Mapping[str, Any]]) -> None:
        self._connection.many(_inserting(table, ""), [self._bound(table, values) for values in rows])

    def save(self, table: Bound, values: Mapping[str, Any], before: str, was: int) -> bool:
        """Write every column where the column `before` still says `was`: the row count is the permission."""
        params = {**self._bound(table, values), "was": was}
        return self._connection.run(_saving(table, before), params) == 1

    def change(
        self, table: Bound, row: Values, changes: Mapping[str, Any], condition: str = "", **params: object
    ) -> Values:
        """Write the next value of a row that was read; raises Conflict when it is another one by now.

        The MAC covers every column, so comparing it compares the row; where there is none yet the columns are compared.
        """
        after = {**row, **changes}
        bound = self._bound(table, after)
        was = {f"was_{name}": row[name] for name in (table.columns if row[MAC] is None else (MAC,))}
        statement = _changing(table, tuple(changes), row[MAC] is None, condition)
        wanted = {name: bound[name] for name in (*table.key, *changes, MAC)}
        if self._connection.run(statement, {**wanted, **was, **params}) != 1:
            raise Conflict(f"a row of `{table.name}` was changed in between")
        return bound

    def change_all(self, table: Bound, rows: Iterable[Values], changes: Mapping[str, Any]) -> int:
        """The same for several; returns how many there were."""
        return sum(1 for row in rows if self.change(table, row, changes))

    def _bound(self, table: Bound, values: Mapping[str, Any]) -> Values:
        return {**{name: values[name] for name in table.columns}, MAC: self._binder.mac(table, values)}


@lru_cache(maxsize=256)
def selecting(table: Bound, where: str) -> str:
    return f"SELECT {table.listed()} FROM {table.name} WHERE {where}"


@lru_cache(maxsize=256)
def _named(key: tuple[str, ...]) -> str:
    return " AND ".join(f"{name} = :{name}" for name in key)


@lru_cache(maxsize=256)
def _inserting(table: Bound, tail: str) -> str:
    names = (*table.columns, MAC)
    wanted = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({wanted}) {tail}"


@lru_cache(maxsize=256)
def _replacing(table: Bound) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in (*table.others, MAC))
    return f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"


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
