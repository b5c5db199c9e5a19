"""Vectors of faces and voices: of unit length, alike between -1 and 1, and the same after being stored."""

import numpy as np
import pytest

from authsvc.biometric.vectors import cosine, fuse, least_alike, pack, unit, unpack

ROWS = np.array([[3.0, 4.0], [0.0, 2.0]], dtype=np.float32)


def test_rows_are_scaled_to_length_one_and_a_zero_stays_finite() -> None:
    assert np.linalg.norm(unit(ROWS), axis=1) == pytest.approx([1, 1])
    assert np.isfinite(unit(np.zeros((1, 2), dtype=np.float32))).all()


def test_a_template_is_the_mean_direction() -> None:
    assert fuse(np.array([[1, 0], [0, 1]], dtype=np.float32)) == pytest.approx([0.5**0.5] * 2)


def test_likeness_runs_from_minus_one_to_one() -> None:
    one = unit(ROWS)[0]
    assert cosine(one, one) == pytest.approx(1)
    assert cosine(one, -one) == pytest.approx(-1)
    assert cosine(one * 1.001, one) <= 1


def test_the_least_alike_pair_counts() -> None:
    rows = unit(np.array([[1, 0], [1, 0.1], [0, 1]], dtype=np.float32))
    assert least_alike(rows) == pytest.approx(0, abs=1e-6)
    assert least_alike(rows[:1]) == pytest.approx(1)


def test_what_is_stored_comes_back_bit_by_bit() -> None:
    vector = unit(ROWS)[0]
    assert pack(vector)[:4] == vector[:1].astype("<f4").tobytes()
    assert np.array_equal(unpack(pack(vector)), vector)
