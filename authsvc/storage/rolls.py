"""Users, devices and events as lists: by the index of time, a page at a time, and of each page a bounded number of rows.

A page goes on by the row value of the row before it, so the millionth costs what the first one costs. What else is wanted is
sifted among the next DEEPEST rows alone: a rare row takes several pages, and no page takes long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from authsvc.clock import from_millis, to_millis
from authsvc.device.credential import Device
from authsvc.domain.account import Account
from authsvc.domain.roll import Mark, Roll, Wanted
from authsvc.errors import InvalidRequest
from authsvc.events import Event
from authsvc.storage.accounts import account_of, device_of
from authsvc.storage.bound import DEVICES, USERS
from authsvc.storage.database import Connection, Row
from authsvc.storage.rows import Rows
from authsvc.subject import Subject

DEEPEST = 20_000
_LIKE = re.compile("[%_!]")


@dataclass(frozen=True, slots=True)
class _Table:
    """`key` is the order, with an index of its own; `state` is the column that `Wanted.state` sifts by."""

    name: str
    listed: str
    key: tuple[str, ...]
    time: str
    state: str


_USERS = _Table("users", USERS.listed(), ("created_at", "client", "user_id"), "created_at", "status")
_DEVICES = _Table(
    "devices", DEVICES.listed(), ("created_at", "client", "user_id", "device_id"), "created_at", "state"
)
_EVENTS = _Table("events", "seq, client, user_id, tag, data, at", ("seq",), "at", "tag")


class RollStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def users(self, wanted: Wanted, after: Mark | None, limit: int) -> Roll[Account]:
        found, onward = self._page(_USERS, wanted, after, limit)
        sound = [row for each in found if (row := self._rows.sound_or_none(USERS, each)) is not None]
        return Roll([account_of(Subject(row["client"], row["user_id"]), row) for row in sound], onward)

    def devices(self, wanted: Wanted, after: Mark | None, limit: int) -> Roll[Device]:
        """Without what is known of their keys."""
        found, onward = self._page(_DEVICES, wanted, after, limit)
        sound = [row for each in found if (row := self._rows.sound_or_none(DEVICES, each)) is not None]
        return Roll([device_of(Subject(row["client"], row["user_id"]), row, ()) for row in sound], onward)

    def events(self, wanted: Wanted, after: Mark | None, limit: int) -> Roll[Event]:
        found, onward = self._page(_EVENTS, wanted, after, limit)
        return Roll(
            [
                Event(tag, Subject(client, user), from_millis(at), json.loads(data))
                for _, client, user, tag, data, at in found
            ],
            onward,
        )

    def _page(
        self, table: _Table, wanted: Wanted, after: Mark | None, limit: int
    ) -> tuple[list[Row], Mark | None]:
        """Rows as `listed`, and the key of the last one that was looked at, None where the list has ended."""
        spans, params = _spans(table, wanted, after)
        order = ", ".join(f"{name} {'ASC' if wanted.oldest_first else 'DESC'}" for name in table.key)
        key = ", ".join(table.key)
        # S608: names of tables and columns are ours; whatever somebody typed is a parameter.
        floor = self._connection.all(
            f"SELECT {key} FROM {table.name} WHERE {' AND '.join(spans)} ORDER BY {order} LIMIT 1 OFFSET :deepest",
            {**params, "deepest": DEEPEST - 1},
        )
        sifted, sifting = _sifted(table, wanted)
        if floor:
            sifted.append(_beside(table.key, ">=" if not wanted.oldest_first else "<=", "floor"))
            sifting |= _named(table.key, tuple(floor[0]), "floor")
        found = self._connection.all(
            f"SELECT {table.listed}, {key} FROM {table.name} WHERE {' AND '.join((*spans, *sifted))} "
            f"ORDER BY {order} LIMIT :limit",
            {**params, **sifting, "limit": limit},
        )
        rows = [tuple(row) for row in found]
        width = len(table.key)
        last = rows[-1][-width:] if len(rows) == limit else tuple(floor[0]) if floor else None
        return [row[:-width] for row in rows], last


def _spans(table: _Table, wanted: Wanted, after: Mark | None) -> tuple[list[str], dict[str, object]]:
    """What the index itself answers: the time, and the place where the list goes on."""
    where, params = ["1 = 1"], dict[str, object]()
    for at, sign, name in ((wanted.since, ">=", "since"), (wanted.until, "<", "until")):
        if at is not None:
            where.append(f"{table.time} {sign} :{name}")
            params[name] = to_millis(at)
    if after is not None:
        if [type(each) for each in after] != [int, *[str] * (len(table.key) - 1)]:
            raise InvalidRequest("`after` must be where a list went on")
        where.append(_beside(table.key, ">" if wanted.oldest_first else "<", "after"))
        params |= _named(table.key, after, "after")
    return where, params


def _sifted(table: _Table, wanted: Wanted) -> tuple[list[str], dict[str, object]]:
    where, params = list[str](), dict[str, object]()
    for column, value in (("client", wanted.client), (table.state, wanted.state)):
        if value:
            where.append(f"{column} = :of_{column}")
            params[f"of_{column}"] = value
    if wanted.begins:
        where.append("user_id LIKE :begins ESCAPE '!'")
        params["begins"] = _LIKE.sub(lambda found: f"!{found[0]}", wanted.begins) + "%"
    return where, params


def _beside(key: tuple[str, ...], sign: str, name: str) -> str:
    """A comparison of row values, which both databases answer by the index."""
    return f"({', '.join(key)}) {sign} ({', '.join(f':{name}_{at}' for at in range(len(key)))})"


def _named(key: tuple[str, ...], values: Mark, name: str) -> Mapping[str, object]:
    return {f"{name}_{at}": value for at, value in enumerate(values[: len(key)])}
