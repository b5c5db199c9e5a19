"""One member out of a pinned archive: the very bytes, or a refusal that says what is wrong."""

from pathlib import Path

import pytest

from authsvc.biometric.manifest import Source
from authsvc.biometric.model_store.archive import check_archive, read_member
from authsvc.errors import ModelUnusable
from tests.biometric.model_store.shelf import CONTENT, Shelf


def source(shelf: Shelf) -> Source:
    found = shelf.manifest().weights[0].source
    assert found is not None
    return found


def test_the_pinned_member_is_read(shelf: Shelf) -> None:
    check_archive(shelf.archive, source(shelf))
    assert read_member(shelf.archive, source(shelf)) == CONTENT


def test_an_archive_that_is_not_there_is_said(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="does not exist"):
        check_archive(tmp_path / "nowhere.tar.gz", source(shelf))


def test_another_archive_of_the_same_length_is_refused(shelf: Shelf) -> None:
    pinned = source(shelf)
    shelf.archive.write_bytes(shelf.archive.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelUnusable, match="SHA-256"):
        check_archive(shelf.archive, pinned)


@pytest.mark.parametrize("change", [{"member": "pack-1.0/pack/other.dat"}, {"size": 3}, {"sha256": "0" * 64}])
def test_a_member_that_is_not_the_pinned_one_is_refused(shelf: Shelf, change: dict[str, object]) -> None:
    with pytest.raises(ModelUnusable):
        read_member(shelf.archive, source(shelf).model_copy(update=change))
