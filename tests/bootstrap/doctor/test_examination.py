"""Deployments with one thing wrong each: it is named, with what to do, and nothing else is. A right one: nothing."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from authsvc.bootstrap.doctor.surroundings import clock_is_kept, most_files
from authsvc.bootstrap.opening import open_store
from authsvc.cli.main import main
from authsvc.config import as_environment
from authsvc.keys.access import ALL_SCOPES, ApiKey, new_api_key
from authsvc.keys.keyfile import write_private
from authsvc.keys.versions import parsed, written
from authsvc.storage.transaction import StoreTransaction
from tests.bootstrap.doctor.deployment import Deployment, well
from tests.support.postgres import PostgresServer, postgres_program
from tests.support.redis_server import RedisServer
from tests.support.softhsm import in_a_token

Spoil = Callable[[Deployment], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Deployment:
    return Deployment.at(tmp_path_factory.mktemp("sound"), model_dir)


@pytest.fixture
def deployment(sound: Deployment, tmp_path: Path) -> Deployment:
    return sound.copy(tmp_path)


def _keyring(change: Callable[[bytes], bytes], **settings: object) -> Spoil:
    def spoil(it: Deployment) -> None:
        it.set(**settings)
        write_private(it.settings.keyring, change(it.settings.keyring.read_bytes()), replace=True)

    return spoil


def _models_without(name: str) -> Spoil:
    def spoil(it: Deployment) -> None:
        folder = it.settings.data_dir / "models"
        folder.mkdir()
        for weight in it.settings.models.iterdir():
            if not weight.name.startswith(name):
                (folder / weight.name).symlink_to(weight)
        it.set(model_dir=folder)

    return spoil


def _models_changed(name: str) -> Spoil:
    def spoil(it: Deployment) -> None:
        _models_without(name)(it)
        (
            it.settings.models / next(each.name for each in _originals(it) if each.name.startswith(name))
        ).write_bytes(b"other weights")

    return spoil


def _originals(it: Deployment) -> list[Path]:
    any_link = next(each for each in it.settings.models.iterdir() if each.is_symlink())
    return list(any_link.resolve().parent.iterdir())


def _policy_file(it: Deployment) -> None:
    path = it.settings.data_dir / "policy.toml"
    path.write_text("[levels]\nnonsense = 1\n")
    it.set(policy_file=path)


def _key_that_ends_soon(it: Deployment) -> None:
    it.sql("DELETE FROM api_keys")
    store = open_store(it.settings)
    key, _ = new_api_key(store.ring, "shop", ALL_SCOPES, store.clock.now(), timedelta(days=3))
    store.ledger.transact(lambda tx: tx.keys.add(key))
    store.close()


def _add_key(key: ApiKey, tx: StoreTransaction) -> None:
    tx.keys.add(key)


def _restored_by_hand(it: Deployment) -> None:
    before = it.settings.database_file.read_bytes()
    store = open_store(it.settings)
    for number in range(3):
        key, _ = new_api_key(store.ring, f"shop-{number}", ALL_SCOPES, store.clock.now())
        store.ledger.transact(partial(_add_key, key))
    store.audit.take_checkpoint()
    store.close()
    for end in ("-wal", "-shm"):
        it.settings.database_file.with_name(it.settings.database_file.name + end).unlink(missing_ok=True)
    it.settings.database_file.write_bytes(before)


SPOILED: dict[str, tuple[str, Spoil]] = {
    "no data directory": ("data-dir-missing", lambda it: it.set(data_dir=it.settings.data_dir / "absent")),
    "a data directory for everybody": ("data-dir-open", lambda it: it.settings.data_dir.chmod(0o755)),
    "a full disk": ("free-space-low", lambda it: setattr(it, "around", well(free=5 << 20))),
    "a witness in a folder that is gone": (
        "witness-unwritable",
        lambda it: it.set(audit_witness=Path("/absent/witness.jsonl")),
    ),
    "few open files": ("open-files", lambda it: setattr(it, "around", well(most_files=256))),
    "a clock that nobody keeps": (
        "clock-not-kept",
        lambda it: setattr(it, "around", well(clock_is_kept=False)),
    ),
    "a clock that was set back": ("clock-behind", lambda it: it.later(timedelta(hours=-1))),
    "an audit that nobody archives": (
        "archive-late",
        lambda it: it.sql(f"UPDATE audit_heads SET at = at - {2_000 * 86_400_000}"),
    ),
    "no key ring": ("keyring-missing", lambda it: it.settings.keyring.unlink()),
    "a key ring for everybody": ("keyring-unusable", lambda it: it.settings.keyring.chmod(0o644)),
    "a damaged key ring": ("keyring-unusable", _keyring(lambda was: was[:100])),
    "a key ring of before": ("rows-unbound", _keyring(lambda was: written(parsed(was)[0], all_bound=False))),
    "keys in a token that is not named": ("token-away", _keyring(in_a_token)),
    "keys in a token whose library is missing": (
        "token-away",
        _keyring(in_a_token, pkcs11_module=Path("/nowhere/lib.so"), pkcs11_pin="1"),
    ),
    "rows without a MAC accepted": ("authority-written", lambda it: it.set(authority="written")),
    "no database": ("schema-missing", lambda it: it.settings.database_file.unlink()),
    "an old schema": ("schema-older", lambda it: it.sql("UPDATE alembic_version SET version_num = '0005'")),
    "a schema of the next release but one": (
        "schema-newer",
        lambda it: it.sql(
            "UPDATE alembic_version SET version_num = '9999'", "UPDATE schema_facts SET value = '9998'"
        ),
    ),
    "a database of two versions": (
        "schema-unclear",
        lambda it: it.sql("INSERT INTO alembic_version VALUES ('0001')"),
    ),
    "a damaged database": ("database-silent", lambda it: it.settings.database_file.write_bytes(b"x" * 9000)),
    "no address": ("base-url-missing", lambda it: it.set(base_url="")),
    "an address without TLS": ("base-url-plain", lambda it: it.set(base_url="http://pay.example")),
    "listening to everybody without TLS": ("plain-listener", lambda it: it.set(host="0.0.0.0")),
    "a proxy that nobody named": ("proxy-unnamed", lambda it: it.set(trusted_proxies="")),
    "another parent domain": ("device-rules", lambda it: it.set(rp_id="other.example")),
    "more patience with the database than with a worker": (
        "store-timeout-long",
        lambda it: it.set(store_timeout=timedelta(seconds=60)),
    ),
    "no face model": ("face-model", _models_without("dlib_resnet")),
    "other weights for gestures": ("face-model", _models_changed("mediapipe_face_landmark")),
    "no digit recogniser": ("voice-model", _models_without("digits-ctc-v3")),
    "photographs pass": ("unsafe-no-pad", lambda it: it.set(unsafe_no_pad=True)),
    "a policy file that is none": ("policy-file", _policy_file),
    "no API key": ("no-api-key", lambda it: it.sql("DELETE FROM api_keys")),
    "an API key that ends soon": ("api-key-expires", _key_that_ends_soon),
    "one operator": ("operators-too-few", lambda it: it.sql("DELETE FROM operators WHERE name = 'ben'")),
    "a row that somebody wrote": (
        "record-broken",
        lambda it: it.sql("UPDATE api_keys SET client = 'mallory'"),
    ),
    "a database put back by hand": ("audit-shortened", _restored_by_hand),
    "nobody says where backups are": ("backups-unknown", lambda it: it.set(backup_dir=None)),
    "no backup": ("backup-missing", lambda it: shutil.rmtree(it.settings.backup_dir or "")),
    "an old backup": ("backup-old", lambda it: it.later(timedelta(days=3))),
    "a Redis that is not there": ("redis-silent", lambda it: it.set(redis_url="redis://127.0.0.1:1")),
    "a PostgreSQL that is not there": (
        "database-silent",
        lambda it: it.set(database_url="postgresql://authsvc@127.0.0.1:1/none"),
    ),
}


def test_there_are_at_least_twenty():
    assert len({name for name, _ in SPOILED.values()}) >= 20


def test_nothing_is_wrong_with_a_right_one(deployment: Deployment):
    before = _state(deployment.settings.data_dir)
    assert deployment.examine() == ()
    assert _state(deployment.settings.data_dir) >= before


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_wrong_is_named_with_what_to_do(deployment: Deployment, how: str):
    name, spoil = SPOILED[how]
    spoil(deployment)
    [found] = deployment.examine()
    assert found.name == name
    assert len(found.what) > 15
    assert len(found.to_do) > 10


def test_what_cannot_be_read_is_a_finding_and_ends_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    def refuse(path: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    deployment.around = replace(deployment.around, free_bytes=refuse)
    deployment.set(base_url="")
    assert deployment.names() == ["unreadable", "base-url-missing"]


def test_this_machine_says_something_of_its_clock_and_files():
    assert clock_is_kept() in (True, False, None)
    assert most_files() == -1 or most_files() > 100


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--json"], 0)])
def test_the_command_ends_well_where_nothing_is_wrong(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
):
    monkeypatch.setattr("authsvc.cli.doctor.examine", lambda settings: deployment.examine())
    done = CliRunner().invoke(main, ["doctor", *words])
    assert done.exit_code == code
    assert done.stdout.strip() in ("nothing is wrong", '{"findings": []}')


def test_the_command_names_and_exits_by_the_gravest(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    # The machine that tests run on is not looked at.
    monkeypatch.setattr("authsvc.cli.doctor.examine", lambda settings: replace_settings(deployment, settings))
    environment = {**as_environment(deployment.settings), "AUTHSVC_BACKUP_DIR": ""}
    environment.pop("AUTHSVC_BACKUP_DIR")
    warned = CliRunner().invoke(main, ["doctor"], env=environment)
    assert warned.exit_code == 3
    assert "backups-unknown" in warned.stdout
    wrong = CliRunner().invoke(main, ["doctor", "--json"], env={**environment, "AUTHSVC_UNSAFE_NO_PAD": "1"})
    assert wrong.exit_code == 1
    assert [each["name"] for each in json.loads(wrong.stdout)["findings"]] == [
        "unsafe-no-pad",
        "backups-unknown",
    ]
    mistaken = CliRunner().invoke(main, ["doctor", "--json"], env={"AUTHSVC_WORKERS": "many"})
    [found] = json.loads(mistaken.stdout)["findings"]
    assert (mistaken.exit_code, found["name"]) == (1, "settings")
    assert "AUTHSVC_WORKERS" in found["what"]


def replace_settings(deployment: Deployment, settings: object):
    return Deployment(settings, deployment.around).examine()  # type: ignore[arg-type]  # As the command read them.


# -- PostgreSQL and Redis, with their own faults ---------------------------------------------------------------------------


class Careful(PostgresServer):
    """As a bank runs it."""

    settings = ("max_connections=60", "shared_buffers=32MB", "jit=off")


@pytest.fixture(scope="module")
def careful(server_folder: Path) -> Iterator[PostgresServer]:
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        pytest.skip("PostgreSQL is not installed; `make test` installs it")
    (server_folder / "careful").mkdir()
    with Careful.create(postgres, initdb, server_folder / "careful") as server:
        yield server


@pytest.fixture(scope="module")
def keeping(redis_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(redis_program, tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as server:
        yield server


def _configured(server: RedisServer, **options: str) -> None:
    with server.client() as client:
        for name, value in options.items():
            client.config_set(name.replace("_", "-"), value)


def test_both_servers_are_looked_at(
    careful: PostgresServer,
    keeping: RedisServer,
    postgres_server: PostgresServer,
    tmp_path: Path,
    model_dir: Path,
):
    database = careful.create_database()
    stores = {"database_url": careful.url(database), "redis_url": keeping.url}
    it = Deployment.at(tmp_path, model_dir, **stores)
    assert it.examine() == ()

    for option, name in (
        ("synchronous_commit = off", "postgres-synchronous_commit"),
        ("default_transaction_read_only = on", "postgres-standby"),
    ):
        with psycopg.connect(careful.url(), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {database} SET {option}")
        assert name in it.names()
        with psycopg.connect(careful.url(), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {database} RESET ALL")
    it.set(workers=32)
    assert it.names() == ["postgres-connections"]
    it.set(workers=2)
    it.later(timedelta(seconds=30))
    assert it.names() == ["clock-skew", "redis-clock-skew"]
    it.around = well()

    postgres_server.ensure_running()
    assert {"postgres-fsync", "postgres-full_page_writes"} <= set(
        Deployment(replace(it.settings, database_url=postgres_server.url()), it.around).names()
    )

    for options, name in (
        ({"maxmemory": "200mb", "maxmemory_policy": "allkeys-lru"}, "redis-evicts"),
        ({"maxmemory": "1mb", "maxmemory_policy": "noeviction"}, "redis-full"),
        ({"maxmemory": "0", "appendonly": "no"}, "redis-forgets"),
    ):
        _configured(keeping, **options)
        assert it.names() == [name]
    _configured(keeping, appendonly="yes")
    with keeping.client() as client:
        client.replicaof("127.0.0.1", "1")
        assert it.names() == ["redis-replica"]
        client.replicaof("NO", "ONE")
    assert it.examine() == ()


def test_a_redis_far_away_without_tls_is_told(deployment: Deployment):
    deployment.set(redis_url="redis://user:hunter2@192.0.2.1:6379", store_timeout=timedelta(milliseconds=50))
    found = deployment.examine()
    assert [each.name for each in found] == ["redis-silent", "redis-plain"]
    assert "hunter2" not in str(found)


def _state(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if os.path.lexists(path)}
