"""What surrounds a face: the same room is the same room in another light, and a shifted picture is another."""

import base64

import numpy as np

from authsvc.face.mesh import Mesh
from authsvc.face.scene import BACKGROUND, CELLS, change, surroundings

RNG = np.random.default_rng(7)
ROOM = np.kron(RNG.integers(40, 200, (24, 32)), np.ones((20, 20))).astype(np.uint8)[..., None].repeat(3, 2)


def face_at(left: float, top: float, size: float) -> Mesh:
    points = RNG.uniform(0, 1, (468, 3)) * size + (left, top, 0)
    points[0, :2], points[1, :2] = (left, top), (left + size, top + size)
    return Mesh(points, 1.0)


def cells(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(CELLS, CELLS)


def test_nothing_is_kept_where_the_face_is():
    seen = cells(surroundings(ROOM, face_at(200, 120, 160)))
    assert (seen[4:9, 5:9] == 0).all()
    assert (seen[0] > 0).all()
    assert (cells(surroundings(ROOM, None)) > 0).all()


def test_another_light_is_no_other_room():
    darker = (ROOM.astype(int) - 30).clip(0, 255).astype(np.uint8)
    assert change(surroundings(ROOM, None), surroundings(darker, None)) < 2


def test_a_shift_of_a_tenth_is_seen_beside_a_face_that_stays():
    face = face_at(200, 120, 160)
    shifted = np.roll(ROOM, ROOM.shape[1] // 10, axis=1)
    still = change(surroundings(ROOM, face), surroundings(ROOM, face))
    assert still == 0
    assert change(surroundings(ROOM, face), surroundings(shifted, face)) > 5


def test_what_moves_by_itself_is_left_out_and_a_shift_of_all_is_not():
    waved = ROOM.copy()
    waved[:60, :100] = 255 - waved[:60, :100]
    before, face = surroundings(ROOM, None), face_at(200, 120, 160)
    assert change(before, surroundings(waved, None)) > 1
    assert change(before, surroundings(waved, None), BACKGROUND) < 0.2
    shifted = surroundings(np.roll(ROOM, ROOM.shape[1] // 10, axis=1), face)
    assert change(surroundings(ROOM, face), shifted, BACKGROUND) > 5


def test_where_faces_cover_everything_nothing_is_claimed():
    everywhere = surroundings(ROOM, face_at(0, 0, 700))
    assert change(everywhere, everywhere) == 0
