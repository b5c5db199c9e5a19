"""`authsvc audit` on the command line of an auditor."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authsvc.audit.export import write_export
from authsvc.audit.wire import checkpoint_to_json
from authsvc.cli.operate import audit
from authsvc.keys.jwk import to_jwk
from authsvc.keys.keyring import KeyRing
from tests.audit.samples import Log, sample_log


@pytest.fixture
def log() -> Log:
    return sample_log()


@pytest.fixture
def folder(tmp_path: Path, log: Log) -> Path:
    write_export(tmp_path / "export", log.links, log.heads, log.checkpoints, log.ring.audit_public_keys())
    return tmp_path / "export"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(audit, [str(argument) for argument in arguments])


def keys_file(path: Path, ring: KeyRing) -> Path:
    path.write_text(json.dumps({"keys": [to_jwk(key) for key in ring.audit_public_keys().values()]}))
    return path


def test_a_sound_log_ends_well_and_names_the_keys_that_came_with_it(folder: Path, log: Log):
    result = run("verify-export", folder)
    assert result.exit_code == 0
    assert "sound: nothing was touched" in result.stdout
    assert log.key[0] in result.stderr


def test_a_touched_log_ends_with_one_and_says_where(folder: Path):
    lines = (folder / "links.jsonl").read_text().splitlines(keepends=True)
    (folder / "links.jsonl").write_text("".join(lines[1:]))
    result = run("verify-export", folder)
    assert result.exit_code == 1
    assert "missing: a 1: entries 1 to 1 are not there" in result.stdout


def test_json_is_one_line(folder: Path, tmp_path: Path, log: Log):
    result = run("verify-export", folder, "--keys", keys_file(tmp_path / "keys", log.ring), "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    (line,) = result.stdout.splitlines()
    assert json.loads(line) == {
        "sound": True, "links": 15, "heads": 5, "checkpoints": 2, "chains": {"a": 9, "b": 6}, "archived": {}, "findings": []
    }  # fmt: skip


def test_keys_from_elsewhere_are_not_replaced_by_those_in_the_folder(folder: Path, tmp_path: Path):
    result = run("verify-export", folder, "--keys", keys_file(tmp_path / "keys", KeyRing.create()), "--json")
    assert result.exit_code == 1
    assert {each["fault"] for each in json.loads(result.stdout)["findings"]} == {
        "bad-signature",
        "foreign-chain",
    }


def test_a_kept_checkpoint_must_be_in_the_log(folder: Path, tmp_path: Path, log: Log):
    log.checkpoint()
    kept = tmp_path / "kept.jsonl"
    kept.write_text(json.dumps(checkpoint_to_json(log.checkpoints[-1])))
    result = run("verify-export", folder, "--kept", kept, "--json")
    assert [each["fault"] for each in json.loads(result.stdout)["findings"]] == ["checkpoint-missing"]


def test_no_keys_is_an_error_and_no_verdict(folder: Path):
    (folder / "keys.json").unlink()
    result = run("verify-export", folder)
    assert result.exit_code == 1
    assert "cannot be read as a JWK set" in result.output
    assert "sound" not in result.output


def test_a_bundle_that_is_none_does_not_hold(tmp_path: Path, log: Log):
    (tmp_path / "bundle.json").write_text("{}")
    keys = keys_file(tmp_path / "keys", log.ring)
    result = run("evidence", tmp_path / "bundle.json", "--keys", keys)
    assert result.exit_code == 1
    assert "NOT sound" in result.stdout
