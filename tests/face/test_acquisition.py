"""Frames are taken from all over a sequence."""

from authsvc.face.acquisition import spread


def test_frames_are_taken_from_all_over_the_sequence() -> None:
    assert spread(range(10), 3) == (0, 4, 9)
    assert spread(range(10), 1) == (5,)
    assert spread(range(2), 3) == (0, 1)
