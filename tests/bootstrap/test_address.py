"""Where a service is reached: as is set, as it said itself, or by default."""

from dataclasses import replace
from pathlib import Path

import pytest

from authsvc.bootstrap.address import address_of, note_address
from authsvc.config import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"AUTHSVC_DATA_DIR": str(tmp_path)})


def test_what_the_service_said_is_found_beside_it(settings: Settings) -> None:
    note_address(replace(settings, port=9123))
    assert address_of(settings) == replace(settings, port=9123).public_url
    assert address_of(settings).endswith(":9123")


def test_what_is_set_counts_before_what_was_said(settings: Settings) -> None:
    note_address(replace(settings, port=9123))
    assert address_of(replace(settings, base_url="https://pay.example")) == "https://pay.example"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_without_a_word_it_is_the_default(settings: Settings, content: bytes | None) -> None:
    if content is not None:
        (settings.data_dir / "address").write_bytes(content)
    assert address_of(settings) == settings.public_url


def test_a_folder_that_is_not_there_keeps_nobody_from_starting(settings: Settings, tmp_path: Path) -> None:
    note_address(replace(settings, data_dir=tmp_path / "gone"))
    assert not (tmp_path / "gone").exists()
