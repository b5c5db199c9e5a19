"""Everybody's templates of one model, held in memory to be searched: exact, by one matrix product.

For the optional look-alike alert at enrollment, behind its own consent and off by default. Nothing of it is written to disk. A
million templates take 512 MB and some tens of milliseconds; an approximate index is faster and misses one in ten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from authsvc.biometric.vectors import Vectors, unpack
from authsvc.biometric.words import Modality, Template
from authsvc.errors import ModelUnusable

_FIRST_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Resemblance:
    """`handle` is whatever the caller put the template under; `score` the cosine similarity, higher is more alike."""

    handle: str
    score: float


class Gallery:
    """Templates under handles. Not safe between threads: it lives in a biometric worker, which does one thing at a time."""

    def __init__(self, model: str, dimension: int) -> None:
        """`model` is the manifest's digest: templates of another are refused."""
        self._model = model
        self._dimension = dimension
        self._rows: Vectors = np.empty((_FIRST_ROWS, dimension), dtype=np.float32)
        self._handles: list[str] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def put(self, handle: str, template: Template) -> None:
        """Add or replace; raises ModelUnusable for a template of another model."""
        vector = self._vector(template)
        place = self._places.get(handle)
        if place is None:
            place = self._append(handle)
        self._rows[place] = vector

    def remove(self, handle: str) -> None:
        """Forget a template, as when its person is erased; unknown handles are none to forget."""
        place = self._places.pop(handle, None)
        if place is None:
            return
        last = self._handles.pop()
        if last != handle:
            # The last row fills the gap, so that what is searched stays in one piece.
            self._rows[place] = self._rows[len(self._handles)]
            self._handles[place] = last
            self._places[last] = place
        self._rows[len(self._handles)] = 0

    def search(self, template: Template, threshold: float) -> tuple[Resemblance, ...]:
        """Everybody who scores `threshold` or more, the most alike first; raises as `put` does.

        One against many makes as many comparisons as there are templates: at a threshold for 1 in 10 000, expect ten alerts in
        100 000.
        """
        scores = self._rows[: len(self)] @ self._vector(template)
        found = np.flatnonzero(scores >= threshold)
        best_first = found[np.argsort(-scores[found], kind="stable")]
        return tuple(Resemblance(self._handles[place], float(scores[place])) for place in best_first)

    def _append(self, handle: str) -> int:
        place = len(self._handles)
        if place == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._handles.append(handle)
        self._places[handle] = place
        return place

    def _vector(self, template: Template) -> Vectors:
        if template.modality is not Modality.FACE or template.model != self._model:
            raise ModelUnusable("the template was made by another model, and models are never compared")
        vector: Vectors = unpack(template.vector)
        if vector.shape != (self._dimension,):
            raise ModelUnusable(f"the template has {vector.size} numbers, and {self._dimension} are expected")
        return vector
