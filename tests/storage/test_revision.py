"""A start asks which schema there is without loading what could change it."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from authsvc.bootstrap.opening import open_database
from authsvc.config import Settings
from authsvc.storage import migrations
from authsvc.storage.revision import NEWEST, is_current
from authsvc.storage.upgrade import database_url, upgrade


def test_the_newest_revision_is_the_head_of_the_history():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


def test_an_empty_database_is_not_current_and_an_upgraded_one_is(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    assert not is_current(open_database(settings))
    assert upgrade(database_url(settings)) == NEWEST
    assert is_current(open_database(settings))


def test_a_database_that_does_not_answer_is_not_current():
    settings = Settings(database_url="postgresql://authsvc@127.0.0.1:1/none")
    assert not is_current(open_database(settings))
