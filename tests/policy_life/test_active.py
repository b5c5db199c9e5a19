"""A process follows the store: it looks again where what it knows is old, and decides nothing where the store is silent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from authsvc.domain.store import Ledger
from authsvc.errors import Unavailable
from authsvc.policy import loading
from authsvc.policy.life import Publication
from authsvc.policy_life.active import FRESH_FOR, ActivePolicy, PolicyWatch
from tests.support.policies import ANN, BOB, stricter
from tests.support.service import Bench, embedded


class Silenced:
    """The store of a bench, which can be made to answer nothing; `looks` counts who asked."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.silent = False
        self.looks = 0

    def read(self, query: Callable[[Any], Any]) -> Any:
        self.looks += 1
        if self.silent:
            raise Unavailable("the database does not answer")
        return self._ledger.read(query)

    def transact(self, unit: Callable[[Any], Any], ahead: object = None) -> Any:
        return self._ledger.transact(unit)


class Hanging:
    """A store that answers nothing, and only once all who ask have begun to: each looks at its clock then."""

    def __init__(self, callers: int) -> None:
        self.looks = 0
        self._callers = callers
        self._asking: set[int] = set()

    def monotonic(self) -> float:
        self._asking.add(threading.get_ident())
        return time.monotonic()

    def call(self, active: ActivePolicy, together: threading.Barrier) -> bool:
        """Whether a policy was told."""
        together.wait(60)
        try:
            active()
        except Unavailable:
            return False
        return True

    def read(self, query: Callable[[Any], Any]) -> Any:
        self.looks += 1
        deadline = time.monotonic() + 60
        while len(self._asking) < self._callers:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        raise Unavailable("the database does not answer")


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(embedded(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def store(bench: Bench) -> Silenced:
    return Silenced(bench.wired.store.ledger)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def active(store: Ledger, bench: Bench, seconds: Seconds) -> ActivePolicy:
    installed = loading.shipped(), loading.shipped_source()
    return ActivePolicy(store, installed, "shipped", bench.clock, seconds)


def publish(bench: Bench) -> Publication:
    policies = bench.services.policies
    version = policies.draft(ANN, stricter(2))
    policies.validate(ANN, version.id)
    policies.analyze(ANN, version.id)
    policies.approve(BOB, version.id)
    return policies.activate(BOB, version.id, policies.active(BOB).publication.etag)


def test_what_is_fresh_is_believed_and_what_is_old_is_asked_again(
    active: ActivePolicy, bench: Bench, store: Silenced, seconds: Seconds
) -> None:
    assert active().version == 1
    publication = publish(bench)
    looks = store.looks
    seconds.now += FRESH_FOR
    assert (active().version, store.looks) == (1, looks)
    seconds.now += 0.001
    assert active().digest == publication.digest


def test_nothing_is_decided_where_the_store_is_silent(
    active: ActivePolicy, store: Silenced, seconds: Seconds
) -> None:
    assert active().version == 1
    store.silent = True
    seconds.now += FRESH_FOR + 0.001
    with pytest.raises(Unavailable):
        active()
    store.silent = False
    assert active().version == 1


def test_many_who_ask_a_silent_store_wait_for_one_look_and_not_one_after_the_other(bench: Bench) -> None:
    store = Hanging(callers=8)
    installed = loading.shipped(), loading.shipped_source()
    active = ActivePolicy(cast(Ledger, store), installed, "shipped", bench.clock, store.monotonic)
    together = threading.Barrier(8)
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(store.call, [active] * 8, [together] * 8))
    assert (told, store.looks) == ([False] * 8, 1)


def test_a_change_is_seen_without_reading_the_document_again(
    active: ActivePolicy, bench: Bench, seconds: Seconds
) -> None:
    first = active()
    publication = publish(bench)
    active.refresh()
    bench.services.policies.roll_back(BOB, publication.etag)
    active.refresh()
    assert active() is first


def test_an_outage_is_logged_once_and_ends_by_itself(
    active: ActivePolicy, bench: Bench, store: Silenced, caplog: pytest.LogCaptureFixture
) -> None:
    watch = PolicyWatch(active, lambda: None)
    store.silent = True
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            watch.look()
    assert len(caplog.records) == 1
    store.silent = False
    publication = publish(bench)
    watch.look()
    assert active.held().publication.etag == publication.etag
