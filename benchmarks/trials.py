"""How long does an evaluation of all pairs take, and how much memory, beside a plain matrix product of the same size?

Made-up unit vectors of 128 numbers, one of each person: every probe meets every template. `--probes` bounds how many are
timed, since the time grows with them and the memory only by themselves (512 bytes each).

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/trials.py --json
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from authsvc.lab.trials import Fused, Trials

_DIMENSION = 128
_THRESHOLD = 0.5
_BLOCK = 1 << 20
"""Scores of one product, as many as the evaluation looks at together."""


def measure(size: int, probes: int) -> dict[str, Any]:  # Any: JSON
    trials = _trials(size, probes)
    product = _seconds(lambda: _products(trials))
    histogram = _seconds(trials.histogram)
    tail = _seconds(lambda: trials.impostor_tail(_THRESHOLD))
    return {
        "templates": size,
        "probes": probes,
        "pairs": size * probes,
        "product_s": round(product, 2),
        "histogram_s": round(histogram, 2),
        "tail_s": round(tail, 2),
        "histogram_ratio": round(histogram / product, 2),
        "tail_ratio": round(tail / product, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _trials(size: int, probes: int) -> Trials:
    chance = np.random.default_rng(size)
    vectors = chance.normal(size=(size, _DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    everybody = np.arange(size, dtype=np.int64)
    templates = Fused(vectors, everybody, np.ones(size))
    asked = Fused(vectors.copy(), everybody, np.ones(size)).only(everybody[:probes])
    return Trials(1, 1, size, templates, asked, np.zeros(0), np.zeros(0, dtype=np.int64))


def _products(trials: Trials) -> None:
    height = max(1, _BLOCK // len(trials.templates.vectors))
    for start in range(0, len(trials.probes.vectors), height):
        _ = trials.probes.vectors[start : start + height] @ trials.templates.vectors.T


def _seconds(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--size", type=int, default=100_000)
    options.add_argument("--probes", type=int, default=1_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    found = measure(chosen.size, chosen.probes)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:>16}  {value}")


if __name__ == "__main__":
    main()
