"""The export: an auditor needs a folder and nothing else."""

import json
from pathlib import Path

import pytest

from authsvc.audit.export import read_checkpoints, read_keys, size_of, verify_export, write_export
from authsvc.audit.report import Fault
from authsvc.errors import InvalidRequest
from authsvc.keys.keyring import KeyRing, Purpose
from tests.audit.samples import Log, sample_log


@pytest.fixture
def log() -> Log:
    return sample_log()


@pytest.fixture
def folder(tmp_path: Path, log: Log) -> Path:
    write_export(tmp_path / "export", log.links, log.heads, log.checkpoints, log.ring.audit_public_keys())
    return tmp_path / "export"


def test_what_was_exported_is_sound(folder: Path, log: Log):
    report = verify_export(folder, log.ring.audit_public_keys())
    assert report.is_sound
    assert (report.links, report.heads, report.checkpoints) == (15, 5, 2)


def test_a_verification_says_how_far_it_is(folder: Path, log: Log):
    read: list[int] = []
    verify_export(folder, log.ring.audit_public_keys(), progress=read.append)
    assert sum(read) == size_of(folder)
    assert len(read) == 15 + 5 + 2


def test_the_keys_in_the_folder_are_those_of_the_service(tmp_path: Path, folder: Path, log: Log):
    log.ring.rotate(Purpose.AUDIT)
    write_export(tmp_path / "again", log.links, log.heads, log.checkpoints, log.ring.audit_public_keys())
    assert read_keys(folder / "keys.json").keys() < read_keys(tmp_path / "again" / "keys.json").keys()
    assert read_keys(tmp_path / "again" / "keys.json") == log.ring.audit_public_keys()


def test_only_the_owner_may_read_it(folder: Path):
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_an_export_never_overwrites_another(folder: Path):
    with pytest.raises(InvalidRequest, match="new folder"):
        write_export(folder, [], [], [], {})
    assert (folder / "links.jsonl").stat().st_size > 0


def test_a_log_forged_with_its_own_keys_does_not_pass_for_ours(folder: Path):
    report = verify_export(folder, KeyRing.create().audit_public_keys())
    assert {finding.fault for finding in report.findings} == {Fault.BAD_SIGNATURE, Fault.FOREIGN_CHAIN}


@pytest.mark.parametrize("name", ["links.jsonl", "heads.jsonl", "checkpoints.jsonl"])
def test_no_spoiled_byte_of_an_export_goes_unseen(folder: Path, log: Log, name: str):
    """White space between values means nothing, nor do the lowest bits of base64's last character before its `=`."""
    keys = log.ring.audit_public_keys()
    content = (folder / name).read_bytes()
    values = [
        at for at, byte in enumerate(content) if byte not in b" \n" and content[at + 1 : at + 2] != b"="
    ]
    for at in values[:: len(values) // 150]:
        (folder / name).write_bytes(content[:at] + bytes([content[at] ^ 0x01]) + content[at + 1 :])
        assert not verify_export(folder, keys).is_sound, content[max(0, at - 20) : at + 20]


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[1]", b"\xff", b'{"chain": 1}', b"[" * 20_000, b'{"seq": "1", "body": "", "key_id": ""}'],
)
@pytest.mark.parametrize("name", ["links.jsonl", "heads.jsonl", "checkpoints.jsonl"])
def test_a_line_that_cannot_be_read_is_found(folder: Path, log: Log, name: str, line: bytes):
    with (folder / name).open("ab") as file:
        file.write(line + b"\n")
    (finding,) = verify_export(folder, log.ring.audit_public_keys()).findings
    assert (finding.fault, finding.chain) == (Fault.UNREADABLE, name)
    assert finding.seq == len((folder / name).read_bytes().splitlines())


def test_a_file_that_is_not_there_is_found(folder: Path, log: Log):
    (folder / "heads.jsonl").unlink()
    findings = verify_export(folder, log.ring.audit_public_keys()).findings
    assert (Fault.UNREADABLE, "heads.jsonl") in {(each.fault, each.chain) for each in findings}


def test_kept_checkpoints_are_read_as_exported(folder: Path, log: Log):
    assert read_checkpoints(folder / "checkpoints.jsonl") == tuple(log.checkpoints)
    with pytest.raises(InvalidRequest, match="line 1"):
        read_checkpoints(folder / "links.jsonl")


@pytest.mark.parametrize("content", ["", "[]", "{}", "[" * 20_000, json.dumps({"keys": [1]})])
def test_what_holds_no_keys_is_refused(tmp_path: Path, content: str):
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(InvalidRequest):
        read_keys(tmp_path / "keys.json")
