"""Weight files: fetched by hash, converted alike everywhere, put in place whole or not at all."""

from pathlib import Path

import pytest

from authsvc.biometric.model_store.prepare import prepare
from authsvc.biometric.weights import verified_weights
from authsvc.errors import ModelUnusable
from tests.biometric.model_store.shelf import CONTENT, Shelf


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
