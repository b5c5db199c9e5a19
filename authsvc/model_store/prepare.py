"""Makes the default models ready: fetch the pinned archive, check, convert, check again, put in place.

Run twice, the second time finds everything there and only hashes it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from authsvc.errors import ModelUnusable
from authsvc.manifest import Manifest, Source, Weight
from authsvc.model_store.archive import check_archive, read_member
from authsvc.model_store.install import install_bytes
from authsvc.model_store.package_index import download
from authsvc.weights import WeightState, weight_state

Download = Callable[[Source, Path], Path]
"""Puts the archive of a source into a folder and answers where it is; raises ModelUnusable."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was done for one weight file: `was` is the state it was found in."""

    manifest: str
    file: str
    was: WeightState

    @property
    def installed(self) -> bool:
        return self.was is not WeightState.READY


def prepare(
    manifests: Iterable[Manifest],
    folder: Path,
    *,
    from_archive: Path | None = None,
    download: Download = download,
) -> tuple[Prepared, ...]:
    """Installs every weight file that comes from a source package; raises ModelUnusable that says what to do."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        (manifest.id, weight): weight_state(folder, weight)
        for manifest in manifests
        for weight in manifest.weights
        if weight.source is not None and weight.source.package is not None
    }
    missing = tuple(weight for (_, weight), state in found.items() if state is not WeightState.READY)
    if missing:
        # A folder of the same file system as the models, so that the last step is a rename.
        with tempfile.TemporaryDirectory(prefix=".prepare-", dir=folder) as work:
            _install(missing, folder, _Archives(Path(work), from_archive, download))
    return tuple(Prepared(name, weight.file, state) for (name, weight), state in found.items())


def _install(weights: Iterable[Weight], folder: Path, archives: _Archives) -> None:
    for weight in weights:
        if weight.source is not None:
            member = read_member(archives.get(weight.source), weight.source)
            install_bytes(folder, weight, _convert(weight.source, member))


class _Archives:
    """Each archive is fetched and hashed once, however many of its members are wanted."""

    def __init__(self, work: Path, given: Path | None, download: Download) -> None:
        self._work = work
        self._given = given
        self._download = download
        self._checked: dict[str | None, Path] = {}

    def get(self, source: Source) -> Path:
        if source.package not in self._checked:
            path = self._download(source, self._work) if self._given is None else self._given
            check_archive(path, source)
            self._checked[source.package] = path
        return self._checked[source.package]


def _convert(source: Source, member: bytes) -> bytes:
    if source.convert is None:
        return member
    if source.convert not in _CONVERSIONS:
        raise ModelUnusable(f"the manifest names the unknown conversion `{source.convert}`")
    return _CONVERSIONS[source.convert](member)


def _dlib_resnet(member: bytes) -> bytes:
    try:
        from authsvc.model_store.dlib_graph import convert_dlib_resnet
    except ModuleNotFoundError as error:
        raise ModelUnusable("converting needs the package onnx: run `uv sync --extra prepare`") from error
    return convert_dlib_resnet(member)


_CONVERSIONS: Mapping[str, Callable[[bytes], bytes]] = {"dlib_resnet": _dlib_resnet}
