"""What surrounds a face: the same room is the same room in another light, and a shifted picture is another."""

import base64

import numpy as np
import pytest

from authsvc.face.mesh import STILL, Mesh, Shift, read, written
from authsvc.face.scene import BACKGROUND, CELLS, change, shifts, surroundings

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


# -- How the room is moved -----------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 320, 480


def view(lies: Shift) -> np.ndarray:
    """A wall with soft shapes on it, whose place `z` is seen at `lies.turn * z + lies.by`."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    places = (columns + 1j * rows - lies.by) / lies.turn
    light = sum(
        np.sin(a * places.real + b * places.imag + c)
        for a, b, c in ((0.05, 0.03, 0), (-0.02, 0.06, 2), (0.03, -0.04, 4))
    )
    return np.repeat((128 + 35 * light).astype(np.uint8)[..., None], 3, axis=2)


def about_the_middle(x: float, y: float, degrees: float, growth: float) -> Shift:
    middle, turn = complex(WIDTH, HEIGHT) / 2, growth * np.exp(1j * np.radians(degrees))
    return Shift(turn, middle - turn * middle + complex(x, y))


@pytest.mark.parametrize(
    "moved", [(0, 0, 0, 1), (4, 0, 0, 1), (-3, 5, 0, 1), (0, 0, 2, 1), (0, 0, 0, 1.02), (3, -2, -1.5, 0.985)]
)
def test_a_picture_that_is_shifted_turned_and_enlarged_is_followed(moved) -> None:
    """To half a pixel at the corner that moves most, beside a face that stays where it is."""
    there, face = about_the_middle(*moved), face_at(90, 150, 140)
    _, found = shifts([view(STILL), view(there)], [face, face])
    for corner in (0, WIDTH, complex(0, HEIGHT), complex(WIDTH, HEIGHT)):
        assert abs(found.turn * corner + found.by - there.turn * corner - there.by) < 1


def test_steps_add_up_and_can_be_undone() -> None:
    ways = [about_the_middle(2 * n, -n, n / 2, 1 + n / 200) for n in range(6)]
    face = face_at(90, 150, 140)
    last = shifts([view(way) for way in ways], [face] * 6)[-1]
    moved = Mesh(np.column_stack([*_at(ways[-1], face), face.points[:, 2] * abs(ways[-1].turn)]), 1.0)
    assert np.abs(last.undone(moved).points - face.points).max() < 2


def _at(lies: Shift, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    places = lies.turn * (mesh.points[:, 0] + 1j * mesh.points[:, 1]) + lies.by
    return places.real, places.imag


@pytest.mark.parametrize("covered", [face_at(-200, -200, 900), None], ids=["a face all over", "a plain wall"])
def test_where_nothing_is_seen_the_camera_is_taken_to_hold_still(covered: Mesh | None) -> None:
    plain = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    pictures = [view(STILL), view(about_the_middle(5, 0, 0, 1))] if covered else [plain, plain]
    face = covered or face_at(90, 150, 140)
    assert shifts(pictures, [face, face]) == [STILL, STILL]


def test_another_light_is_no_movement() -> None:
    darker = (view(STILL).astype(int) - 30).clip(0, 255).astype(np.uint8)
    _, found = shifts([view(STILL), darker], [face_at(90, 150, 140)] * 2)
    assert abs(found.turn - 1) < 1e-3
    assert abs(found.by) < 0.5


def test_shifts_wait_as_numbers() -> None:
    some = [STILL, about_the_middle(3, -2, 1, 1.01)]
    assert [one.turn for one in read(written(some))] == pytest.approx([one.turn for one in some])
