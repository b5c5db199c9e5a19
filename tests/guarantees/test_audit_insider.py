"""Somebody writes in the database and has no key: whatever they take away is noticed, and nothing is signed over it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.audit.chain import entry
from authsvc.audit.remembered import NAME
from authsvc.audit.report import Fault
from authsvc.bootstrap.opening import Store, open_database, open_store
from authsvc.cli.main import main
from authsvc.config import Settings
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.transaction import StoreTransaction
from authsvc.subject import Subject
from tests.support.prepared import prepare

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANN = Subject("shop", "ann")


@pytest.fixture(params=["embedded", "networked"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = "" if request.param == "embedded" else request.getfixturevalue("migrated_postgres_url")
    made = Settings(data_dir=tmp_path / "data", database_url=url, audit_witness=tmp_path / "witness.jsonl")
    return prepare(made)


@pytest.fixture
def service(settings: Settings) -> Iterator[Store]:
    """A process that runs, with lines of its own and a checkpoint over them."""
    store = open_store(settings)
    for number in range(5):
        write(store, f"dec_{number}")
    assert store.audit.take_checkpoint()
    yield store
    store.close()  # A test may have ended it already.


@pytest.fixture
def invited(settings: Settings, service: Store) -> str:
    """The chain of a command that invited mallory, whose line is to be hidden."""
    with closing(open_store(settings)) as command:
        write(command, "mallory")
        return command.slot.name


def write(store: Store, what: str) -> None:
    store.ledger.transact(partial(_record, what))


def _record(what: str, tx: StoreTransaction) -> None:
    tx.record(entry("test", "test.write", ANN, what, "done", NOON))


def insider(settings: Settings, *statements: tuple[str, dict[str, object]]) -> None:
    connection = open_database(settings).connect()
    connection.begin()
    for statement, params in statements:
        connection.run(statement, params)
    connection.commit()
    connection.close()


def cut(chain: str, seq: int) -> tuple[tuple[str, dict[str, object]], ...]:
    """Takes a chain's end away, and every signature over it."""
    at: dict[str, object] = {"chain": chain, "seq": seq}
    return (
        ("DELETE FROM audit_links WHERE chain = :chain AND seq >= :seq", at),
        ("DELETE FROM audit_heads WHERE chain = :chain AND seq >= :seq", at),
        ("DELETE FROM audit_checkpoints WHERE body LIKE :like", {"like": f'%"{chain}"%'}),
    )


def faults(store: Store) -> set[Fault]:
    return {each.fault for each in store.audit.verify().findings}


def test_an_untouched_log_is_sound(service: Store, invited: str) -> None:
    assert service.audit.take_checkpoint()
    assert service.audit.verify().is_sound


def test_a_line_that_was_cut_off_with_every_signature_over_it_is_missed(
    settings: Settings, service: Store, invited: str
) -> None:
    insider(settings, *cut(invited, 1))
    assert faults(service) == {Fault.TRUNCATED}
    write(service, "life goes on")
    with pytest.raises(Unavailable, match="no longer holds"):
        service.audit.take_checkpoint()


@pytest.mark.parametrize("kept_open", [True, False])
def test_a_process_does_not_go_on_with_a_chain_that_got_shorter(
    settings: Settings, service: Store, kept_open: bool
) -> None:
    chain = service.slot.name
    write(service, "after the checkpoint")
    if not kept_open:
        service.close()
    insider(settings, *cut(chain, 6))
    with closing(open_store(settings)) as again:
        if not kept_open:
            assert again.slot.name == chain
            with pytest.raises(Unavailable, match="no longer holds"):
                write(again, "over it")
            return
    service.ledger._disconnect()
    with pytest.raises(Unavailable, match="no longer holds"):
        write(service, "over it")


def test_everything_put_back_at_once_is_refused_from_the_next_checkpoint_on(
    settings: Settings, service: Store
) -> None:
    """All tables as they were: what a process that runs writes before that leaves a hole in its chain."""
    with closing(open_database(settings).connect()) as connection:
        ((at,),) = connection.all("SELECT max(seq) FROM audit_links", {})
    write(service, "a freeze")
    assert service.audit.take_checkpoint()
    insider(settings, *cut(service.slot.name, at + 1))
    write(service, "what is decided as before")
    with pytest.raises(Unavailable, match="no longer holds"):
        service.audit.take_checkpoint()
    for _ in range(2):
        with pytest.raises(Unavailable, match="no longer holds"):
            write(service, "what is decided next")
    assert Fault.MISSING in faults(service)


COLUMNS = {
    "another object": "UPDATE audit_links SET object = 'x' WHERE object = 'dec_3'",
    "another client": "UPDATE audit_links SET client = 'x' WHERE object = 'dec_3'",
    "no client": "UPDATE audit_links SET client = NULL WHERE object = 'dec_3'",
    "another hash": "UPDATE audit_links SET hash = previous WHERE object = 'dec_3'",
    "another body": "UPDATE audit_links SET body = replace(body, 'dec_3', 'dec_9') WHERE object = 'dec_3'",
    "another place before": "UPDATE audit_links SET previous = hash WHERE object = 'dec_3'",
    "another time of a head": "UPDATE audit_heads SET at = at + 1 WHERE seq = 3",
    "another key of a head": "UPDATE audit_heads SET key_id = 'x' WHERE seq = 3",
    "another signature of a head": "UPDATE audit_heads SET signature = :other WHERE seq = 3",
    "another body of a checkpoint": "UPDATE audit_checkpoints SET body = replace(body, 'seq', 'sec')",
}


@pytest.mark.parametrize("change", COLUMNS)
def test_every_column_is_covered(settings: Settings, service: Store, change: str) -> None:
    statement = COLUMNS[change]
    insider(settings, (statement, {"other": bytes(64)} if ":other" in statement else {}))
    assert faults(service) & {Fault.EDITED, Fault.BAD_SIGNATURE}


def test_what_was_kept_elsewhere_shows_what_is_gone_from_everywhere_here(
    settings: Settings, service: Store, invited: str, tmp_path: Path
) -> None:
    service.audit.take_checkpoint()
    insider(settings, *cut(invited, 1))
    (settings.data_dir / NAME).unlink()
    assert service.audit.verify().is_sound
    options = ["--data-dir", str(settings.data_dir)]
    options += ["--database-url", settings.database_url] if settings.database_url else []
    kept = CliRunner().invoke(
        main, ["audit", "verify", "--kept", str(settings.audit_witness), "--json", *options]
    )
    assert kept.exit_code == 1
    found = {each["fault"] for each in json.loads(kept.stdout)["findings"]}
    assert {"checkpoint-missing", "checkpoint-ahead"} <= found


def test_a_restored_database_is_accepted_in_words_and_by_nobody_silently(
    settings: Settings, service: Store, invited: str
) -> None:
    service.audit.take_checkpoint()
    service.close()
    # What a backup does not have yet.
    insider(settings, *cut(service.slot.name, 4), *cut(invited, 1))
    with closing(open_store(settings)) as store, pytest.raises(Unavailable):
        write(store, "at once")
    options = ["--data-dir", str(settings.data_dir)]
    options += ["--database-url", settings.database_url] if settings.database_url else []
    words = ["audit", "accept-restore", "--reason", "the backup of Monday", "--json", *options]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    lost = {each["chain"]: each["found"] for each in json.loads(done.stdout)["lost"]}
    assert lost == {service.slot.name: 3, invited: 0}
    with closing(open_store(settings)) as store:
        write(store, "afterwards")
        assert store.audit.take_checkpoint()
        assert store.audit.verify().is_sound
        said = [link.body for link in store.ledger.read(lambda tx: list(tx.audit.links()))]
    assert any("audit.accept-restore" in body and "the backup of Monday" in body for body in said)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"not json", b'[["a", "x", "y"]]'])
def test_a_spoiled_memory_stops_the_signing_and_not_the_reading(
    settings: Settings, service: Store, content: bytes
) -> None:
    (settings.data_dir / NAME).write_bytes(content)
    write(service, "a line")
    with pytest.raises(ConfigurationError, match="does not hold the heads"):
        service.audit.take_checkpoint()
    assert service.ledger.read(lambda tx: len(list(tx.audit.links()))) == 6
