"""The corpus as one tensor on the training's device, and the drawing of lines from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from prompt_training.corpus import Utterance, shares
from prompt_training.words import MANDARIN

MOST_DIGITS = 8
_CONNECTED = 0.5
_MOST_JOINED = 6
_ASKED = 0.4
"""The share of joined lines that have as many digits as a prompt."""


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Pieces of sound, n x 8 with `used` of them, and the labels that they spell."""

    starts: Tensor
    sizes: Tensor
    used: Tensor
    labels: Tensor
    count: Tensor
    mandarin: Tensor

    def rows(self) -> list[Draw]:
        """One line each."""
        columns = [getattr(self, field.name) for field in fields(self)]
        return [Draw(*row) for row in zip(*columns, strict=True)]

    @classmethod
    def of_rows(cls, rows: Sequence[Draw]) -> Draw:
        return cls(*(torch.stack([getattr(row, field.name) for row in rows]) for field in fields(cls)))


class Sounds:
    """Utterances of voices that say all ten digits, each kind of voice drawn with its share."""

    def __init__(self, utterances: Sequence[Utterance], device: torch.device) -> None:
        by_voice: dict[int, list[int]] = {}
        for number, utterance in enumerate(utterances):
            by_voice.setdefault(utterance.voice, []).append(number)
        alone = {voice: _alone(utterances, numbers) for voice, numbers in by_voice.items()}
        strings = {
            voice: [number for number in numbers if len(utterances[number].digits) > 1]
            for voice, numbers in by_voice.items()
        }
        voices = [voice for voice in by_voice if alone[voice] is not None and strings[voice]]
        takes = max(len(one) for voice in voices for one in alone[voice] or ())
        self.sound = torch.from_numpy(np.concatenate([one.sound for one in utterances])).to(device)
        sizes = torch.tensor([one.sound.size for one in utterances], device=device)
        self._sizes, self._starts = sizes, torch.cumsum(sizes, 0) - sizes
        self._alone = torch.tensor(
            [[(one * takes)[:takes] for one in alone[voice] or ()] for voice in voices], device=device
        )
        most = max(len(strings[voice]) for voice in voices)
        self._strings = torch.tensor([(strings[voice] * most)[:most] for voice in voices], device=device)
        self._digits = torch.tensor(
            [[int(digit) for digit in one.digits.ljust(MOST_DIGITS, "0")] for one in utterances],
            device=device,
        )
        self._counts = torch.tensor([len(one.digits) for one in utterances], device=device)
        first = [utterances[by_voice[voice][0]] for voice in voices]
        self._mandarin = torch.tensor([one.language == MANDARIN for one in first], device=device)
        self._weights = torch.tensor(shares(first), device=device)

    def draw(self, count: int, generator: torch.Generator) -> Draw:
        """`count` lines: half of them strings as the synthesiser said them, half joined from single digits."""
        device = self.sound.device
        drawn = torch.multinomial(self._weights, count, replacement=True, generator=generator)

        def whole(high: int, *shape: int) -> Tensor:
            return torch.randint(high, shape, generator=generator, device=device)

        digits, counts = whole(10, count, MOST_DIGITS), 1 + whole(_MOST_JOINED, count)
        asked = torch.rand(count, generator=generator, device=device) < _ASKED
        counts = torch.where(asked, _MOST_JOINED, counts)
        pieces = self._alone[drawn[:, None], digits, whole(self._alone.shape[2], count, MOST_DIGITS)]
        string = self._strings[drawn, whole(self._strings.shape[1], count)]
        connected = torch.rand(count, generator=generator, device=device) < _CONNECTED
        pieces = torch.where(connected[:, None], string[:, None], pieces)
        digits = torch.where(connected[:, None], self._digits[string], digits)
        spelled = torch.where(connected, self._counts[string], counts)
        used = torch.arange(MOST_DIGITS, device=device) < torch.where(connected, 1, counts)[:, None]
        mandarin = self._mandarin[drawn]
        labels = digits + 1 + 10 * mandarin[:, None]
        return Draw(self._starts[pieces], self._sizes[pieces], used, labels, spelled, mandarin)

    def between(self, at: Tensor) -> Tensor:
        """The sound at fractional positions, -1 to 1, on cubic curves through four samples (Catmull and Rom)."""
        before = at.long()
        t = (at - before).float()
        a, b, c, d = (
            self.sound[(before + step).clamp(0, self.sound.numel() - 1)].float() / 32768
            for step in (-1, 0, 1, 2)
        )
        return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _alone(utterances: Sequence[Utterance], numbers: Sequence[int]) -> list[list[int]] | None:
    """For each digit the utterances of it alone; None when the voice lacks one."""
    found: Mapping[str, list[int]] = {str(digit): [] for digit in range(10)}
    for number in numbers:
        if len(utterances[number].digits) == 1:
            found[utterances[number].digits].append(number)
    return list(found.values()) if all(found.values()) else None
