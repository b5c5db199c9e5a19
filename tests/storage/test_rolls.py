"""Lists of users, devices and events, on both stores: each row once, in order, and a rare one found without reading all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from authsvc.device.credential import Device, DeviceState
from authsvc.domain.account import Account, AccountStatus
from authsvc.domain.roll import Mark, Roll, Wanted
from authsvc.errors import InvalidRequest
from authsvc.events import Event
from authsvc.storage import rolls
from authsvc.subject import Subject
from tests.support.service import NOON, Bench, on_store

USERS = 23
RARE = 17
"""The one who is frozen, whose device is suspended and who was locked out."""


def _subject(number: int) -> Subject:
    return Subject("shop" if number % 2 else "bank", f"{'u%' if number % 3 else 'u_'}{number:02}")


@pytest.fixture(scope="module", params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(on_store(request, tmp_path_factory.mktemp("rolls")))
    for number in range(USERS):
        _add(made, number)
    yield made
    made.close()


def _add(bench: Bench, number: int) -> None:
    # Three begin in one millisecond, so that the rest of the key is what orders them.
    subject, at = _subject(number), NOON + timedelta(seconds=number // 3)
    rare = number == RARE
    status = AccountStatus.FROZEN if rare else AccountStatus.ACTIVE
    state = DeviceState.SUSPENDED if rare else DeviceState.ACTIVE

    def unit(tx: Any) -> None:
        tx.accounts.add(Account(subject, at, status))
        tx.accounts.add_device(Device(subject, f"dev_{number}", "手机", state, bytes(32), at, at))
        tx.publish(Event("subject:locked" if rare else "subject:enrolled", subject, at, {"steps": number}))

    bench.wired.store.ledger.transact(unit)


def read(bench: Bench, name: str, wanted: Wanted, after: Mark | None = None, limit: int = 5) -> Roll[Any]:
    return bench.wired.store.ledger.read(lambda tx: getattr(tx.rolls, name)(wanted, after, limit))


def everything(bench: Bench, name: str, wanted: Wanted, limit: int = 5) -> list[str]:
    """Every user of a list, page by page."""
    found, after = list[str](), None
    while True:
        page = read(bench, name, wanted, after, limit)
        found += [each.subject.user for each in page.rows]
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("name", ["users", "devices", "events"])
@pytest.mark.parametrize("limit", [1, 5, 23, 24])
def test_each_row_stands_once_and_in_order(bench: Bench, name: str, limit: int):
    newest = everything(bench, name, Wanted(), limit)
    assert sorted(newest) == sorted(_subject(number).user for number in range(USERS))
    assert everything(bench, name, Wanted(oldest_first=True), limit) == newest[::-1]


@pytest.mark.parametrize(
    ("name", "state"), [("users", "frozen"), ("devices", "suspended"), ("events", "subject:locked")]
)
def test_a_rare_row_is_found_and_no_look_reads_more_than_it_may(
    bench: Bench, name: str, state: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rolls, "DEEPEST", 4)
    pages, after, found = 0, None, list[str]()
    while pages == 0 or after is not None:
        page = read(bench, name, Wanted(state=state), after)
        found, after, pages = [*found, *(each.subject.user for each in page.rows)], page.next, pages + 1
    assert found == [_subject(RARE).user]
    assert pages in (USERS // 4, USERS // 4 + 1)


@pytest.mark.parametrize("name", ["users", "devices", "events"])
def test_what_is_not_wanted_is_left_out(bench: Bench, name: str):
    def users(wanted: Wanted) -> set[str]:
        return set(everything(bench, name, wanted))

    def those(kept: Callable[[int], object]) -> set[str]:
        return {_subject(number).user for number in range(USERS) if kept(number)}

    assert users(Wanted(client="shop")) == those(lambda number: number % 2)
    assert users(Wanted(begins="u%")) == those(lambda number: number % 3)
    assert users(Wanted(begins="u!")) == set()
    span = Wanted(since=NOON + timedelta(seconds=2), until=NOON + timedelta(seconds=4))
    assert users(span) == those(lambda number: 2 <= number // 3 < 4)


@pytest.mark.parametrize("name", ["users", "devices", "events"])
@pytest.mark.parametrize("after", [("x",), (1, 2), (1, "a", "b", "c", "d")])
def test_a_place_that_is_none_is_refused(bench: Bench, name: str, after: Mark):
    with pytest.raises(InvalidRequest):
        read(bench, name, Wanted(), after)


def test_a_broken_row_is_left_out_and_the_list_goes_on(bench: Bench):
    if bench.settings.database_url:
        pytest.skip("one store is enough: the row is spoiled by hand")
    with closing(sqlite3.connect(bench.settings.database_file)) as raw, raw:
        raw.execute("UPDATE users SET locale = 'xx' WHERE user_id = ?", (_subject(3).user,))
    left = everything(bench, "users", Wanted())
    assert _subject(3).user not in left
    assert len(left) == USERS - 1
