"""One service in one data directory."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.bootstrap.alone import alone_in
from authsvc.cli.main import main
from authsvc.errors import ConfigurationError

HOLD = (
    "import sys; from pathlib import Path; from authsvc.bootstrap.alone import alone_in\n"
    "with alone_in(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)


def test_a_second_service_is_refused_and_told_who_is_first(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        done = CliRunner().invoke(
            main, ["serve", "--development", "--port", "0", "--data-dir", str(tmp_path)]
        )
        first.kill()
    assert done.exit_code == 1
    assert done.stderr.startswith(
        f"Error: a service is running in `{tmp_path}` already (process {first.pid})"
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_killed_service_leaves_no_lock(tmp_path: Path):
    test_a_second_service_is_refused_and_told_who_is_first(tmp_path)
    with alone_in(tmp_path):
        pass


def test_a_data_directory_that_cannot_be_written_takes_one_sentence(tmp_path: Path):
    (tmp_path / "serving.lock").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be written"), alone_in(tmp_path):
        pass
