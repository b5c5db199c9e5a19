"""A drill: a backup under load, the machine lost, everything brought back elsewhere, and what is not there any more named."""

import json
import shutil
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.audit import taken_away
from authsvc.bootstrap.backup.label import NAME, newest_label, read_label
from authsvc.bootstrap.backup.restoring import restore_backup
from authsvc.bootstrap.backup.taking import Taken, copy_keys, take_backup
from authsvc.bootstrap.opening import open_store
from authsvc.cli.main import main
from authsvc.config import Settings, as_environment
from authsvc.domain.account import Account, AccountStatus
from authsvc.errors import ConfigurationError, NotFound, Tampered, Unavailable
from authsvc.events import Event
from authsvc.keys.keyring import KeyRing
from authsvc.storage.transaction import StoreTransaction
from authsvc.subject import Subject
from tests.support.postgres import PostgresServer
from tests.support.service import CLIENT, NOON, Bench, embedded, said

PEOPLE = ("ann", "ben", "eve", "kim")


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Settings, Settings]]:
    """Where the service was, and where it comes back."""
    here, there = embedded(tmp_path / "here"), embedded(tmp_path / "there")
    if request.param == "sqlite":
        yield here, there
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url: str = request.getfixturevalue("postgres_url")
    other = server.create_database()
    yield replace(here, database_url=url), replace(there, database_url=server.url(other))
    server.drop_database(other)


@contextmanager
def _under_load(bench: Bench) -> Iterator[list[str]]:
    """Payments are decided all the while, from two threads; yields how they ended."""
    stop, ended, enough = threading.Event(), list[str](), threading.Event()

    def pay(user: str) -> None:
        while not stop.is_set():
            ended.append(str(bench.decide(bench.payment(user=user))["status"]))
            if len(ended) >= 20:
                enough.set()

    with ThreadPoolExecutor(2) as threads:
        paying = [threads.submit(pay, user) for user in PEOPLE[:2]]
        try:
            assert enough.wait(60)
            yield ended
        finally:
            stop.set()
        for each in paying:
            each.result()


def _taken_under_load(bench: Bench, folder: Path) -> Taken:
    with _under_load(bench) as ended:
        taken = take_backup(bench.settings, bench.wired.store, folder)
        before = len(ended)
    assert len(ended) >= before
    assert set(ended) <= {"approved", "exempted", "challenge_required"}
    return taken


def _open_again(settings: Settings) -> Bench:
    """Another day, with other Idempotency-Keys."""
    bench = Bench(settings)
    for _ in range(1000):
        bench.once()
    return bench


def _account(user: str, tx: StoreTransaction) -> Account | None:
    return tx.accounts.find(Subject(CLIENT, user))


def test_a_drill(places: tuple[Settings, Settings], tmp_path: Path):
    here, there = places
    backups, keys = tmp_path / "backups", tmp_path / "keys"
    bench = Bench(here)
    for user in PEOPLE:
        bench.enroll(user, face=user)
    taken = _taken_under_load(bench, backups)
    assert newest_label(backups) == taken.label
    # After the backup: one leaves, one takes a consent back, one is frozen, one more comes.
    bench.services.users.erase(bench.key, "ben")
    bench.services.users.withdraw_biometric(bench.key, "eve", "face")
    bench.services.users.freeze(bench.key, "kim", "stolen phone")
    bench.enroll("new")
    bench.wired.store.audit.take_checkpoint()
    bench.close()
    copied = copy_keys(here, keys, backups)
    assert {path.name for path in copied} == {"keyring.json", "audit-heads.json", taken_away.NAME}
    assert not [name for name in PEOPLE if name in (keys / taken_away.NAME).read_text()]

    shutil.copytree(keys, there.data_dir)
    done = CliRunner().invoke(
        main,
        ["restore", str(taken.folder), "--reason", "a drill", "--json"],
        env={**as_environment(there)},
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["taken_away_again"] == {
        "subject:erased": 1,
        "subject:face:withdrawn": 1,
        "subject:frozen": 1,
    }
    [chain] = told["forgotten"]["audit"]
    assert chain["remembered"] > chain["found"]

    back = _open_again(there)
    store = back.wired.store
    assert store.audit.verify().is_sound
    assert not store.adopting.look().findings
    accounts = {user: store.ledger.read(partial(_account, user)) for user in (*PEOPLE, "new")}
    assert accounts["new"] is None
    ben, eve, kim = accounts["ben"], accounts["eve"], accounts["kim"]
    assert ben is not None
    assert (ben.status, ben.sealing_key) == (AccountStatus.ERASED, None)
    assert eve is not None
    assert "face" not in eve.factors
    assert kim is not None
    assert kim.is_frozen
    with pytest.raises(NotFound):
        back.services.users.export(back.key, "ben")
    assert back.decide(back.payment(user="ann"))["status"] in ("approved", "challenge_required")
    body = store.ledger.read(
        lambda tx: [link.body for link in tx.audit.links() if "accept-restore" in link.body]
    )
    assert "a drill" in body[0]
    assert taken.label.sha256 in body[0]
    back.close()


def test_a_backup_is_private_and_holds_no_key(tmp_path: Path):
    bench = Bench(embedded(tmp_path / "data"))
    taken = take_backup(bench.settings, bench.wired.store, tmp_path / "backups")
    bench.close()
    assert [
        stat.S_IMODE(path.stat().st_mode) for path in (taken.folder, taken.folder / taken.label.file)
    ] == [0o700, 0o600]
    assert sorted(path.name for path in taken.folder.iterdir()) == [NAME, "database.sqlite"]
    ring = json.loads(bench.settings.keyring.read_text())
    secrets = [each["key"] for each in ring["receipt"]] if isinstance(ring["receipt"], list) else []
    assert secrets
    assert not [key for key in secrets if key.encode() in (taken.folder / taken.label.file).read_bytes()]


@pytest.mark.parametrize("inside", [".", "keys"])
def test_keys_are_kept_apart(tmp_path: Path, inside: str):
    settings = embedded(tmp_path)
    KeyRing.create(settings.keyring)
    with pytest.raises(ConfigurationError, match="apart"):
        copy_keys(settings, tmp_path / "backups" / inside, tmp_path / "backups")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Taken]:
    folder = tmp_path_factory.mktemp("saved")
    bench = Bench(embedded(folder / "data"))
    taken = take_backup(bench.settings, bench.wired.store, folder / "backups")
    bench.close()
    return bench.settings, taken


@pytest.fixture
def there(saved: tuple[Settings, Taken], tmp_path: Path) -> Settings:
    settings = embedded(tmp_path / "there")
    settings.data_dir.mkdir()
    shutil.copy2(saved[0].keyring, settings.keyring)
    return settings


@pytest.fixture
def folder(saved: tuple[Settings, Taken], tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved[1].folder, tmp_path / "backup"))


def test_a_database_that_holds_something_is_refused(saved: tuple[Settings, Taken]):
    with pytest.raises(ConfigurationError, match="not empty"):
        restore_backup(saved[0], saved[1].folder, "why")


def test_another_key_ring_is_refused(there: Settings, folder: Path):
    there.keyring.unlink()
    KeyRing.create(there.keyring)
    with pytest.raises(Tampered, match="not in this key ring"):
        restore_backup(there, folder, "why")


def test_another_file_is_refused(there: Settings, folder: Path):
    with (folder / "database.sqlite").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(Tampered, match="not the file"):
        restore_backup(there, folder, "why")


@pytest.mark.parametrize("change", [{"taken_at": "2030-01-01T00:00:00Z"}, {"file": "../x"}, {"event": 7}])
def test_another_label_is_refused(there: Settings, folder: Path, change: dict[str, object]):
    label = json.loads((folder / NAME).read_text())
    (folder / NAME).write_text(json.dumps({**label, **change}))
    with pytest.raises(Tampered, match="not as it was written"):
        restore_backup(there, folder, "why")


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_no_label_is_refused(there: Settings, folder: Path, content: str):
    (folder / NAME).write_text(content)
    with pytest.raises(ConfigurationError, match="not the label"):
        restore_backup(there, folder, "why")
    (folder / NAME).unlink()
    with pytest.raises(ConfigurationError, match="no backup"):
        read_label(folder)
    assert newest_label(folder.parent) is None


def test_another_kind_of_database_is_refused(there: Settings, folder: Path):
    other = replace(there, database_url="postgresql://authsvc@127.0.0.1:1/none")
    with pytest.raises(ConfigurationError, match="of sqlite"):
        restore_backup(other, folder, "why")


def test_what_cannot_be_noted_is_not_taken_away(tmp_path: Path):
    """Or a restore would bring it back."""
    bench = Bench(embedded(tmp_path))
    bench.enroll("ann")
    (tmp_path / taken_away.NAME).unlink(missing_ok=True)
    (tmp_path / taken_away.NAME).mkdir()
    with pytest.raises(Unavailable, match="cannot be written"):
        bench.services.users.freeze(bench.key, "ann", "why")
    (tmp_path / taken_away.NAME).rmdir()
    bench.services.users.freeze(bench.key, "ann", "why")
    bench.close()


def test_an_account_that_was_made_after_an_erasure_keeps_what_it_has(tmp_path: Path):
    here, there = embedded(tmp_path / "here"), embedded(tmp_path / "there")
    bench = Bench(here)
    bench.enroll("ann")
    bench.services.users.erase(bench.key, "ann")
    bench.enroll("ann")
    taken = take_backup(here, bench.wired.store, tmp_path / "backups")
    bench.close()
    copy_keys(here, there.data_dir, tmp_path / "backups")
    done = restore_backup(there, taken.folder, "why")
    assert not done.again
    back = _open_again(there)
    assert said(back.ask(back.payment(user="ann")))["status"]
    assert back.services.users.export(back.key, "ann")
    back.close()


def test_half_a_line_is_passed_over_and_nonsense_is_not(tmp_path: Path):
    ring = KeyRing.create()
    away = taken_away.TakenAway(tmp_path, ring)
    subject = Subject(CLIENT, "ann")
    away.note([Event("subject:erased", subject, NOON), Event("subject:enrolled", subject, NOON)])
    path = tmp_path / taken_away.NAME
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    [line] = away.since(NOON)
    assert away.finder([line])(subject) == (line,)
    assert away.finder([line])(Subject(CLIENT, "ben")) == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"anything else\n")
    with pytest.raises(ConfigurationError, match="taken away"):
        away.since(NOON)


def test_a_lost_file_of_other_hosts_is_handed_in(tmp_path: Path):
    here, there, third = (embedded(tmp_path / name) for name in ("here", "there", "third"))
    bench = Bench(here)
    bench.enroll("ann")
    taken = take_backup(here, bench.wired.store, tmp_path / "backups")
    bench.services.users.erase(bench.key, "ann")
    bench.close()
    for settings, files in ((there, []), (third, [here.data_dir / taken_away.NAME])):
        settings.data_dir.mkdir()
        shutil.copy2(here.keyring, settings.keyring)
        assert sum(restore_backup(settings, taken.folder, "why", files).again.values()) == len(files)
    store = open_store(there)
    assert store.ledger.read(lambda tx: tx.accounts.subjects()) == (Subject(CLIENT, "ann"),)
    store.close()
