"""Frames from all over a clip or a folder."""

import pytest
from PIL import Image

from authsvc.errors import InvalidRequest
from authsvc.lab.clips import MOST_FRAMES, frames_of


def test_a_clip_gives_frames_from_all_over_it(test_data):
    pytest.importorskip("av", reason="PyAV is not installed, so clips cannot be read")
    frames = frames_of(test_data / "pad" / "live_clip.mp4")
    assert len(frames) == MOST_FRAMES
    assert len(set(frames)) == len(frames)


def test_a_folder_gives_its_frames_in_order(tmp_path):
    for number in range(30):
        Image.new("L", (4, 4), number).save(tmp_path / f"{number:03}.png")
    frames = frames_of(tmp_path)
    assert len(frames) == MOST_FRAMES
    assert frames[0] == (tmp_path / "000.png").read_bytes()
    assert frames[-1] == (tmp_path / "029.png").read_bytes()


def test_a_clip_that_is_none_is_refused(tmp_path):
    pytest.importorskip("av", reason="PyAV is not installed, so clips cannot be read")
    (tmp_path / "clip.mp4").write_bytes(b"nothing at all")
    with pytest.raises(InvalidRequest, match="is not a clip"):
        frames_of(tmp_path / "clip.mp4")
