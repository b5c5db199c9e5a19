"""Reads the tensors of dlib's face ResNet out of its `.dat` file, without dlib.

Integers in that file are one byte n and then n bytes, little-endian; a tensor is the version 2, four dimensions and raw
little-endian float32. Between tensors stand layer settings that nothing here needs: the next header of the expected size
is searched, always forward, and a gap that is too long or a number that is not finite refuses the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import ModelUnusable

_LONGEST_GAP = 4096

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with the affine layer behind it folded in: `weights` f x c x h x w, `bias` f."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Block:
    """A residual block of two convolutions; a `down` block halves the sides."""

    first: Convolution
    second: Convolution
    down: bool


@dataclass(frozen=True, slots=True)
class ResNet:
    """The whole network; `projection` is 256 x 128 and has no bias."""

    stem: Convolution
    blocks: tuple[Block, ...]
    projection: Floats


# Filters of each block, and whether it halves the sides.
_BLOCKS = (
    *((32, False),) * 3, (64, True), *((64, False),) * 3, (128, True), *((128, False),) * 2,
    (256, True), *((256, False),) * 2, (256, True),
)  # fmt: skip


def read_resnet(data: bytes) -> ResNet:
    """The network in a `.dat` file's bytes; raises ModelUnusable when it is not that network."""
    tensors = _Tensors(data)
    stem = tensors.convolution(32, 3, 7)
    blocks = tuple(_read_blocks(tensors))
    projection = tensors.next(256, 128).reshape(256, 128)
    tensors.end()
    return ResNet(stem, blocks, projection)


def _read_blocks(tensors: _Tensors) -> Iterator[Block]:
    channels = 32
    for filters, down in _BLOCKS:
        first = tensors.convolution(filters, channels, 3)
        second = tensors.convolution(filters, filters, 3)
        yield Block(first, second, down)
        channels = filters


class _Tensors:
    """A cursor over the file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def next(self, samples: int, k: int = 1) -> Floats:
        """The next tensor of `samples` x `k` x 1 x 1 values, flat."""
        header = b"\x01\x02" + b"".join(_integer(dimension) for dimension in (samples, k, 1, 1))
        found = self._data.find(header, self._at, self._at + _LONGEST_GAP)
        start, stop = found + len(header), found + len(header) + 4 * samples * k
        if found < 0 or stop > len(self._data):
            raise ModelUnusable(
                f"not dlib's face network: no tensor of {samples} x {k} after byte {self._at}"
            )
        values = np.frombuffer(self._data[start:stop], dtype="<f4")
        if not np.isfinite(values).all():
            raise ModelUnusable(f"the tensor at byte {found} holds numbers that are not finite")
        self._at = stop
        return values

    def convolution(self, filters: int, channels: int, side: int) -> Convolution:
        """The next convolution, with the affine layer that follows it: y = gain * x + offset."""
        values = self.next(filters * channels * side * side + filters)
        weights, bias = values[:-filters].reshape(filters, channels, side, side), values[-filters:]
        gain, offset = self.next(2 * filters).reshape(2, filters)
        return Convolution(weights * gain[:, None, None, None], bias * gain + offset)

    def end(self) -> None:
        if len(self._data) - self._at > _LONGEST_GAP:
            raise ModelUnusable(f"{len(self._data) - self._at} unread bytes follow the last tensor")


def _integer(value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "little")
