"""Trains the network: AdamW, one cycle, and a running average of the weights, which is what is kept."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from prompt_training.augmentation import Batch, Chance, batch_of, batches
from prompt_training.network import Network, of_language, steps_of
from prompt_training.sounds import Sounds

_REPORT_EVERY_S = 20.0
_RISE = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn: `minutes` of wall clock or `steps`, whichever ends first; each line `times` times."""

    steps: int
    minutes: float
    batch: int
    rate: float
    seed: int
    times: int


def train(
    sounds: Sounds, held_out: Sounds, network: Network, plan: Plan
) -> tuple[Network, dict[str, object]]:
    """The averaged network in evaluation mode on the CPU, and how the training went."""
    device = sounds.sound.device
    torch.manual_seed(plan.seed)
    chance = Chance(plan.seed, device)
    network.train()
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.9985))
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=0.02)
    started, shown, step, done, recent = time.monotonic(), 0.0, 0, 0.0, torch.zeros((), device=device)
    heard = batches(sounds, plan.batch, plan.times, chance)
    while done < 1:
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * _cycle(done)
        loss = loss_of(network, next(heard))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        average.update_parameters(network)
        step += 1
        recent = 0.98 * recent + 0.02 * loss.detach()
        seconds = time.monotonic() - started
        done = max(step / plan.steps, seconds / (60 * plan.minutes))
        if seconds - shown > _REPORT_EVERY_S:
            shown = seconds
            print(f"{step:6d} {float(recent) / (1 - 0.98**step):.4f} {seconds:.0f} s", flush=True)
    # The averaged weights need normalisation statistics of their own.
    update_bn((_inputs(next(heard)) for _ in range(50)), average)
    trained: Network = average.module.eval()
    summary = {
        **asdict(plan),
        **asdict(network.shape),
        "steps": step,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "final_loss": round(float(recent), 4),
        "held_out_loss": round(held_out_loss(trained, held_out), 4),
        "seconds": round(time.monotonic() - started),
        "parameters": sum(parameter.numel() for parameter in trained.parameters()),
    }
    return trained.cpu(), summary


def loss_of(network: nn.Module, batch: Batch) -> Tensor:
    scores = network(batch.features, batch.frames)
    loss: Tensor = nn.functional.ctc_loss(
        of_language(scores, batch.mandarin).transpose(0, 1),
        batch.labels,
        steps_of(batch.frames),
        batch.digits,
        zero_infinity=True,
    )
    return loss


def held_out_loss(network: Network, sounds: Sounds, count: int = 512) -> float:
    """On augmented lines of voices that were never trained on, the same lines for every network."""
    chance = Chance(0, sounds.sound.device)
    with torch.no_grad():
        losses = [float(loss_of(network, batch_of(sounds, 64, chance))) for _ in range(max(1, count // 64))]
    return sum(losses) / len(losses)


def _cycle(done: float) -> float:
    """Up in a tenth of the time, then down to nearly nothing along a cosine."""
    if done < _RISE:
        return 0.1 + 0.9 * done / _RISE
    falling = (done - _RISE) / (1 - _RISE)
    return 0.001 + 0.999 * 0.5 * (1 + float(torch.cos(torch.tensor(falling * torch.pi))))


def _inputs(batch: Batch) -> Tensor:
    return batch.features
