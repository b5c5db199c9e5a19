"""How long does an evaluation of all pairs take, and how much memory, beside a plain matrix product of the same size?

Made-up unit vectors of 128 numbers, one of each person: every probe meets every template. `--probes` bounds how many are
timed; the memory is that of the vectors and of one tile. The product is timed twice: by rows, a gigabyte at a time and
nothing else done, as one would write it; and in the evaluation's own tiles, the quickest way that was found. CPU time.

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
_SIDE = 1000
_ROWS = 2_500


def measure(size: int, probes: int) -> dict[str, Any]:  # Any: JSON
    trials = _trials(size, probes)
    found = {
        "histogram": _seconds(trials.histogram),
        "tail": _seconds(lambda: trials.impostor_tail(_THRESHOLD)),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    products = {
        "product": _seconds(lambda: _products(trials, _ROWS, size)),
        "tiles": _seconds(lambda: _products(trials, _SIDE, _SIDE)),
    }
    return {
        "templates": size,
        "probes": probes,
        "pairs": size * probes,
        **{f"{name}_s": round(seconds, 2) for name, seconds in {**found, **products}.items()},
        **{
            f"{name}_by_{product}": round(found[name] / products[product], 2)
            for name in found
            for product in products
        },
        "peak_mb": round(peak),
    }


def _trials(size: int, probes: int) -> Trials:
    chance = np.random.default_rng(size)
    vectors = chance.normal(size=(size, _DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    everybody = np.arange(size, dtype=np.int64)
    templates = Fused(vectors, everybody, np.ones(size))
    asked = Fused(vectors.copy(), everybody, np.ones(size)).only(everybody[:probes])
    return Trials(1, 1, size, templates, asked, np.zeros(0), np.zeros(0, dtype=np.int64))


def _products(trials: Trials, height: int, width: int) -> None:
    """Into memory that is there already: else its pages would be a good part of what is timed."""
    memory = np.empty((height, width), dtype=np.float32)
    for row in range(0, len(trials.probes.vectors), height):
        for column in range(0, len(trials.templates.vectors), width):
            some = trials.probes.vectors[row : row + height]
            others = trials.templates.vectors[column : column + width]
            np.matmul(some, others.T, out=memory[: len(some), : len(others)])


def _seconds(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--size", type=int, default=100_000)
    options.add_argument("--probes", type=int, help="by default as many as templates")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    found = measure(chosen.size, chosen.probes or chosen.size)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:>16}  {value}")


if __name__ == "__main__":
    main()
