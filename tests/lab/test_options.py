"""Options that lab commands share: a file is refused before the work when its folder is not there."""

import json
from pathlib import Path

import click
from click.testing import CliRunner

from authsvc.lab.options import echo, model_folder, output_file


@click.command()
@click.option("--out", type=output_file)
@click.option("--json", "as_json", is_flag=True)
def command(out: Path | None, as_json: bool) -> None:
    echo(as_json, {"人": 1}, ["one", "two"])


def test_a_file_in_no_folder_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--out", str(tmp_path / "nowhere" / "a.svg")])
    assert done.exit_code == 2
    assert "there is no folder" in done.stderr
    assert CliRunner().invoke(command, ["--out", str(tmp_path / "a.svg")]).exit_code == 0


def test_lines_are_for_people_and_json_for_machines() -> None:
    assert CliRunner().invoke(command, []).stdout == "one\ntwo\n"
    assert json.loads(CliRunner().invoke(command, ["--json"]).stdout) == {"人": 1}


def test_models_lie_in_the_data_directory_unless_said_otherwise() -> None:
    assert model_folder(Path("var"), None) == Path("var/models")
    assert model_folder(Path("var"), Path("else")) == Path("else")
