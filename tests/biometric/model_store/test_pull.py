"""`authsvc models pull`: by URL with resume, by file, and never without the licence or the right bytes."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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
