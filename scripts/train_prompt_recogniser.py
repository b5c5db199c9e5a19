"""Trains the recogniser of spoken digits from nothing but synthetic voices, and writes its weights and its report.

Needs espeak-ng, flite and festival on the PATH, and torch, onnx, onnxruntime, numpy, soundfile and soxr in an environment
of its own (torch is no dependency of the project). One core is enough; a second run with the same seed repeats the first.

    python scripts/train_prompt_recogniser.py --work FOLDER --out models/digits-ctc-v1.onnx
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import torch

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent)]

from prompt_training.augmentation import example  # noqa: E402 - found through the line above
from prompt_training.corpus import Corpus, synthesise  # noqa: E402
from prompt_training.export import to_onnx  # noqa: E402
from prompt_training.network import Network  # noqa: E402
from prompt_training.training import train  # noqa: E402
from prompt_training.voices import HELD_OUT  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where the synthesised corpus is kept")
    parser.add_argument(
        "--out", type=Path, required=True, help="the ONNX file; the report is written beside it"
    )
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=1, help="synthesisers at a time")
    options = parser.parse_args()
    torch.set_num_threads(1)
    file = options.work / f"corpus-{options.seed}.npz"
    if not file.exists():
        options.work.mkdir(parents=True, exist_ok=True)
        synthesise(file, options.seed, options.processes)
    corpus = Corpus(file)
    network, training = train(corpus, options.steps, options.seed)
    weights = to_onnx(network)
    options.out.write_bytes(weights)
    report = {
        "weights": {"sha256": hashlib.sha256(weights).hexdigest(), "size": len(weights)},
        "corpus": described(corpus),
        "training": training,
        "parity": parity(network, weights, corpus),
    }
    options.out.with_suffix(".json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    print(json.dumps(report))


def described(corpus: Corpus) -> dict[str, object]:
    seconds = sum(utterance.sound.size for utterance in corpus.utterances) / 8000
    counted = Counter(f"{utterance.program} {utterance.language}" for utterance in corpus.utterances)
    return {
        "utterances": dict(sorted(counted.items())),
        "minutes": round(seconds / 60, 1),
        "human_speech": "none",
        "held_out_espeak_variants": sorted(HELD_OUT),
    }


def parity(network: Network, weights: bytes, corpus: Corpus) -> dict[str, float]:
    """The largest difference in probability between the float32 network and the float16 file in onnxruntime."""
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    chance = np.random.default_rng(0)
    largest = 0.0
    for _ in range(50):
        features = example(corpus, chance)[0][None]
        with torch.no_grad():
            expected = network(torch.from_numpy(features))[0].exp().numpy()
        largest = max(
            largest, float(np.abs(np.exp(session.run(None, {"features": features})[0]) - expected).max())
        )
    return {"largest_probability_difference": largest}


if __name__ == "__main__":
    main()
