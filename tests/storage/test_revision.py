"""What a start finds in its database: asked without loading what could change it, answered in one sentence."""

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner

from authsvc.bootstrap.opening import open_database
from authsvc.cli.main import main
from authsvc.config import Settings
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.keys.keyring import KeyRing
from authsvc.storage import migrations
from authsvc.storage.revision import NEWEST, Fit, fit_of, is_current, refuse_misfit
from authsvc.storage.upgrade import database_url, upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path)
    return Settings(data_dir=tmp_path, database_url=request.getfixturevalue("postgres_url"))


def test_the_newest_revision_is_the_head_of_the_history():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


def test_an_empty_database_is_not_current_and_an_upgraded_one_is(settings: Settings):
    assert fit_of(open_database(settings)) is Fit.EMPTY
    assert upgrade(database_url(settings)) == NEWEST
    assert is_current(open_database(settings))


def test_a_database_that_does_not_answer_is_not_current():
    settings = Settings(database_url="postgresql://authsvc@127.0.0.1:1/none")
    assert not is_current(open_database(settings))
    with pytest.raises(Unavailable, match="cannot be reached"):
        upgrade(database_url(settings))


@pytest.mark.parametrize(
    ("revision", "oldest_program", "fit"),
    [
        ("0004", NEWEST, Fit.OLDER),
        ("9999", "9998", Fit.NEWER),
        ("9999", NEWEST, Fit.NEWER_AND_KIND),
        ("9999", "0004", Fit.NEWER_AND_KIND),
        ("4f1c0de", "9998", Fit.NEWER),
    ],
)
def test_a_schema_says_which_programs_may_work_on_it(
    settings: Settings, revision: str, oldest_program: str, fit: Fit
):
    upgrade(database_url(settings))
    _say(settings, revision, oldest_program)
    assert fit_of(open_database(settings)) is fit
    if fit is Fit.NEWER_AND_KIND:
        refuse_misfit(open_database(settings))
    else:
        with pytest.raises(ConfigurationError, match=r"^the database is (older|newer) than this program"):
            refuse_misfit(open_database(settings))


def test_a_newer_database_is_never_upgraded(settings: Settings):
    upgrade(database_url(settings))
    _say(settings, "9999", NEWEST)
    with pytest.raises(ConfigurationError, match="newer than this program"):
        upgrade(database_url(settings))


def test_several_hosts_in_a_url_are_tried_one_after_the_other(postgres_url: str):
    host = postgres_url.partition("@")[2] or postgres_url.partition("://")[2]
    assert upgrade(postgres_url.replace(host, f"127.0.0.1:1,{host}")) == NEWEST


def _newer(path: Path) -> None:
    _sqlite(path, "UPDATE alembic_version SET version_num = '9999'")
    _sqlite(path, "UPDATE schema_facts SET value = '9998'")


def _older(path: Path) -> None:
    _sqlite(path, "UPDATE alembic_version SET version_num = '0003'")


def _holding(content: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        # No journal may bring back what the file itself no longer says.
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        path.write_bytes(content(path.read_bytes()))

    return write


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


BROKEN = {
    "a newer one": _newer,
    "an older one": _older,
    "no tables": _holding(lambda was: b""),
    "no database": _holding(lambda was: secrets.token_bytes(9000)),
    "half a database": _holding(lambda was: was[:5000]),
    "a gap within": _holding(lambda was: was[:4096] + bytes(8192) + was[12288:]),
    "of no version": lambda path: _sqlite(path, "DELETE FROM alembic_version"),
    "of two versions": lambda path: _sqlite(path, "INSERT INTO alembic_version VALUES ('0002')"),
    "a folder": _folder,
}


def _another_programs(path: Path) -> None:
    path.unlink()
    _sqlite(path, "CREATE TABLE users (name TEXT)")


NO_UPGRADE = {name: BROKEN[name] for name in ("no database", "of no version", "of two versions", "a folder")}


@pytest.mark.parametrize("broken", [*NO_UPGRADE, "another program's"])
def test_what_cannot_be_upgraded_is_said_in_one_sentence(tmp_path: Path, broken: str):
    settings = Settings(data_dir=tmp_path)
    upgrade(database_url(settings))
    NO_UPGRADE.get(broken, _another_programs)(settings.database_file)
    done = CliRunner().invoke(main, ["db", "upgrade", "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    [said] = done.stderr.strip().splitlines()
    assert said.startswith("Error: ")
    assert "Error:" not in said.removeprefix("Error: ")
    assert "OperationalError" not in said


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM alembic_version", "INSERT INTO alembic_version VALUES ('0002')"],
    ids=["none", "two"],
)
def test_a_database_that_says_none_or_two_versions_is_neither_upgraded_nor_served(
    settings: Settings, statement: str
):
    upgrade(database_url(settings))
    connection = open_database(settings).connect()
    connection.begin()
    connection.run(statement, {})
    connection.commit()
    connection.close()
    assert fit_of(open_database(settings)) is Fit.UNCLEAR
    for attempt in (refuse_misfit, lambda _: upgrade(database_url(settings))):
        with pytest.raises(ConfigurationError, match="does not say which one schema"):
            attempt(open_database(settings))


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    "command", [["keys", "list"], ["operators", "list"], ["audit", "verify"], ["serve", "--port", "0"]]
)
def test_a_database_that_does_not_fit_takes_one_sentence(tmp_path: Path, broken: str, command: list[str]):
    settings = Settings(data_dir=tmp_path)
    KeyRing.create(settings.keyring)
    upgrade(database_url(settings))
    BROKEN[broken](settings.database_file)
    done = CliRunner().invoke(main, [*command, "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("Error: ")


MALFORMED = [
    "postgresql://authsvc:hunter%zz2@127.0.0.1/authsvc",
    "postgresql://authsvc:hunter2@127.0.0.1:54x/authsvc",
    "postgresql://authsvc:hunter2@127.0.0.1:99999/authsvc",
    "postgresql://authsvc:hunter2@[db/authsvc",
    "postgresql://authsvc:hunter2@127.0.0.1/authsvc?sslmod=require",
    "mysql://authsvc:hunter2@127.0.0.1/authsvc",
    "authsvc:hunter2@127.0.0.1",
]


@pytest.mark.parametrize("url", MALFORMED)
@pytest.mark.parametrize("command", [["db", "upgrade"], ["keys", "list"], ["serve", "--port", "0"]])
@pytest.mark.parametrize("given", ["option", "environment"])
def test_a_mistake_in_the_url_shows_no_password(tmp_path: Path, url: str, command: list[str], given: str):
    KeyRing.create(tmp_path / "keyring.json")
    option = ["--database-url", url] if given == "option" else []
    environment = {"AUTHSVC_DATABASE_URL": url} if given == "environment" else {}
    done = CliRunner().invoke(main, [*command, "--data-dir", str(tmp_path), *option], env=environment)
    assert done.exit_code == 1
    assert "hunter" not in done.output
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def _say(settings: Settings, revision: str, oldest_program: str) -> None:
    connection = open_database(settings).connect()
    connection.begin()
    connection.run("UPDATE alembic_version SET version_num = :to", {"to": revision})
    connection.run("UPDATE schema_facts SET value = :to", {"to": oldest_program})
    connection.commit()
    connection.close()


def _sqlite(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
