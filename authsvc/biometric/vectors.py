"""Vectors that describe faces or voices: unit length, their mean, their cosine, and the bytes that a template stores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def unit(vectors: Vectors) -> Vectors:
    """Each row (or the one vector) scaled to length 1, float32."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(length, np.finfo(np.float32).tiny)).astype(np.float32)
    return scaled


def fuse(vectors: Vectors) -> Vectors:
    """The mean of unit rows, scaled to length 1: the template of several samples, the probe of several frames or phrases."""
    return unit(vectors.mean(axis=0))


def cosine(one: Vectors, other: Vectors) -> float:
    """How alike two unit vectors are, in [-1, 1]: higher is more alike."""
    return float(np.clip(one @ other, -1.0, 1.0))


def least_alike(vectors: Vectors) -> float:
    """The smallest cosine between any two rows; 1 for a single row."""
    return float(np.clip((vectors @ vectors.T).min(), -1.0, 1.0))


def pack(vector: Vectors) -> bytes:
    """Little-endian float32."""
    return vector.astype("<f4").tobytes()


def unpack(data: bytes) -> Vectors:
    return np.frombuffer(data, dtype="<f4")
