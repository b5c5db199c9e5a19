"""`authsvc models pull`: by URL with resume, by file, and never without the licence or the right bytes."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from authsvc.biometric import manifest as manifests
from authsvc.biometric.manifest import Manifest, manifest_folder, parse_manifest, read_manifests
from authsvc.biometric.model_store.commands import models
from authsvc.biometric.model_store.pull import pull
from authsvc.errors import ModelUnusable
from tests.support.ports import free_port

CONTENT = bytes(range(256)) * 2000
MANIFEST = """
id = "drawn"
version = "1"
modality = "face"
role = "matcher"
engine = "drawn"
title = "a matcher of drawn faces"
licence = {{ name = "{licence}", training_data = "drawings", commercial = {commercial} }}
[[weights]]
role = "net"
file = "net.onnx"
sha256 = "{sha}"
size = {size}
[weights.source]
url = "{url}"
sha256 = "{sha}"
size = {size}
"""


class Source(ThreadingHTTPServer):
    """A file server that can break off, ignore ranges, send something else, or know nothing."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), Handler)
        self.content = CONTENT
        self.break_after: int | None = None
        self.knows_ranges = True
        self.status = 200
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/net.onnx"


class Handler(BaseHTTPRequestHandler):
    server: Source

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        ranged = asked is not None and self.server.knows_ranges
        start = int(str(asked).removeprefix("bytes=").rstrip("-")) if ranged else 0
        body = self.server.content[start:]
        self.send_response(206 if ranged else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def text(url: str, licence: str = "CC0-1.0", commercial: bool = True) -> str:
    sha = hashlib.sha256(CONTENT).hexdigest()
    return MANIFEST.format(
        licence=licence, commercial=str(commercial).lower(), sha=sha, size=len(CONTENT), url=url
    )


def manifest(url: str, licence: str = "CC0-1.0", commercial: bool = True) -> Manifest:
    return parse_manifest(text(url, licence, commercial))


def test_a_model_is_fetched_checked_and_fetched_only_once(source: Source, tmp_path: Path) -> None:
    seen: list[int] = []
    for expected in ("url", "already there"):
        done = pull(manifest(source.url), tmp_path, progress=lambda file, here, size: seen.append(here))
        assert [item.from_where for item in done] == [expected]
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert (tmp_path / "net.onnx").read_bytes() == CONTENT
    assert seen[-1] == len(CONTENT)
    assert seen == sorted(seen)
    assert len(source.ranges) == 1


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_transfer_that_broke_off_goes_on_where_it_stopped(
    source: Source, tmp_path: Path, knows_ranges: bool
) -> None:
    source.break_after = 200_000
    with pytest.raises(ModelUnusable, match="run the same command again"):
        pull(manifest(source.url), tmp_path)
    assert not (tmp_path / "net.onnx").exists()
    source.break_after, source.knows_ranges = None, knows_ranges
    pull(manifest(source.url), tmp_path)
    assert (tmp_path / "net.onnx").read_bytes() == CONTENT
    assert source.ranges == [None, "bytes=200000-"]


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT + b"more"], ids=["other bytes", "too many bytes"])
def test_other_bytes_are_thrown_away(source: Source, tmp_path: Path, content: bytes) -> None:
    source.content = content
    with pytest.raises(ModelUnusable, match="nothing is installed"):
        pull(manifest(source.url), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_short_is_not_installed(source: Source, tmp_path: Path) -> None:
    source.content = CONTENT[:1000]
    with pytest.raises(ModelUnusable, match="broke off after 1000 of 512000 bytes"):
        pull(manifest(source.url), tmp_path)
    assert not (tmp_path / "net.onnx").exists()


def test_an_address_that_does_not_answer_says_what_to_do(source: Source, tmp_path: Path) -> None:
    source.status = 404
    with pytest.raises(ModelUnusable, match=r"status 404.*use `--file`"):
        pull(manifest(source.url), tmp_path)
    with pytest.raises(ModelUnusable, match="cannot get"):
        pull(manifest(f"http://127.0.0.1:{free_port()}/net.onnx"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_licence_against_commerce_must_be_accepted_by_name(source: Source, tmp_path: Path) -> None:
    model = manifest(source.url, "CC-BY-NC-4.0", commercial=False)
    with pytest.raises(ModelUnusable, match=r"--accept-licence CC-BY-NC-4\.0"):
        pull(model, tmp_path)
    with pytest.raises(ModelUnusable, match="may not be used commercially"):
        pull(model, tmp_path, accepted_licences=["CC0-1.0"])
    assert source.ranges == []
    pull(model, tmp_path, accepted_licences=["CC-BY-NC-4.0"])
    assert (tmp_path / "net.onnx").exists()


def test_a_file_at_hand_needs_no_address(tmp_path: Path) -> None:
    at_hand = tmp_path / "downloaded.bin"
    at_hand.write_bytes(CONTENT)
    done = pull(manifest("http://127.0.0.1:9/net.onnx"), tmp_path / "models", files=[at_hand])
    assert done[0].from_where == "file"
    assert (tmp_path / "models" / "net.onnx").read_bytes() == CONTENT


def test_a_file_that_is_another_is_refused(tmp_path: Path) -> None:
    at_hand = tmp_path / "downloaded.bin"
    at_hand.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelUnusable, match="none of the weight files"):
        pull(manifest("http://127.0.0.1:9/net.onnx"), tmp_path / "models", files=[at_hand])


def test_the_command_pulls_and_an_unknown_name_lists_the_known(source: Source, tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "drawn.toml").write_text(text(source.url))
    words = ["--manifests", str(tmp_path / "manifests"), "--model-dir", str(tmp_path / "models"), "--json"]
    result = CliRunner().invoke(models, ["pull", "drawn", *words])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["files"] == [{"file": "net.onnx", "from": "url"}]
    unknown = CliRunner().invoke(models, ["pull", "sketched", *words])
    assert unknown.exit_code == 1
    assert "no model is called `sketched`; there are drawn" in unknown.stderr


def test_a_model_of_a_source_package_is_pulled_from_there(tmp_path: Path):
    """`models pull` knows a way for every manifest that names one, not for addresses alone."""
    manifest = next(each for each in read_manifests(manifest_folder()) if each.id == "silero-vad-v6")
    asked = []

    def download(source: manifests.Source, folder: Path) -> Path:
        asked.append(source.package)
        raise ModelUnusable("no network here")

    with pytest.raises(ModelUnusable, match="no network here"):
        pull(manifest, tmp_path, download=download)
    assert asked == [manifest.weights[0].source.package if manifest.weights[0].source else None]


def test_a_file_without_an_address_is_described_so_that_somebody_can_bring_it(tmp_path: Path):
    manifest = next(each for each in read_manifests(manifest_folder()) if each.id == "minifasnet")
    with pytest.raises(ModelUnusable) as refused:
        pull(manifest, tmp_path)
    for said in (manifest.weights[0].sha256, str(manifest.weights[0].size), "models pull minifasnet --file"):
        assert said in refused.value.detail


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


def test_denormal_weights_become_zero_and_outputs_stay() -> None:
    onnx = pytest.importorskip("onnx", reason="the extra `prepare` is not installed")
    from authsvc.biometric.model_store.plain_graph import without_denormals

    weights = np.array([[1.0, 1e-39], [-1e-20, -0.5]], dtype=np.float32)
    helper = onnx.helper
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        values[:1],
        values[1:],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    plain = without_denormals(helper.make_model(graph).SerializeToString())
    kept = onnx.numpy_helper.to_array(onnx.load_model_from_string(plain).graph.initializer[0])
    assert kept.tolist() == [[1.0, 0.0], [0.0, -0.5]]
    assert without_denormals(plain) == plain
    with pytest.raises(ModelUnusable):
        without_denormals(b"no network")
