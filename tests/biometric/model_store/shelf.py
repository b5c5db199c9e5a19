"""A weight file of made-up bytes in an archive, and the manifest that pins both."""

import hashlib
import io
import tarfile
from pathlib import Path

from authsvc.biometric.manifest import Manifest, Source, parse_manifest

CONTENT = b"weights that a test made up" * 40


MEMBER = "pack-1.0/pack/net.dat"


MANIFEST = """
id = "drawn"
version = "1"
modality = "face"
role = "matcher"
engine = "drawn"
title = "a matcher of drawn faces"
[licence]
name = "CC0-1.0"
training_data = "none"
commercial = true
[[weights]]
role = "net"
file = "net.dat"
sha256 = "{sha}"
size = {size}
[weights.source]
package = "pack==1.0"
archive_sha256 = "{archive_sha}"
archive_size = {archive_size}
member = "{member}"
sha256 = "{sha}"
size = {size}
"""


class Shelf:
    """An archive, the manifest that pins it, and a downloader that counts its journeys."""

    def __init__(self, folder: Path, content: bytes = CONTENT) -> None:
        self.archive = folder / "pack-1.0.tar.gz"
        self.models = folder / "models"
        self.journeys = 0
        with tarfile.open(self.archive, "w:gz") as archive:
            member = tarfile.TarInfo(MEMBER)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

    def text(self) -> str:
        packed = self.archive.read_bytes()
        return MANIFEST.format(
            sha=hashlib.sha256(CONTENT).hexdigest(),
            size=len(CONTENT),
            archive_sha=hashlib.sha256(packed).hexdigest(),
            archive_size=len(packed),
            member=MEMBER,
        )

    def manifest(self) -> Manifest:
        return parse_manifest(self.text())

    def download(self, source: Source, folder: Path) -> Path:
        self.journeys += 1
        copy = folder / self.archive.name
        copy.write_bytes(self.archive.read_bytes())
        return copy
