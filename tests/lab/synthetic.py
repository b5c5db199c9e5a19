"""Made-up people: a direction for each, and samples scattered about it."""

import numpy as np

from authsvc.biometric.vectors import Vectors
from authsvc.lab.trials import Samples


def directions(people: int, dimension: int = 32, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(people, dimension))


def samples_about(centre: np.ndarray, count: int, scatter: float, seed: int) -> list[Vectors]:
    """`count` unit vectors about a direction; a scatter of 0.5 keeps people apart, 1.5 mixes them up."""
    noise = np.random.default_rng(seed).normal(size=(count, len(centre)))
    vectors = centre + scatter * noise
    return [(vector / np.linalg.norm(vector)).astype(np.float32) for vector in vectors]


def crowd(people: int, count: int, scatter: float = 1.0, seed: int = 7) -> list[Samples]:
    made = [
        samples_about(centre, count, scatter, seed + number)
        for number, centre in enumerate(directions(people, seed=seed))
    ]
    return [Samples(vectors, vectors) for vectors in made]
