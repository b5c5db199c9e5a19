"""The recogniser's network: three convolutions and one bidirectional GRU, to a label every 40 ms."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from authsvc.voice.prompt_features import BANDS

LABELS = 21
CHANNELS, HIDDEN = 96, 64


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *_layer(BANDS, 5, stride=2), *_layer(CHANNELS, 5, stride=1), *_layer(CHANNELS, 3, stride=2)
        )
        self.dropout = nn.Dropout(0.1)
        self.recurrent = nn.GRU(CHANNELS, HIDDEN, bidirectional=True, batch_first=True)
        self.labels = nn.Linear(2 * HIDDEN, LABELS)

    def forward(self, features: Tensor) -> Tensor:
        """`n x frames x 40` to log-probabilities `n x frames / 4 x 21`."""
        values = self.convolutions(features.transpose(1, 2)).transpose(1, 2)
        states, _ = self.recurrent(self.dropout(values))
        return torch.log_softmax(self.labels(self.dropout(states)), dim=-1)


def steps_of(frames: int) -> int:
    """How many labels come out for so many frames."""
    return ((frames + 1) // 2 + 1) // 2


def _layer(inputs: int, width: int, *, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv1d(inputs, CHANNELS, width, stride=stride, padding=width // 2)
    return convolution, nn.BatchNorm1d(CHANNELS), nn.ReLU()
