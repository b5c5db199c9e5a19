"""Frames from all over a clip or a folder."""

from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from authsvc.errors import InvalidRequest
from authsvc.lab.clips import MOST_FRAMES, Clip, clip_of, frames_of


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


def filmed(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        Image.new("L", (4, 4), number).save(folder / f"{name}.png")
    return folder


def test_a_folder_keeps_the_times_that_its_names_say(tmp_path):
    assert clip_of(filmed(tmp_path, "1-00000ms", "2-00120ms", "3-00250ms")).taken_ms == (0, 120, 250)


def test_frames_without_times_are_a_tenth_of_a_second_apart(tmp_path):
    assert clip_of(filmed(tmp_path, "a", "b", "c")).taken_ms == (0, 100, 200)


@pytest.mark.parametrize("names", [("1-00100ms", "2-00050ms"), ("1-00000ms", "2")])
def test_times_that_fall_or_that_some_frames_have_are_refused(tmp_path, names):
    with pytest.raises(InvalidRequest, match="times in their names"):
        clip_of(filmed(tmp_path, *names))


def test_a_clip_is_filmed_at_its_own_times(test_data):
    pytest.importorskip("av", reason="PyAV is not installed, so clips cannot be read")
    clip = clip_of(test_data / "pad" / "live_clip.mp4")
    apart = [later - earlier for earlier, later in pairwise(clip.taken_ms)]
    assert 60 < min(apart) <= max(apart) < 140
    assert clip.taken_ms[-1] > 9_000


def test_what_is_on_is_what_a_clip_shows_in_that_time_and_it_begins_anew():
    clip = Clip((b"a", b"b", b"c"), (0, 120, 250))
    assert clip.between(0, 200) == ((b"a", b"b"), (0, 120))
    assert clip.between(200, 600) == ((b"c", b"a", b"b"), (50, 150, 270))
    assert clip.between(130, 140) == ((b"b",), (0,))
    assert Clip((), ()).between(0, 100) == ((), ())
