"""How long does it take to look for the same face among everybody's templates, and does an index find what exact search finds?

Made-up unit vectors of 128 numbers. Exact search is one matrix product; faiss is compared where it is installed:

    .venv/bin/python benchmarks/duplicates.py --json
    uv run --no-sync --with faiss-cpu benchmarks/duplicates.py --json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.words import Modality, Template
from authsvc.face.duplicates import MOST_TEMPLATES, look_alikes
from authsvc.face.gallery import Gallery

_DIMENSION = 128
_MODEL = "sha256:made-up"
_THRESHOLD = 0.9577
_NEIGHBOURS = 10
_PEOPLE = 2_000  # Templates lie about so many directions, as those of people who look alike do.

Vectors = NDArray[np.float32]


def measure(sizes: tuple[int, ...], rounds: int) -> dict[str, Any]:  # Any: JSON
    figures: dict[str, Any] = {"dimension": _DIMENSION, "sizes": {}}
    for size in sizes:
        vectors = _crowd(size)
        probes = vectors[: max(rounds, 20)]
        row: dict[str, Any] = {
            "matrix_product_ms": _median_ms(partial(_exact, vectors, probes[0]), rounds),
            "memory_mb": round(vectors.nbytes / 1e6, 1),
        }
        if size <= MOST_TEMPLATES:
            row["gallery_ms"] = _gallery_ms(vectors, rounds)
            row["look_alikes_ms"] = _look_alikes_ms(vectors, rounds)
        row |= _faiss(vectors, probes, rounds)
        figures["sizes"][str(size)] = row
    return figures


def _crowd(size: int) -> Vectors:
    chance = np.random.default_rng(size)
    centres = chance.normal(size=(_PEOPLE, _DIMENSION)).astype(np.float32)
    vectors = centres[chance.integers(_PEOPLE, size=size)]
    vectors += chance.normal(scale=0.7, size=vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors)


def _exact(vectors: Vectors, probe: Vectors) -> NDArray[np.int64]:
    return np.flatnonzero(vectors @ probe >= _THRESHOLD)


def _gallery_ms(vectors: Vectors, rounds: int) -> float:
    """The room's gallery, which keeps the rows in memory."""
    gallery = Gallery(_MODEL, _DIMENSION)
    for number, row in enumerate(vectors):
        gallery.put(str(number), _template(row))
    return _median_ms(lambda: gallery.search(_template(vectors[0]), _THRESHOLD), rounds)


def _look_alikes_ms(vectors: Vectors, rounds: int) -> float:
    """The room's search over templates as they were opened, which puts the rows together first."""
    templates = [_template(row) for row in vectors]
    return _median_ms(lambda: look_alikes(templates[0], templates, _THRESHOLD), rounds)


def _template(row: Vectors) -> Template:
    return Template(Modality.FACE, _MODEL, row.tobytes(), 3)


def _faiss(vectors: Vectors, probes: Vectors, rounds: int) -> dict[str, Any]:  # Any: JSON
    try:
        import faiss  # type: ignore[import-not-found]  # not a dependency
    except ImportError:
        return {"faiss": "not installed"}
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(_DIMENSION)
    flat.add(vectors)
    graph = faiss.IndexHNSWFlat(_DIMENSION, 32, faiss.METRIC_INNER_PRODUCT)
    graph.add(vectors)
    _, exact = flat.search(probes, _NEIGHBOURS)
    _, found = graph.search(probes, _NEIGHBOURS)
    shared = [len(set(one) & set(other)) for one, other in zip(exact, found, strict=True)]
    return {
        "faiss_flat_ms": _median_ms(lambda: flat.search(probes[:1], _NEIGHBOURS), rounds),
        "faiss_hnsw_ms": _median_ms(lambda: graph.search(probes[:1], _NEIGHBOURS), rounds),
        "faiss_hnsw_recall_at_10": round(statistics.mean(shared) / _NEIGHBOURS, 3),
    }


def _median_ms(action: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return round(statistics.median(taken) * 1000, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    figures = measure(tuple(options.sizes), options.rounds)
    for size, row in figures["sizes"].items():
        print(f"{size:>9} templates: " + ", ".join(f"{name} {value}" for name, value in row.items()))
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
