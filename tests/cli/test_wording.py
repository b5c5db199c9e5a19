"""What commands say when something is wrong: one sentence, in JSON where that was asked for, with what was probably meant."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authsvc.cli.main import main
from authsvc.config import Settings
from tests.support.prepared import prepare


@pytest.fixture
def data(tmp_path: Path) -> Path:
    settings = Settings(data_dir=tmp_path)
    prepare(settings)
    return tmp_path


def run(*words: object, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, list(map(str, words)), env=env)


MISTAKES = {
    "an operator": ["operators", "reset", "mallry"],
    "a key": ["keys", "revoke", "ak_none"],
    "a model": ["models", "pull", "minifasnt"],
    "a role": ["operators", "invite", "bob", "--role", "aprover"],
    "an option": ["operators", "list", "--data-di", "x"],
    "a command": ["operators", "rest", "mallory"],
    "a group": ["operatrs", "list"],
    "a purpose": ["keyring", "rotate", "sealling"],
    "a folder": ["audit", "export", "/proc/nothing/here"],
    "a missing argument": ["operators", "reset"],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_error_asked_for_in_json_is_json(data: Path, mistake: str):
    words = [*MISTAKES[mistake], "--json"]
    if mistake not in ("a model", "a command", "a group", "an option"):
        words += ["--data-dir", str(data)]
    run("operators", "invite", "mallory", "--role", "auditor", "--data-dir", data)
    done = run(*words)
    assert done.exit_code in (1, 2)
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"]


@pytest.mark.parametrize(
    ("mistake", "meant"),
    [
        ("an operator", "mallory"),
        ("a model", "minifasnet"),
        ("a group", "operators"),
        ("a command", "reset"),
        ("an option", "--data-dir"),
        ("a role", "approver"),
        ("a purpose", "sealing"),
    ],
)
def test_what_was_probably_meant_is_said(data: Path, mistake: str, meant: str):
    run("operators", "invite", "mallory", "--role", "auditor", "--data-dir", data)
    extra = ["--data-dir", str(data)] if mistake == "an operator" else []
    done = run(*MISTAKES[mistake], *extra)
    assert done.exit_code in (1, 2)
    assert meant in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_none_is_told_its_likely_name():
    done = run("keys", "list", env={"AUTHSVC_DATA_DIRR": "x"})
    assert "did you mean `AUTHSVC_DATA_DIR`?" in done.stderr


@pytest.mark.parametrize("given", ["by the service", "by the setting", "by nobody"])
def test_an_invitation_leads_to_the_service_it_belongs_to(data: Path, given: str):
    environment = {"AUTHSVC_BASE_URL": "https://pay.example"} if given == "by the setting" else {}
    if given != "by nobody":
        (data / "address").write_text("http://localhost:8123\n")
    done = run("operators", "invite", "ann", "--role", "auditor", "--data-dir", data, env=environment)
    expected = {
        "by the service": "http://localhost:8123/console/join#",
        "by the setting": "https://pay.example/console/join#",
        "by nobody": "http://localhost:8000/console/join#",
    }
    assert expected[given] in done.stdout


def test_no_name_of_the_code_is_shown_to_people(data: Path):
    done = run("operators", "invite", "ann", "--role", "auditor", "--role", "support", "--data-dir", data)
    assert "auditor, support" in done.stdout
    key = run("keys", "create", "--client", "shop", "--scope", "audit", "--data-dir", data)
    assert not any(sign in done.stdout + key.stdout for sign in ("<", "[", "Role", "Scope", "'"))


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = run("keyring", "create", "--data-dir", tmp_path / "file" / "below")
    assert done.exit_code == 1
    assert done.stderr == f"Error: `{tmp_path / 'file' / 'below'}`: Not a directory\n"


def test_a_program_reads_the_exit_code_with_json_as_without(data: Path):
    program = Path(sys.executable).with_name("authsvc")
    for flags in ([], ["--json"]):
        done = subprocess.run(
            [program, "operators", "reset", "nobody", "--data-dir", str(data), *flags],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1
