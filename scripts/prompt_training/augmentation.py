"""Makes clean synthetic lines sound as if people had said them somewhere: speed, throat, room, telephone, noise.

A whole batch at a time, in torch on whatever device the sounds lie, so that a graphics processor is never kept waiting;
everything is drawn from the generator that is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prompt_training.features import FRAME, HOP, batch_features, warped
from prompt_training.sounds import MOST_DIGITS, Draw, Sounds
from prompt_training.voices import SAMPLE_RATE

_LONGEST = int(6.5 * SAMPLE_RATE)
_FFT_STEP = 4096
_SPOILED_TOGETHER = 8
_ROOM = int(0.7 * SAMPLE_RATE)
_RAND = Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """`features` n x frames x 40, zero after `frames`; labels 1 to 10 English, 11 to 20 Mandarin, `digits` of each."""

    features: Tensor
    frames: Tensor
    labels: Tensor
    digits: Tensor
    mandarin: Tensor


class Chance:
    """Random numbers on one device, from one seed."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.generator = torch.Generator(device=device)
        self.generator.manual_seed(seed)
        self.device = device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=self.device)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.device)

    def is_so(self, share: float, count: int) -> Tensor:
        return torch.rand(count, generator=self.generator, device=self.device) < share

    def whole(self, low: int, high: int, *shape: int) -> Tensor:
        """From `low` to `high` - 1."""
        return torch.randint(low, high, shape, generator=self.generator, device=self.device)


def batches(sounds: Sounds, count: int, times: int, chance: Chance) -> Iterator[Batch]:
    """Without end, `count` lines at a time: some batches' lines are spoiled once and heard `times` times, by like length.

    Spoiling costs a processor as much as learning does. Each time the throat, the pace and what is masked are others.
    """
    while True:
        draws = [sounds.draw(count, chance.generator) for _ in range(_SPOILED_TOGETHER)]
        lines = [line for draw in draws for line in _lines(sounds, draw, chance)]
        lines.sort(key=lambda line: line[0].numel())
        groups = [lines[begin : begin + count] for begin in range(0, len(lines), count)]
        for number in torch.cat([torch.randperm(len(groups)) for _ in range(times)]).tolist():
            yield _heard(groups[number], chance)


def batch_of(sounds: Sounds, count: int, chance: Chance) -> Batch:
    """`count` augmented lines."""
    return _heard(_lines(sounds, sounds.draw(count, chance.generator), chance), chance)


def _lines(sounds: Sounds, draw: Draw, chance: Chance) -> list[tuple[Tensor, Draw]]:
    """Each line's spoiled sound, at its own length, with its labels."""
    samples, lengths = said(sounds, draw, chance)
    rows = zip(spoiled(samples, lengths, chance), lengths.tolist(), draw.rows(), strict=True)
    return [(samples[:length], row) for samples, length, row in rows]


def _heard(lines: Sequence[tuple[Tensor, Draw]], chance: Chance) -> Batch:
    """Through some throat, at some pace, with something missing."""
    sound = torch.nn.utils.rnn.pad_sequence([samples for samples, _ in lines], batch_first=True)
    draw = Draw.of_rows([row for _, row in lines])
    lengths = torch.tensor([samples.numel() for samples, _ in lines], device=chance.device)
    frames = 1 + (lengths - FRAME).clamp(min=0) // HOP
    features = batch_features(sound, frames, chance.whole(0, len(warped()), len(lines)))
    features, frames = stretched(features, frames, chance.uniform(0.8, 1.25, len(lines)))
    return Batch(masked(features, frames, chance), frames, draw.labels, draw.count, draw.mandarin)


def said(sounds: Sounds, draw: Draw, chance: Chance) -> tuple[Tensor, Tensor]:
    """The drawn pieces one after the other with silence between, each at a speed and loudness of its own."""
    count = len(draw.count)
    speed = chance.uniform(0.82, 1.22, count, 1) * chance.uniform(0.9, 1.12, count, MOST_DIGITS)
    level = 10 ** (chance.uniform(-4, 4, count, MOST_DIGITS) / 20)
    longest_gap = chance.uniform(0.02, 0.4, count, 1)
    gaps = 0.005 + chance.uniform(0, 1, count, MOST_DIGITS) * longest_gap
    gaps[:, 0] = chance.uniform(0.03, 0.5, count)
    taken = (draw.sizes / speed).long() * draw.used
    silences = (gaps * SAMPLE_RATE).long() * draw.used
    begins = torch.cumsum(taken + silences, 1) - taken
    ends = (begins + taken).amax(1)
    lengths = (ends + (chance.uniform(0.03, 0.5, count) * SAMPLE_RATE).long()).clamp(max=_LONGEST)
    begins = torch.where(draw.used, begins, 10 * _LONGEST)
    times = torch.arange(int(lengths.max()), device=chance.device).expand(count, -1).contiguous()
    piece = (torch.searchsorted(begins.contiguous(), times, right=True) - 1).clamp(min=0)
    local = times - begins.gather(1, piece)
    inside = (local >= 0) & (local < taken.gather(1, piece))
    at = draw.starts.gather(1, piece) + local.clamp(min=0) * speed.gather(1, piece)
    samples = sounds.between(at.double()) * level.gather(1, piece) * inside
    return samples / (samples.abs().amax(1, keepdim=True) + 1e-6), lengths


def spoiled(samples: Tensor, lengths: Tensor, chance: Chance) -> Tensor:
    """A room, an equaliser, a telephone, coloured noise or other voices, clipping: each of them sometimes."""
    count, size = samples.shape
    points = _FFT_STEP * -(-(size + _ROOM) // _FFT_STEP)
    on_telephone, noise_on_line = chance.is_so(0.4, count), chance.is_so(0.5, count)
    line = torch.where(on_telephone[:, None], _telephone(count, points, chance), 1.0)
    filtered = torch.fft.rfft(samples, points) * _room(count, points, chance)
    spectrum = filtered * _equaliser(count, points, chance) * line
    speech = torch.fft.irfft(spectrum, points)[:, :size]
    noise = _noise(torch.where(noise_on_line[:, None], line, 1.0), points, size, chance)
    babble = sum(speech.roll(shift, 0) for shift in (1, 2, 3, 4))
    noise = torch.where(chance.is_so(0.12, count)[:, None], _of_power_1(babble), noise)
    loud = speech.abs() > 0.02 * speech.abs().amax(1, keepdim=True)
    power = (speech**2 * loud).sum(1) / (loud.sum(1) + 1)
    decibels = chance.uniform(5, 45, count)
    heard = speech + noise * (power.sqrt() * 10 ** (-decibels / 20))[:, None]
    heard = _clipped(heard, chance)
    heard = torch.where((on_telephone & chance.is_so(0.5, count))[:, None], _mu_law(heard), heard)
    return heard * (torch.arange(size, device=chance.device) < lengths[:, None])


def stretched(features: Tensor, frames: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Slower or faster at the same pitch."""
    longer = (frames * factors).round().long().clamp(min=1)
    times = (
        torch.arange(int(longer.max()), device=features.device)[None] / longer.sub(1).clamp(min=1)[:, None]
    )
    times = (times * (frames - 1)[:, None]).clamp(max=(features.shape[1] - 1))
    before = times.long()
    after = (before + 1).clamp(max=features.shape[1] - 1)
    part = (times - before)[..., None]
    bands = features.shape[2]
    first = features.gather(1, before[..., None].expand(-1, -1, bands))
    second = features.gather(1, after[..., None].expand(-1, -1, bands))
    return (1 - part) * first + part * second, longer


def masked(features: Tensor, frames: Tensor, chance: Chance) -> Tensor:
    """Two runs of bands and one short stretch of time carry nothing (SpecAugment, without warping), nor does the end."""
    count, length, bands = features.shape
    band, time = torch.arange(bands, device=chance.device), torch.arange(length, device=chance.device)
    kept = (time < frames[:, None])[..., None].expand(-1, -1, bands)
    for _ in range(2):
        first, width = chance.whole(0, bands - 5, count, 1), chance.whole(0, 6, count, 1)
        kept = kept & ~((band >= first) & (band < first + width))[:, None, :]
    first = (chance.uniform(0, 1, count, 1) * frames[:, None]).long()
    width = chance.whole(1, 7, count, 1) * chance.is_so(0.5, count)[:, None]
    return features * (kept & ~((time >= first) & (time < first + width))[..., None])


def _room(count: int, points: int, chance: Chance) -> Tensor:
    """The spectrum of a decaying response for 45 of 100, 1 for the others."""
    decay = chance.uniform(0.1, 0.7, count, 1)
    time = torch.arange(_ROOM, device=chance.device) / SAMPLE_RATE
    response = chance.normal(count, _ROOM) * 10 ** (-3 * time / decay) * (time < decay)
    loudness = 10 ** (chance.uniform(-18, 2, count, 1) / 20) * chance.is_so(0.45, count)[:, None]
    response = response * loudness / response.square().sum(1, keepdim=True).sqrt()
    response[:, 0] = 1.0
    return torch.fft.rfft(response, points)


def _equaliser(count: int, points: int, chance: Chance) -> Tensor:
    """Gains at 0 to 4 kHz."""
    return _curve(10 ** (torch.cumsum(chance.uniform(-5, 5, count, 6), 1) / 20), points)


def _telephone(count: int, points: int, chance: Chance) -> Tensor:
    """Nothing under 200 to 400 Hz and over 3.1 to 3.5 kHz."""
    band = torch.arange(41, device=chance.device)
    low, high = chance.whole(2, 5, count, 1), chance.whole(31, 36, count, 1)
    return _curve(torch.where((band < low) | (band >= high), 0.01, 1.0), points)


def _curve(gains: Tensor, points: int) -> Tensor:
    """As many values as a spectrum of `points` samples has."""
    bins = points // 2 + 1
    return torch.nn.functional.interpolate(gains[:, None], bins, mode="linear", align_corners=True)[:, 0]


def _noise(line: Tensor, points: int, size: int, chance: Chance) -> Tensor:
    """Between white and brown, perhaps coming and going, of power 1 before the line filters it."""
    count, bins = len(line), points // 2 + 1
    colour = torch.arange(bins, device=chance.device).clamp(min=1) ** -chance.uniform(0, 1, count, 1)
    spectrum = torch.complex(chance.normal(count, bins), chance.normal(count, bins)) * colour
    spectrum = spectrum / colour.square().mean(1, keepdim=True).sqrt()
    noise = torch.fft.irfft(spectrum * line * (points / 2) ** 0.5, points)[:, :size]
    swell = torch.nn.functional.interpolate(
        chance.uniform(0.1, 1, count, 1, 9), size, mode="linear", align_corners=True
    )[:, 0]
    return torch.where(chance.is_so(0.3, count)[:, None], noise * swell, noise)


def _of_power_1(samples: Tensor) -> Tensor:
    return samples / (samples.square().mean(1, keepdim=True).sqrt() + 1e-6)


def _clipped(samples: Tensor, chance: Chance) -> Tensor:
    """One in ten is cut off on both sides, where it is one and a half to three times its own level."""
    level = samples.square().mean(1, keepdim=True).sqrt() * chance.uniform(1.5, 3, len(samples), 1)
    return torch.where(chance.is_so(0.1, len(samples))[:, None], samples.clamp(-level, level), samples)


def _mu_law(samples: Tensor) -> Tensor:
    """Eight bits a sample, as telephone networks have it (ITU-T G.711)."""
    peak = samples.abs().amax(1, keepdim=True) + 1e-6
    companded = torch.sign(samples) * torch.log1p(255 * (samples / peak).abs()) / 5.545177
    rounded = (companded * 127).round() / 127
    return torch.sign(rounded) * (torch.exp(rounded.abs() * 5.545177) - 1) / 255 * peak
