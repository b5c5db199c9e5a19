"""The voice commands print JSON and refuse in one line."""

import json
from pathlib import Path

from click.testing import CliRunner

from authsvc.lab.voice_commands import replay_command, voice_command


def test_the_commands_print_json_and_refuse_in_one_line(corpus: Path, tmp_path: Path):
    told = CliRunner().invoke(replay_command, ["--dir", str(corpus), "--json"])
    assert json.loads(told.stdout)["copies"]["as_is"]["n"] == 19
    plain = CliRunner().invoke(replay_command, ["--dir", str(corpus)])
    assert "copies.as_is.n: 19" in plain.stdout.splitlines()
    refused = CliRunner().invoke(voice_command, ["--dir", str(corpus), "--model-dir", str(tmp_path)])
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: weight file")
