"""The recogniser's input for a whole batch in torch: what `authsvc.voice.prompt_features` computes for one recording."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from authsvc.voice.prompt_features import FLOOR, FRAME, HOP, PRE_EMPHASIS, TINY, mel_bands, window

_FFT = 256


@cache
def warped() -> Tensor:
    """`13 x 129 x 40`: the bands of longer and shorter vocal tracts."""
    return torch.from_numpy(np.stack([mel_bands(float(warp)) for warp in np.linspace(0.84, 1.2, 13)]))


def batch_features(samples: Tensor, frames: Tensor, warps: Tensor) -> Tensor:
    """`n x frames x 40`, zero after each recording's own `frames`; `warps` are indices into `warped()`."""
    before = torch.nn.functional.pad(samples, (1, 0))[:, :-1]
    emphasised = torch.nn.functional.pad(
        samples - PRE_EMPHASIS * before, (0, max(0, FRAME - samples.shape[1]))
    )
    shaped = torch.from_numpy(window()).to(samples.device)
    power = torch.fft.rfft(emphasised.unfold(1, FRAME, HOP) * shaped, _FFT).abs().square()
    bands = warped().to(samples.device)[warps]
    valid = (torch.arange(power.shape[1], device=samples.device) < frames[:, None])[..., None]
    count = frames[:, None, None].float()
    mean_power = (power * valid).sum((1, 2), keepdim=True) / (count * power.shape[2])
    logarithm = torch.log(power @ bands + FLOOR * mean_power * bands.sum(1, keepdim=True) + TINY)
    centred = (logarithm - (logarithm * valid).sum(1, keepdim=True) / count) * valid
    deviation = (centred.square().sum((1, 2), keepdim=True) / (count * centred.shape[2])).sqrt()
    return centred / (deviation + 1e-3)
