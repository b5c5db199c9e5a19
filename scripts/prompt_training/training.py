"""Trains the network: AdamW, one cycle, and a running average of the weights, which is what is kept."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from prompt_training.augmentation import example
from prompt_training.corpus import Corpus
from prompt_training.network import Network, steps_of

_BATCH = 16
_PEAK_RATE = 4e-3
_REPORT_EVERY = 100


def train(corpus: Corpus, steps: int, seed: int) -> tuple[Network, dict[str, object]]:
    """The averaged network in evaluation mode, and how the training went."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    network = Network()
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.998))
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PEAK_RATE, total_steps=steps)
    loss_of = nn.CTCLoss(zero_infinity=True)
    losses: list[float] = []
    started = time.monotonic()
    for step in range(1, steps + 1):
        features, labels, lengths, label_lengths = _batch(corpus, chance)
        optimiser.zero_grad()
        loss = loss_of(network(features).transpose(0, 1), labels, lengths, label_lengths)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        losses.append(float(loss.detach()))
        if step % _REPORT_EVERY == 0:
            print(
                f"{step:6d} {np.mean(losses[-_REPORT_EVERY:]):.4f} {time.monotonic() - started:.0f} s",
                flush=True,
            )
    # The averaged weights need normalisation statistics of their own.
    update_bn((_batch(corpus, chance)[0] for _ in range(200)), average)
    trained: Network = average.module
    summary = {
        "steps": steps,
        "seed": seed,
        "batch": _BATCH,
        "final_loss": round(float(np.mean(losses[-200:])), 4),
        "seconds": round(time.monotonic() - started),
        "parameters": sum(parameter.numel() for parameter in trained.parameters()),
    }
    return trained.eval(), summary


def _batch(corpus: Corpus, chance: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    examples = [example(corpus, chance) for _ in range(_BATCH)]
    features = [torch.from_numpy(feature) for feature, _ in examples]
    labels = [torch.tensor(label) for _, label in examples]
    return (
        nn.utils.rnn.pad_sequence(features, batch_first=True),
        torch.cat(labels),
        _lengths([steps_of(len(feature)) for feature in features]),
        _lengths([len(label) for label in labels]),
    )


def _lengths(numbers: Sequence[int]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.long)
