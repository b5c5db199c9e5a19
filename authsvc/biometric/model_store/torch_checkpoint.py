"""Reads tensors out of a checkpoint in torch's old format (before zip archives), without torch and without trusting it.

Four pickles, the list of storage keys, then for each key a little-endian count and that many raw float32. The unpickler knows
three names and refuses every other, so nothing in the file can run.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import ModelUnusable

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_LARGEST = 64 * 1024 * 1024

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor before its numbers are read."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def read_tensors(data: bytes, part: str) -> dict[str, Floats]:
    """The tensors of the checkpoint's `part` (such as `model_state`) by name; raises ModelUnusable for anything unexpected."""
    try:
        return _read(io.BytesIO(data), part)
    except (
        pickle.UnpicklingError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        IndexError,
        AttributeError,
    ) as error:
        raise ModelUnusable(f"not a checkpoint in torch's old format: {error}") from error


def _read(file: io.BytesIO, part: str) -> dict[str, Floats]:
    if (_load(file), _load(file)) != (_MAGIC, _PROTOCOL):
        raise ValueError("its first two numbers are others")
    if not _load(file)["little_endian"]:
        raise ValueError("it is big-endian")
    views = _load(file)[part]
    storages = {key: _storage(file) for key in _load(file)}
    return {name: _tensor(view, storages) for name, view in views.items()}


def _storage(file: io.BytesIO) -> Floats:
    count = int.from_bytes(file.read(8), "little")
    raw = file.read(min(4 * count, _LARGEST))
    if len(raw) != 4 * count:
        raise ValueError("it ends within its numbers")
    values = np.frombuffer(raw, dtype="<f4")
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    return values


def _tensor(view: _View, storages: Mapping[str, Floats]) -> Floats:
    size = int(np.prod(view.shape))
    contiguous = tuple(int(np.prod(view.shape[axis + 1 :])) for axis in range(len(view.shape)))
    if view.stride != contiguous:
        raise ValueError("a tensor of it does not lie in one piece")
    return storages[view.storage.key][view.offset : view.offset + size].reshape(view.shape)


def _load(file: io.BytesIO) -> Any:  # Any: a pickle of plain values, checked by whoever asks.
    return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    """Makes stand-ins of what it knows and refuses the rest."""

    def find_class(self, module: str, name: str) -> Any:  # Any: as in pickle
        known = _KNOWN.get(f"{module}.{name}")
        if known is None:
            raise pickle.UnpicklingError(f"it names `{module}.{name}`")
        return known

    def persistent_load(self, pid: Any) -> _Storage:  # Any: as in pickle
        kind, storage, key, _, count, _ = pid
        if kind != "storage" or storage is not _float_storage:
            raise pickle.UnpicklingError("it holds a storage of another kind")
        return _Storage(str(key), int(count))


def _float_storage() -> None:
    """Stands for `torch.FloatStorage`, which is only ever named."""


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> _View:
    return _View(storage, offset, shape, stride)


_KNOWN: Mapping[str, object] = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch.FloatStorage": _float_storage,
}
