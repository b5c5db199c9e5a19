"""The recogniser's network: convolutions and bidirectional GRUs, to a label every 40 ms."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from authsvc.voice.prompt_features import BANDS

LABELS = 21
_IMPOSSIBLE = -1e4


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide and deep; the weights of the widest that ships stay under a megabyte in float16."""

    channels: int = 128
    hidden: int = 96
    layers: int = 2
    dropout: float = 0.15


class Network(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        wide = shape.channels
        self.convolutions = nn.Sequential(
            *_layer(BANDS, wide, 5, stride=2),
            *_layer(wide, wide, 5, stride=1),
            *_layer(wide, wide, 3, stride=2),
        )
        self.dropout = nn.Dropout(shape.dropout)
        self.recurrent = nn.GRU(
            wide, shape.hidden, shape.layers, bidirectional=True, batch_first=True, dropout=shape.dropout
        )
        self.labels = nn.Linear(2 * shape.hidden, LABELS)

    def forward(self, features: Tensor, frames: Tensor | None = None) -> Tensor:
        """`n x frames x 40` to scores `n x frames / 4 x 21`, unnormalised; `frames` where the recordings differ in length."""
        values = self.dropout(self.convolutions(features.transpose(1, 2)).transpose(1, 2))
        if frames is None:
            return self.labels(self.dropout(self.recurrent(values)[0]))
        # Packed, or the backward direction would begin in the padding, which a single recording has not.
        packed = nn.utils.rnn.pack_padded_sequence(
            values, steps_of(frames).cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        return self.labels(self.dropout(states))


def steps_of(frames: Tensor) -> Tensor:
    """How many labels come out for so many frames."""
    return ((frames + 1) // 2 + 1) // 2


def of_language(scores: Tensor, mandarin: Tensor) -> Tensor:
    """Log-probabilities among the blank and the digits of the asked language, as a prompt is judged.

    Without it the network learns which synthesiser speaks which language, and hears no Mandarin from a human throat.
    """
    label = torch.arange(LABELS, device=scores.device)
    english, chinese = (label >= 1) & (label <= 10), label >= 11
    other = torch.where(mandarin[:, None], english, chinese)
    return torch.log_softmax(scores.masked_fill(other[:, None, :], _IMPOSSIBLE), dim=-1)


def _layer(inputs: int, outputs: int, width: int, *, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv1d(inputs, outputs, width, stride=stride, padding=width // 2)
    return convolution, nn.BatchNorm1d(outputs), nn.ReLU()
