"""Trains a recogniser of spoken digits from nothing but synthetic voices, and writes its weights and its report.

Needs espeak-ng, flite and festival with their voices (prompt_training/voices.py names them) on the PATH, Kokoro in the folder
`KOKORO` (docs/voice.md), and torch, onnx, onnxruntime, numpy, soundfile and soxr in an environment of its own (torch is no
dependency of the project). On a graphics processor the second network took seven minutes beside three others; one core takes
some hours, and some 12 s a voice of Kokoro's.

    python scripts/train_prompt_recogniser.py --work FOLDER --out models/digits-ctc-v2.onnx --device cuda \\
        --channels 160 --hidden 112 --layers 1 --batch 256 --seed 9 --steps 3425
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

from prompt_training.augmentation import Chance, batch_of  # noqa: E402 - found through the line above
from prompt_training.corpus import Utterance, Voices, load, synthesise  # noqa: E402
from prompt_training.eight_bits import in_eight_bits  # noqa: E402
from prompt_training.export import to_onnx  # noqa: E402
from prompt_training.network import Network, Shape  # noqa: E402
from prompt_training.resume import resumed  # noqa: E402
from prompt_training.sounds import Sounds  # noqa: E402
from prompt_training.training import Plan, train  # noqa: E402
from prompt_training.voices import held_out_voices, training_voices  # noqa: E402


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    voices, held_out = (
        _utterances(options.work / f"{name}-{options.corpus_seed}", options, of)
        for name, of in (("training", training_voices), ("held-out", held_out_voices))
    )
    device = torch.device(options.device)
    plan = Plan(options.steps, options.minutes, options.batch, options.rate, options.seed, options.times)
    sounds = Sounds(voices, device)
    network, training = train(sounds, Sounds(held_out, device), _begun(options, sounds), plan)
    halves = to_onnx(network)
    weights = in_eight_bits(halves)
    options.out.write_bytes(weights)
    report = {
        "weights": {"sha256": _digest(options.out), "size": len(weights)},
        "corpus": described(voices),
        "held_out": described(held_out),
        "training": training | ({"resumed_from": _digest(options.resume)} if options.resume else {}),
        "parity": {
            "largest_probability_difference": parity(network, halves, voices),
            "largest_probability_difference_in_eight_bits": parity(network, weights, voices),
        },
    }
    options.out.with_suffix(".json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    print(json.dumps(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where the synthesised corpus is kept")
    parser.add_argument(
        "--out", type=Path, required=True, help="the ONNX file; the report is written beside it"
    )
    parser.add_argument("--resume", type=Path, help="an ONNX file to go on from; its shape is kept")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=600.0, help="ends the training before its steps")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--times", type=int, default=1, help="how often a spoiled line is heard")
    parser.add_argument("--channels", type=int, default=Shape().channels)
    parser.add_argument("--hidden", type=int, default=Shape().hidden)
    parser.add_argument("--layers", type=int, default=Shape().layers)
    parser.add_argument("--dropout", type=float, default=Shape().dropout)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--corpus-seed", type=int, default=7)
    parser.add_argument(
        "--processes", type=int, default=1, help="synthesisers at a time; 0: what lies in the folder is used"
    )
    return parser.parse_args()


def _utterances(folder: Path, options: argparse.Namespace, voices: Voices) -> list[Utterance]:
    """Synthesised where it is not there already."""
    if options.processes:
        synthesise(folder, voices, options.corpus_seed, options.processes)
    return load(folder)


def _begun(options: argparse.Namespace, sounds: Sounds) -> Network:
    """A new network, or the one in the file to go on from, on the device of the sounds."""
    device = sounds.sound.device
    if options.resume is None:
        torch.manual_seed(options.seed)
        return Network(Shape(options.channels, options.hidden, options.layers, options.dropout)).to(device)
    shown = batch_of(sounds, 64, Chance(options.seed, device)).features.cpu()
    return resumed(options.resume.read_bytes(), options.dropout, shown).to(device)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def described(utterances: list[Utterance]) -> dict[str, object]:
    seconds = sum(utterance.sound.size for utterance in utterances) / 8000
    counted = Counter(f"{one.program} {one.language} spelled {one.spelling}" for one in utterances)
    return {
        "utterances": dict(sorted(counted.items())),
        "voices": len({utterance.voice for utterance in utterances}),
        "minutes": round(seconds / 60, 1),
        "human_speech": "none",
    }


def parity(network: Network, weights: bytes, utterances: list[Utterance]) -> float:
    """The largest difference in probability between the float32 network and the file in onnxruntime."""
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    cpu = torch.device("cpu")
    batch = batch_of(Sounds(utterances, cpu), 16, Chance(0, cpu))
    largest = 0.0
    for features, frames in zip(batch.features, batch.frames, strict=True):
        heard = features[None, : int(frames)]
        with torch.no_grad():
            expected = network(heard)[0].softmax(-1).numpy()
        answered = np.exp(session.run(None, {"features": heard.numpy()})[0])
        largest = max(largest, float(np.abs(answered - expected).max()))
    return largest


if __name__ == "__main__":
    main()
